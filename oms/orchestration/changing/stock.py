"""Stock and work orders follow a change: units given up go back, split lines keep theirs, new units look for a place.

Units are only ever taken out of work that nobody has in hand. Everything that a change may touch is locked at once, in order,
before the first unit moves, so what the order had it can have again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F, Max, Min

from core.actors import Actor
from fulfillment.models import FulfillmentLine, FulfillmentOrder, Shipment
from fulfillment.states import ACTIVE_STATES, FulfillmentState
from inventory.operations import Claim, lock_levels, release
from inventory.operations.reservations import write_reservations
from oms.orchestration.changing.editing import FREE_STATES, Edit
from oms.orchestration.moving_units import place_units
from orders.models import Hold, HoldLine, Order, OrderLine
from routing.queries import variant_level_keys

#: Work that is planned anew when only goods are added. What somebody set a day for stays as it was set.
_OPEN_TO_ALL = frozenset({FulfillmentState.OPEN, FulfillmentState.ON_HOLD})
_NEVER_LEFT = ("cancelled", "incomplete")


def follow(edit: Edit, *, actor: Actor, now: datetime) -> None:
    """Bring stock and work in line with the edit, whose order and lines are saved already. Raises the lines' counts, unsaved."""
    if not (edit.cancel or edit.splits or edit.added or edit.moved or edit.faster):
        return
    lock_levels(variant_level_keys(line.variant_id for line in edit.lines.values() if line.variant_id))
    for source, target, units in edit.splits:
        _split(edit, edit.lines[source], edit.lines[target], units, actor=actor, now=now)
    for line_id, units in sorted(edit.cancel.items()):
        _give_up(edit, edit.lines[line_id], units, actor=actor, now=now)
    for line in edit.lines.values():
        line.save()  # so that there is room for what is placed now
    if edit.moved or edit.faster:
        _place_all(edit, FREE_STATES, actor=actor, now=now)
    elif edit.added:
        _place_added(edit, actor=actor, now=now)
    write_dates(edit.order)


def _give_up(edit: Edit, line: OrderLine, units: int, *, actor: Actor, now: datetime) -> None:
    """Take cancelled units (counted as such already) out: those without a place first, then back-ordered ones, then from work."""
    if not line.requires_shipping:
        for stage in ("allocated", "picked", "packed", "shipped", "delivered"):
            setattr(line, stage, getattr(line, stage) - units)
        return
    over = line.cancelled + line.allocated + line.backordered - line.ordered
    if over > 0:
        waiting = min(over, line.backordered)
        line.backordered -= waiting
        take_back(edit.order, [line], {line.pk: over - waiting}, FREE_STATES, actor=actor, now=now)


def take_back(
    order: Order,
    lines: Sequence[OrderLine],
    wanted: Mapping[int, int],
    states: Collection[str],
    *,
    actor: Actor,
    now: datetime,
    announce: bool = True,
) -> int:
    """Take units (line id → units) back out of work in these states, the latest first; the number taken. Lowers `allocated`."""
    rows = FulfillmentLine.objects.filter(
        fulfillment_order__order=order,
        fulfillment_order__state__in=states,
        order_line__in=wanted,
        quantity__gt=F("picked"),
    ).select_related("fulfillment_order")
    by_id = {line.pk: line for line in lines}
    left, claims, touched = dict(wanted), [], {}
    for row in rows.order_by("-fulfillment_order_id", "id"):
        units = min(left[row.order_line_id], row.quantity - row.picked)
        if units <= 0:
            continue
        line, work = by_id[row.order_line_id], touched.setdefault(row.fulfillment_order_id, row.fulfillment_order)
        left[line.pk] -= units
        line.allocated -= units
        work.units -= units
        FulfillmentLine.objects.filter(pk=row.pk).update(quantity=F("quantity") - units)
        claims.append(Claim(line.variant_id or 0, work.location_id, line.reservation_owner, units))
    for _pk, work in sorted(touched.items()):
        if work.units == 0:
            work.state, work.state_at = FulfillmentState.CANCELLED, now
            work.state_by, work.state_by_label = actor.ref, actor.label[:120]
        work.version += 1
        work.save(update_fields=["units", "state", "state_at", "state_by", "state_by_label", "version"])
    release(claims, cause=order.subject, actor=actor, now=now, announce=announce)
    return sum(claim.quantity for claim in claims)


def _split(edit: Edit, source: OrderLine, target: OrderLine, units: int, *, actor: Actor, now: datetime) -> None:
    """Units of a line become another's: those without a place first, then back-ordered ones, then those in work, where they are."""
    over = source.cancelled + source.allocated + source.backordered - source.ordered
    waiting = max(0, min(over, source.backordered))
    source.backordered -= waiting
    target.backordered += waiting
    left, cause = over - waiting, edit.order.subject
    rows = FulfillmentLine.objects.filter(
        fulfillment_order__in=edit.work,
        fulfillment_order__state__in=FREE_STATES,
        order_line=source,
        quantity__gt=F("picked"),
    ).select_related("fulfillment_order")
    for row in rows.order_by("-fulfillment_order_id", "id"):
        moved = min(left, row.quantity - row.picked)
        if moved <= 0:
            continue
        left -= moved
        source.allocated -= moved
        target.allocated += moved
        FulfillmentLine.objects.filter(pk=row.pk).update(quantity=F("quantity") - moved)
        FulfillmentLine.objects.create(fulfillment_order=row.fulfillment_order, order_line=target, quantity=moved)
        FulfillmentOrder.objects.filter(pk=row.fulfillment_order_id).update(version=F("version") + 1)
        at, variant = row.fulfillment_order.location_id, source.variant_id or 0
        release(
            [Claim(variant, at, source.reservation_owner, moved)], cause=cause, actor=actor, now=now, announce=False
        )
        write_reservations(
            [Claim(variant, at, target.reservation_owner, moved)], {target.reservation_owner: cause}, actor=actor, now=now
        )  # fmt: skip
    holds = Hold.objects.filter(order=edit.order, released_at__isnull=True, lines__line=source)
    HoldLine.objects.bulk_create([HoldLine(hold=hold, line=target) for hold in holds])


def _place_added(edit: Edit, *, actor: Actor, now: datetime) -> None:
    """Units that came to the order look for a place together with those that wait, so that they go in one parcel.

    Where that would cost other units their place, only the new ones look for one.
    """
    before = _counts(edit)
    point = transaction.savepoint()
    _place_all(edit, _OPEN_TO_ALL, actor=actor, now=now)
    if all(line.allocated >= before[pk][0] for pk, line in edit.lines.items()):
        transaction.savepoint_commit(point)
        return
    transaction.savepoint_rollback(point)
    _go_back(edit, before)
    _place(edit, edit.added, actor=actor, now=now)


def _place_all(edit: Edit, states: Collection[str], *, actor: Actor, now: datetime) -> None:
    """Plan what nobody has in hand anew, as if it were placed now. Work that would come out as it is stays as it is."""
    order, lines = edit.order, list(edit.lines.values())
    before, places = _counts(edit), _places(order)
    point = transaction.savepoint()
    wanted = {line.pk: line.allocated - line.picked for line in lines if line.requires_shipping}
    take_back(order, lines, wanted, states, actor=actor, now=now, announce=False)
    _place(edit, edit.lines, actor=actor, now=now)
    if _places(order) != places or edit.faster or (edit.moved and _is_addressed(edit.work)):
        transaction.savepoint_commit(point)
        return
    # The same units at the same places: their work orders stay, with the papers printed for them.
    after = _counts(edit)
    transaction.savepoint_rollback(point)
    _go_back(edit, before)
    if after != before:
        _place(edit, edit.lines, actor=actor, now=now)


def _counts(edit: Edit) -> dict[int, tuple[int, int]]:
    return {pk: (line.allocated, line.backordered) for pk, line in edit.lines.items()}


def _go_back(edit: Edit, counts: Mapping[int, tuple[int, int]]) -> None:
    for pk, line in edit.lines.items():
        line.allocated, line.backordered = counts[pk]


def _place(edit: Edit, line_ids: Collection[int], *, actor: Actor, now: datetime) -> None:
    """Route what has no place of these lines, and what is back-ordered of them."""
    lines = list(edit.lines.values())
    units = {}
    for line in lines:
        waiting = line.to_place + line.backordered if line.pk in line_ids and line.requires_shipping else 0
        if waiting and line.variant_id:
            units[line.pk] = (line.variant_id, waiting)
            line.backordered = 0
    place_units(edit.order, lines, units, cause="changed", actor=actor, now=now)


def _places(order: Order) -> dict[tuple[int, int], int]:
    """(line, location) → units in active work."""
    found: dict[tuple[int, int], int] = {}
    rows = FulfillmentLine.objects.filter(
        fulfillment_order__order=order, fulfillment_order__state__in=ACTIVE_STATES, quantity__gt=0
    )
    for line, location, units in rows.values_list("order_line_id", "fulfillment_order__location_id", "quantity"):
        found[line, location] = found.get((line, location), 0) + units
    return found


def _is_addressed(work: Collection[FulfillmentOrder]) -> bool:
    """True when some of it is made for the old address: it shares a parcel that goes there, or its label was asked for."""
    if any(one.consolidation_id for one in work):
        return True
    live = Shipment.objects.filter(fulfillment_order__in=work, direction="outbound").exclude(state="voided")
    return live.exists()


def write_dates(order: Order) -> None:
    """When the order should leave and arrive, from the work that it has now. The caller saves it."""
    work = FulfillmentOrder.objects.filter(order=order)
    order.ship_by = work.filter(state__in=ACTIVE_STATES).aggregate(due=Min("ship_by"))["due"]
    expected = work.exclude(state__in=_NEVER_LEFT).aggregate(last=Max("expected_on"), first=Max("expected_from"))
    order.expected_on, order.expected_from = expected["last"], expected["first"]
