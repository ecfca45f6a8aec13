"""What returns do when something happened elsewhere: thin handlers over operations, each safe to run twice."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.outbox import bell
from returns.events import ReturnApproved


def order_return_label(event: ReturnApproved, *, actor: Actor, now: datetime) -> None:
    """Have the label made at once: by a worker of its own, because a carrier must not be waited for in a transaction.

    Without a broker the sweep of returns.tasks finds the return within half a minute.
    """
    transaction.on_commit(lambda: bell.ring("returns.tasks.make_return_label", event.return_id), robust=True)
