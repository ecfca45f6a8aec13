"""Take back an adjustment: the ledger keeps both, the movement and its counter-movement."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import NotAllowed, NotFound, Refusal, Stale
from inventory.models import MovementReason, StockMovement
from inventory.operations.adjusting import BY_HAND
from inventory.operations.levels import Level, Move, apply_moves, lock_levels
from inventory.queries import UNDONE, last_adjustment


def undo_adjustment(*, movement_id: int, actor: Actor, now: datetime) -> Level:
    """Move the same units the other way, with the movement as its cause; for one's own last adjustment of a level.

    Raises NotFound, NotAllowed (somebody else's), Refusal `not_an_adjustment`, Stale `already_undone` or `not_the_last`, and what
    `apply_moves` refuses: units that were promised since cannot be taken back.
    """
    movement = StockMovement.objects.filter(pk=movement_id).first()
    if movement is None:
        raise NotFound("no_such_movement", _("There is no such movement."))
    if not movement.cause.startswith(BY_HAND):
        raise Refusal("not_an_adjustment", _("Only an adjustment made by hand can be undone here."))
    if movement.actor != actor.ref:
        raise NotAllowed("not_yours", _("Somebody else made this adjustment; adjust the count instead."))
    key = (movement.variant_id, movement.location_id)
    with transaction.atomic():
        lock_levels([key])
        rows = StockMovement.objects.filter(  # one for each lot it was of
            cause=movement.cause, variant_id=key[0], location_id=key[1], bucket=movement.bucket
        ).order_by("-id")
        if StockMovement.objects.filter(cause__in=[f"{UNDONE}{row.pk}" for row in rows]).exists():
            raise Stale("already_undone", _("This adjustment was undone already."))
        last = last_adjustment(variant_id=key[0], location_id=key[1], actor=actor.ref)
        if last is None or last.cause != movement.cause:
            raise Stale("not_the_last", _("This is no longer your last adjustment here; adjust the count instead."))
        back = [Move(*key, row.bucket, -row.quantity, MovementReason.CORRECTION, lot_id=row.lot_id) for row in rows]
        return apply_moves(back, cause=f"{UNDONE}{last.pk}", actor=actor, now=now)[key]
