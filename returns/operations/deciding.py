"""A return is approved or declined, by policy or by a person."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.outbox import publish
from core.refusals import Invalid, Refusal
from inventory.models import Location
from returns.events import ReturnApproved, ReturnDeclined
from returns.models import Return
from returns.operations.goods import keep_locked
from returns.operations.labels import request_label
from returns.operations.locking import (
    Locked,
    add_to_order_lines,
    check_move,
    lock_return,
    record,
    refresh_returning,
    write_return,
)
from returns.queries.places import nearest_location

LONGEST_ANSWER = 2000


def approve_return(
    *,
    return_id: int,
    answer: str = "",
    location_id: int | None = None,
    keep: bool = False,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> Return:
    """Approve a return: it gets a place to go to and a label is asked for; with `keep` the customer keeps the goods instead.

    location_id: where it should go; the nearest location that accepts returns when left out. answer: what the customer is told.
    Raises Refusal `wrong_state`, `no_return_location`; Invalid for a location that takes no returns.
    """
    with transaction.atomic():
        locked = lock_return(return_id, version=version)
        approve_locked(locked, answer=answer, keep=keep, location_id=location_id, actor=actor, now=now)
        refresh_returning(locked.order, now=now)
        return locked.request


def approve_locked(
    locked: Locked, *, answer: str, keep: bool, location_id: int | None = None, actor: Actor, now: datetime
) -> None:
    """Approve a locked return; the caller refreshes the order afterwards."""
    state = check_move(locked, "approve")
    location = None if keep else _destination(locked, location_id)
    text = answer.replace("\x00", "").strip()[:LONGEST_ANSWER]
    write_return(locked, state=state, location=location, answer=text, decided_at=now)
    if location is not None:
        write_return(locked, shipment=request_label(locked.request, now=now))
    record(
        locked, "return.approved", actor=actor, now=now, location=location.name if location else "", keeps_goods=keep
    )
    if keep:
        keep_locked(locked, {line.pk: line.quantity for line in locked.lines}, actor=actor, now=now)
    publish(ReturnApproved(locked.request.pk), actor=actor)


def _destination(locked: Locked, location_id: int | None) -> Location:
    if location_id is not None:
        chosen = Location.objects.filter(pk=location_id, active=True, accepts_returns=True).first()
        if chosen is None:
            raise Invalid("bad_location", _("This location does not accept returns."), field="location")
        return chosen
    nearest = nearest_location(locked.order)
    if nearest is None:
        raise Refusal("no_return_location", _("No location accepts returns. Allow it at one of the locations first."))
    return nearest


def decline_return(*, return_id: int, answer: str, actor: Actor, now: datetime, version: int | None = None) -> Return:
    """Decline a return and tell the customer why; its units may be asked for again.

    Raises Invalid without an answer, Refusal `wrong_state`.
    """
    text = answer.replace("\x00", "").strip()[:LONGEST_ANSWER]
    if not text:
        raise Invalid("no_answer", _("Tell the customer why."), field="answer")
    with transaction.atomic():
        locked = lock_return(return_id, version=version)
        state = check_move(locked, "decline")
        add_to_order_lines((line.order_line_id, {"return_requested": -line.quantity}) for line in locked.lines)
        write_return(locked, state=state, answer=text, decided_at=now, resolved_at=now)
        refresh_returning(locked.order, now=now)
        record(locked, "return.declined", actor=actor, now=now, answer=text)
        publish(ReturnDeclined(locked.request.pk), actor=actor)
        return locked.request
