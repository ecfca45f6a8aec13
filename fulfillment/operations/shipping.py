"""Shipping: the parcel leaves, stock leaves the ledger, the order's quantities and statuses follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.outbox import publish
from core.outcomes import BulkOutcome
from core.refusals import NotFound, Refusal
from core.text import search_words
from fulfillment.events import FulfillmentShipped
from fulfillment.models import FulfillmentOrder, Shipment
from fulfillment.operations.labels import buy_label, live_shipment
from fulfillment.operations.packing import pack_work
from fulfillment.operations.tracking import refresh_shipment
from fulfillment.operations.units import units_leave
from fulfillment.operations.work import S, Work, check_move, count_all, lock_work, record, write_state
from fulfillment.states import SHIPMENT_MACHINE
from inventory.operations import Claim
from inventory.operations import ship as ship_stock
from orders.operations import refresh_order


@dataclass(frozen=True, slots=True)
class Shipped:
    """A work order that left: its shipment and the tracking numbers of its parcels."""

    fulfillment_order_id: int
    number: str
    shipment_id: int
    tracking_numbers: tuple[str, ...]


def ship_fulfillment_order(
    *, fulfillment_order_id: int, actor: Actor, now: datetime, expected_version: int | None = None, fast_forward: bool = False,
    buy: bool = True,
) -> Shipped:  # fmt: skip
    """Hand the parcel over: packed → shipped, once.

    Stock moves (reserved and on hand fall together), the lines' counters, the order's parcels and statuses follow, the history
    and the event are written, all in one transaction. Of two who ship at once, one succeeds and the other gets Stale, which says
    who did it and when. With `fast_forward` a work order that is still open, picking or picked is packed in the same transaction,
    and a missing label is bought before it (`buy`: off where the caller has seen to it and is inside a transaction).
    Raises Refusal (held, no label, wrong state), Stale, NotFound.
    """
    if fast_forward and buy:
        _ensure_label(fulfillment_order_id, actor=actor, now=now)
    with transaction.atomic():
        work = lock_work(fulfillment_order_id, expected_version=expected_version)
        if fast_forward and work.fulfillment_order.state in (S.OPEN, S.PICKING, S.PICKED):
            pack_work(work, actor=actor, now=now)
        target = check_move(work, "ship")
        shipment = _hand_over(work, now=now)
        _move_stock(work, actor=actor, now=now)
        count_all(work, "shipped")
        write_state(work, target, actor=actor, now=now, shipped_at=now)
        numbers = tuple(shipment.packages.order_by("id").values_list("tracking_number", flat=True))
        refresh_shipment(shipment, work, actor=actor, now=now)
        work.order.search_text = _with_words(work.order.search_text, *numbers)
        refresh_order(work.order, now=now)
        record(
            work, "fulfillment.shipped", actor=actor, now=now, shipment_id=shipment.pk, carrier=shipment.carrier,
            tracking_numbers=list(numbers), units=sum(line.quantity for line in work.lines),
        )  # fmt: skip
        publish(FulfillmentShipped(work.fulfillment_order.pk), actor=actor)
        return Shipped(work.fulfillment_order.pk, work.fulfillment_order.number, shipment.pk, numbers)


def ship_many(*, fulfillment_order_ids: Sequence[int], actor: Actor, now: datetime) -> BulkOutcome:
    """Pack and ship many, each in a transaction of its own; what is refused is listed and the rest go."""
    outcome = BulkOutcome()
    numbers = dict(FulfillmentOrder.objects.filter(pk__in=fulfillment_order_ids).values_list("pk", "number"))
    for pk in fulfillment_order_ids:
        try:
            outcome.done.append(
                ship_fulfillment_order(fulfillment_order_id=pk, actor=actor, now=now, fast_forward=True).number
            )
        except Refusal as refusal:
            outcome.refuse(numbers.get(pk, pk), refusal)
    return outcome


def _ensure_label(fulfillment_order_id: int, *, actor: Actor, now: datetime) -> None:
    """Buy the label first, outside the transaction that ships; nothing is bought for work that cannot ship."""
    found = FulfillmentOrder.objects.filter(pk=fulfillment_order_id).first()
    if found is None:
        raise NotFound("no_such_fulfillment_order", _("There is no such fulfillment order."))
    if not found.has_label and found.state in (S.OPEN, S.PICKING, S.PICKED, S.PACKED):
        buy_label(fulfillment_order_id=fulfillment_order_id, actor=actor, now=now)


def _hand_over(work: Work, *, now: datetime) -> Shipment:
    shipment = live_shipment(work.fulfillment_order.pk, lock=True)
    if shipment is None:
        raise Refusal("no_label", _("It has no label yet."))
    shipment.state = SHIPMENT_MACHINE.check(shipment, "hand_over")
    shipment.handed_over_at = now
    shipment.save(update_fields=["state", "handed_over_at"])
    return shipment


def _move_stock(work: Work, *, actor: Actor, now: datetime) -> None:
    location_id = work.fulfillment_order.location_id
    lots = units_leave(work, actor=actor, now=now)
    claims = [
        Claim(line.order_line.variant_id, location_id, line.order_line.reservation_owner, line.quantity)
        for line in work.lines
        if line.order_line.variant_id is not None
    ]
    ship_stock(claims, cause=work.fulfillment_order.subject, actor=actor, now=now, lots=lots)


def _with_words(search_text: str, *texts: str) -> str:
    """The search text with further words, each once."""
    known = dict.fromkeys(search_text.split())
    known.update(dict.fromkeys(search_words(*texts).split()))
    return " ".join(known)
