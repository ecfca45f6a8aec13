"""Preview a change order: the code that submits it, in a transaction that is rolled back. So it shows what submitting does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Refusal
from oms.orchestration.changing.changes import Change
from oms.orchestration.changing.effect import Effect
from oms.orchestration.changing.submit import Refused, apply_changes, check_version
from orders.operations import lock_order

#: How long a preview waits for somebody who works on the order or its stock.
PATIENCE = "2s"


@dataclass(frozen=True, slots=True)
class Preview:
    """What changes would do to the order at `version`. refused: those that cannot be made; the effect is that of the others."""

    version: int
    effect: Effect
    refused: list[Refused]

    @property
    def digest(self) -> str:
        """Sent with the submission, so that nothing else happens than what was shown."""
        return self.effect.digest()


def preview_change(
    *, order_id: int, changes: Sequence[Change], version: int | None = None, actor: Actor, now: datetime
) -> Preview:
    """What the changes would do now. Nothing stays: no stock, no event, no mail, no history.

    Raises NotFound, Stale when the order is no longer at `version`, Refusal `busy` when somebody else has it for longer than PATIENCE.
    """
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
            order = lock_order(order_id)
            if version is not None:
                check_version(order, version)
            seen = order.version
            effect, refused = apply_changes(order, changes, actor=actor, now=now)
            transaction.set_rollback(True)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != "55P03":
            raise
        message = _("Somebody is working on this order or its stock right now. Try again in a moment.")
        raise Refusal("busy", message) from None
    return Preview(seen, effect, refused)
