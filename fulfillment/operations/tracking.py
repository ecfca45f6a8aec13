"""What carriers report about parcels: stored once each, in any order, and what follows for work order and order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Count, F, Q
from django.utils.translation import gettext as _

from core.actors import Actor
from core.outbox import publish
from core.refusals import NotFound
from fulfillment.carriers import registered
from fulfillment.carriers.base import TrackingUpdate
from fulfillment.events import ShipmentDelivered
from fulfillment.models import Direction, Package, Shipment, TrackingEvent
from fulfillment.operations.groups import lock_group
from fulfillment.operations.work import S, Work, lock_work, record, write_state
from fulfillment.states import FULFILLMENT_MACHINE, SHIPMENT_MACHINE, ShipmentState
from orders.models import Order, OrderLine
from orders.operations import lock_order, refresh_order

T = ShipmentState
#: Reported code → state of the shipment. Codes beside these (label printed, customs, …) are shown and change nothing.
STATE_OF_CODE = {
    "in_transit": T.IN_TRANSIT,
    "out_for_delivery": T.OUT_FOR_DELIVERY,
    "exception": T.EXCEPTION,
    "delivered": T.DELIVERED,
}
_ACTION = {
    T.IN_TRANSIT: "moved_on",
    T.OUT_FOR_DELIVERY: "out_for_delivery",
    T.EXCEPTION: "fail",
    T.DELIVERED: "deliver",
}
#: Of two reports of the same moment the one further on its way counts.
_RANK = {"in_transit": 0, "exception": 1, "out_for_delivery": 2, "delivered": 3}
MOVING = frozenset({T.IN_TRANSIT, T.OUT_FOR_DELIVERY, T.EXCEPTION})


def record_tracking(*, shipment_id: int, updates: Sequence[TrackingUpdate], actor: Actor, now: datetime) -> Shipment:
    """Store reports about a shipment and bring its state, the work order's and the order's in line with all that is known.

    A report delivered twice is stored once; the state follows from the set of reports, so their order of arrival does not matter;
    delivered is final. Raises NotFound.
    """
    order_id, work_order_id, shared = Shipment.objects.filter(pk=shipment_id).values_list(
        "order_id", "fulfillment_order_id", "fulfillment_order__consolidation_id"
    ).first() or (None, None, None)
    if order_id is None:
        raise NotFound("no_such_shipment", _("There is no such shipment."))
    if shared and work_order_id:
        return _record_shared(shipment_id, work_order_id, updates, actor=actor, now=now)
    with transaction.atomic():
        work = lock_work(work_order_id) if work_order_id else None
        order = work.order if work else lock_order(order_id)
        shipment = Shipment.objects.select_for_update(no_key=True).get(pk=shipment_id)
        _apply(shipment, work, order, updates, actor=actor, now=now)
        return shipment


def _record_shared(
    shipment_id: int, work_order_id: int, updates: Sequence[TrackingUpdate], *, actor: Actor, now: datetime
) -> Shipment:
    """What is reported about a parcel is true for each order that is in it: all in one transaction."""
    with transaction.atomic():
        works = {work.fulfillment_order.pk: work for work in lock_group(work_order_id).works}
        rows = Shipment.objects.select_for_update(of=("self",), no_key=True).filter(
            fulfillment_order__in=works, direction=Direction.OUTBOUND
        )
        found = list(rows.exclude(state__in=(T.VOID_REQUESTED, T.VOIDED)).order_by("pk"))
        for shipment in found:
            work = works[shipment.fulfillment_order_id or 0]
            _apply(shipment, work, work.order, updates, actor=actor, now=now)
        return next((one for one in found if one.pk == shipment_id), None) or Shipment.objects.get(pk=shipment_id)


def _apply(
    shipment: Shipment,
    work: Work | None,
    order: Order,
    updates: Sequence[TrackingUpdate],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    before = TrackingEvent.objects.filter(shipment=shipment).count()
    _store(shipment, updates)
    if TrackingEvent.objects.filter(shipment=shipment).count() == before:
        return
    if refresh_shipment(shipment, work, actor=actor, now=now) and shipment.direction == Direction.OUTBOUND:
        refresh_order(order, now=now)


def _store(shipment: Shipment, updates: Sequence[TrackingUpdate]) -> None:
    TrackingEvent.objects.bulk_create(
        [
            TrackingEvent(
                shipment=shipment, code=_code(update), description=_clean(update.description)[:250],
                place=_clean(update.place)[:120], at=update.at,
            )
            for update in updates
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def _code(update: TrackingUpdate) -> str:
    """The report's code as it is stored."""
    return _clean(update.code)[:20]


def _clean(text: str) -> str:
    return text.replace("\x00", "")


def refresh_shipment(shipment: Shipment, work: Work | None, *, actor: Actor, now: datetime) -> bool:
    """Bring a locked shipment that was handed over in line with its reports, and recount its order's parcels.

    True when something changed. Reports that come before the parcel is shipped here wait for it.
    """
    if shipment.handed_over_at is None or (shipment.state not in MOVING and shipment.state != T.DELIVERED):
        return False
    newest = newest_report(list(TrackingEvent.objects.filter(shipment=shipment)))
    state = STATE_OF_CODE[newest.code] if newest else T.IN_TRANSIT
    changed = state != shipment.state
    if changed and shipment.state != T.DELIVERED:
        shipment.state = SHIPMENT_MACHINE.check(shipment, _ACTION[state])
        shipment.delivered_at = newest.at if newest and state == T.DELIVERED else None
        shipment.save(update_fields=["state", "delivered_at"])
        if state == T.DELIVERED:
            _deliver(shipment, work, actor=actor, now=now)
        elif state == T.EXCEPTION and work is not None:
            record(
                work,
                "fulfillment.exception",
                actor=actor,
                now=now,
                shipment_id=shipment.pk,
                problem=newest.description if newest else "",
            )
    if work is not None and shipment.direction == Direction.OUTBOUND:
        count_parcels(work.order)
    return changed


def newest_report(events: Sequence[TrackingEvent]) -> TrackingEvent | None:
    """The report that decides the state: a delivery if there is one, else the latest that has a meaning for the state."""
    telling = [event for event in events if event.code in STATE_OF_CODE]
    delivered = [event for event in telling if event.code == "delivered"]
    return max(delivered or telling, key=lambda event: (event.at, _RANK[event.code]), default=None)


def _deliver(shipment: Shipment, work: Work | None, *, actor: Actor, now: datetime) -> None:
    if work is None or shipment.direction != Direction.OUTBOUND:
        return
    if work.fulfillment_order.state == S.SHIPPED:
        for line in work.lines:
            line.order_line.delivered += line.shipped
        OrderLine.objects.bulk_update([line.order_line for line in work.lines], ["delivered"])
        write_state(work, FULFILLMENT_MACHINE.check(work.fulfillment_order, "deliver"), actor=actor, now=now)
    record(
        work, "fulfillment.delivered", actor=actor, now=now, shipment_id=shipment.pk, delivered_at=shipment.delivered_at
    )
    publish(ShipmentDelivered(shipment.pk), actor=actor)


def count_parcels(order: Order) -> None:
    """Set the parcel counters of a locked order from its shipments (saved by the refresh that follows)."""
    counts = Package.objects.filter(
        shipment__order=order, shipment__direction=Direction.OUTBOUND, shipment__handed_over_at__isnull=False
    ).aggregate(
        parcels=Count("id"),
        out=Count("id", filter=Q(shipment__state=T.OUT_FOR_DELIVERY)),
        delivered=Count("id", filter=Q(shipment__state=T.DELIVERED)),
        exception=Count("id", filter=Q(shipment__state=T.EXCEPTION)),
    )
    order.parcels = counts["parcels"]
    order.parcels_out_for_delivery = counts["out"]
    order.parcels_delivered = counts["delivered"]
    order.parcels_exception = counts["exception"]


def ask_carriers(*, actor: Actor, now: datetime, limit: int = 500) -> int:
    """Ask every carrier about its parcels on their way and record what is new; the number of shipments that had news.

    The least recently asked come first, so that each gets its turn whatever their number.
    """
    news = 0
    for code, carrier in registered().items():
        waiting = list(
            Package.objects.filter(shipment__carrier=code, shipment__state__in=MOVING, rides=False)
            .order_by(F("shipment__asked_at").asc(nulls_first=True), "shipment_id")
            .values_list("tracking_number", "shipment_id")[:limit]
        )
        if not waiting:
            continue
        reports = carrier.track([number for number, _shipment in waiting])
        known = _known_reports({shipment_id for _number, shipment_id in waiting})
        for number, shipment_id in waiting:
            fresh = [u for u in reports.get(number, []) if (_code(u), u.at) not in known[shipment_id]]
            if fresh:
                record_tracking(shipment_id=shipment_id, updates=fresh, actor=actor, now=now)
                news += 1
        Shipment.objects.filter(pk__in=[shipment_id for _number, shipment_id in waiting]).update(asked_at=now)
    return news


def _known_reports(shipment_ids: set[int]) -> dict[int, set[tuple[str, datetime]]]:
    known: dict[int, set[tuple[str, datetime]]] = defaultdict(set)
    rows = TrackingEvent.objects.filter(shipment_id__in=shipment_ids)
    for shipment_id, code, at in rows.values_list("shipment_id", "code", "at"):
        known[shipment_id].add((code, at))
    return known
