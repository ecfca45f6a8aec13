"""What time does to drafts: held stock comes free at its date, offers end. One transaction each, looked at again under the lock."""

from __future__ import annotations

from datetime import datetime

from core.actors import Actor
from drafts.models import DraftOrder
from drafts.operations.composing import end_draft
from drafts.operations.holding import release_stock
from drafts.states import LIVE_STATES

#: Drafts looked at in one go; the rest follows with the next call.
BATCH = 500


def end_due(*, actor: Actor, now: datetime) -> int:
    """Release the holds and end the drafts whose time has come; the number of drafts looked at."""
    live = DraftOrder.objects.filter(state__in=sorted(LIVE_STATES))
    ended = list(live.filter(expires_at__lte=now).order_by("expires_at").values_list("pk", flat=True)[:BATCH])
    for pk in ended:
        end_draft(draft_id=pk, action="expire", due_at=now, actor=actor, now=now)
    held = list(live.filter(hold_until__lte=now).order_by("hold_until").values_list("pk", flat=True)[:BATCH])
    for pk in held:
        release_stock(draft_id=pk, due_at=now, actor=actor, now=now)
    return len(ended) + len(held)
