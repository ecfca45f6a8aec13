"""Shipping: the parcel leaves, stock leaves the ledger, the order's quantities and statuses follow.

A parcel that several orders share leaves with all of them in one transaction, or with none. Each order has its own shipment, riding
with the one whose label is on the parcel: its own tracking link, message and return; the cost is the lead's alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from core.actors import Actor
from core.addresses import Address
from core.outbox import publish
from core.outcomes import BulkOutcome
from core.refusals import NotFound, Refusal
from core.text import search_words
from fulfillment.delivery.book import current_book
from fulfillment.events import FulfillmentShipped
from fulfillment.members import Member
from fulfillment.models import FulfillmentOrder, Package, Shipment, TrackingEvent
from fulfillment.operations.groups import Group, tidy_groups
from fulfillment.operations.labels import buy_label, live_shipment
from fulfillment.operations.packing import in_parcel, pack_group, told_of
from fulfillment.operations.tracking import refresh_shipment
from fulfillment.operations.units import lock_stock, units_leave
from fulfillment.operations.work import S, Work, check_move, count_all, record, write_state
from fulfillment.states import SHIPMENT_MACHINE
from inventory.operations import Claim
from inventory.operations import ship as ship_stock
from orders.operations import refresh_order


@dataclass(frozen=True, slots=True)
class Shipped:
    """A work order that left: its shipment and the tracking numbers of its parcels. together: the numbers of all that left with it."""

    fulfillment_order_id: int
    number: str
    shipment_id: int
    tracking_numbers: tuple[str, ...]
    together: tuple[str, ...] = ()


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

    def ship(group: Group) -> Shipped:
        if fast_forward and not group.closed:
            pack_group(group, actor=actor, now=now)
        return _ship(group, actor=actor, now=now)

    return in_parcel(fulfillment_order_id, ship, actor=actor, now=now, expected_version=expected_version)


def _ship(group: Group, *, actor: Actor, now: datetime) -> Shipped:
    lead = group.lead
    targets = []
    for work in group.works:
        work.fulfillment_order.has_label = lead.fulfillment_order.has_label
        with group.naming(work):
            targets.append(check_move(work, "ship"))
    shipment = _hand_over(lead, now=now)
    numbers = tuple(shipment.packages.order_by("id").values_list("tracking_number", flat=True))
    shipments = {lead.fulfillment_order.pk: shipment}
    if len(group.works) > 1:
        lock_stock(group.whole)
        shipments |= _riders(group, shipment, now=now)
    for work, target in zip(group.works, targets, strict=True):
        mine = shipments[work.fulfillment_order.pk]
        _move_stock(work, actor=actor, now=now)
        count_all(work, "shipped")
        write_state(work, target, actor=actor, now=now, shipped_at=now)
        refresh_shipment(mine, work, actor=actor, now=now)
        work.order.search_text = _with_words(work.order.search_text, *numbers)
        refresh_order(work.order, now=now)
        record(
            work, "fulfillment.shipped", actor=actor, now=now, shipment_id=mine.pk, carrier=mine.carrier,
            tracking_numbers=list(numbers), units=sum(line.quantity for line in work.lines), **told_of(group, work),
        )  # fmt: skip
        publish(FulfillmentShipped(work.fulfillment_order.pk), actor=actor)
    found = group.asked.fulfillment_order
    together = tuple(work.fulfillment_order.number for work in group.works)
    return Shipped(found.pk, found.number, shipments[found.pk].pk, numbers, together)


def _riders(group: Group, shipment: Shipment, *, now: datetime) -> dict[int, Shipment]:
    """The shipments of the other members: the same parcel, with what was reported about it so far; by work order id."""
    riders = {
        work.fulfillment_order.pk: Shipment(
            fulfillment_order=work.fulfillment_order, order=work.order, rides_with=shipment, carrier=shipment.carrier,
            reference=f"{work.fulfillment_order.number}+{shipment.pk}", service=shipment.service, state=shipment.state,
            ship_from=shipment.ship_from, ship_to=shipment.ship_to, created_at=now, handed_over_at=now,
            expected_from=shipment.expected_from, expected_on=shipment.expected_on, label=shipment.label,
        )
        for work in group.works if work is not group.lead
    }  # fmt: skip
    Shipment.objects.bulk_create(riders.values())
    numbers = list(shipment.packages.order_by("id").values_list("tracking_number", flat=True))
    reports = list(TrackingEvent.objects.filter(shipment=shipment))
    Package.objects.bulk_create(
        [Package(shipment=rider, tracking_number=number, rides=True) for rider in riders.values() for number in numbers]
    )
    TrackingEvent.objects.bulk_create(
        [
            TrackingEvent(shipment=rider, code=one.code, description=one.description, place=one.place, at=one.at)
            for rider in riders.values() for one in reports
        ]
    )  # fmt: skip
    return riders


def ship_many(*, fulfillment_order_ids: Sequence[int], actor: Actor, now: datetime) -> BulkOutcome:
    """Pack and ship many, each parcel in a transaction of its own; what is refused is listed and the rest go."""
    outcome = BulkOutcome()
    members = tidy_groups(fulfillment_order_ids, actor=actor, now=now)
    numbers = dict(FulfillmentOrder.objects.filter(pk__in=fulfillment_order_ids).values_list("pk", "number"))
    for pk in one_of_each(fulfillment_order_ids, members):
        try:
            shipped = ship_fulfillment_order(fulfillment_order_id=pk, actor=actor, now=now, fast_forward=True)
            outcome.done += shipped.together
        except Refusal as refusal:
            outcome.refuse(numbers.get(pk, pk), refusal)
    return outcome


def one_of_each(fulfillment_order_ids: Sequence[int], members: Sequence[Member]) -> list[int]:
    """Of work orders that share a parcel the first one; the others as they are."""
    group_of = {one.pk: one.consolidation_id for one in members}
    firsts: dict[tuple[str, int], int] = {}
    for pk in fulfillment_order_ids:
        firsts.setdefault(("group", group_of[pk]) if pk in group_of else ("alone", pk), pk)
    return list(firsts.values())


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
    shipment.expected_from, shipment.expected_on = _expected(shipment, work, now=now)
    shipment.save(update_fields=["state", "handed_over_at", "expected_from", "expected_on"])
    return shipment


def _expected(shipment: Shipment, work: Work, *, now: datetime) -> tuple[date, date]:
    """When it should arrive, now that it is known when it left; what was promised stays with the work order."""
    origin, target = Address.from_json(shipment.ship_from), Address.from_json(shipment.ship_to)
    zone = work.fulfillment_order.location.time_zone
    return current_book().expected(
        now.astimezone(ZoneInfo(zone)).date(),
        carrier=shipment.carrier,
        service=shipment.service,
        from_country=origin.country or work.fulfillment_order.location.country,
        to_country=target.country,
        postal_code=target.postal_code,
    )


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
