"""Split by hand: units of a work order become one of their own, at the same location or another, now or on a later day; and back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Invalid, NotFound, Refusal, Stale
from fulfillment.delivery.book import take_work_ids
from fulfillment.models import FulfillmentLine, FulfillmentOrder
from fulfillment.operations.assignment import next_part
from fulfillment.operations.label_voids import mark_void, void_marked
from fulfillment.operations.purchases import DEFAULT_CARRIER
from fulfillment.operations.work import S, Work, check_move, lock_work, record, who_did, write_state
from fulfillment.states import ACTIVE_STATES
from inventory.models import Location, StockLevel
from inventory.operations import Claim, lock_levels, release, reserve
from orders.models import Order
from orders.operations import lock_order, refresh_order

#: Work of which nothing is done yet.
UNBEGUN = (S.OPEN, S.SCHEDULED, S.ON_HOLD)
Units = dict[FulfillmentLine, int]


def split_work(
    *,
    fulfillment_order_id: int,
    units: Mapping[int, int],
    location_id: int | None = None,
    scheduled_for: datetime | None = None,
    reason: str = "",
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> FulfillmentOrder:
    """Units of lines (fulfillment line id → units) become a work order of their own; the new one.

    location_id: another location that sends them; their stock is promised there and given back here. scheduled_for: not to be picked
    before. A label that was bought for all of it is given back, so this is not for use inside a transaction. Raises NotFound, Stale,
    Invalid naming the line, Refusal `bundle_in_part`, `together`, `label_being_bought`, `does_not_ship`, NotEnoughStock.
    """
    with transaction.atomic():
        work = lock_work(fulfillment_order_id, expected_version=expected_version)
        refuse_begun(work)
        place = _place(work, location_id)
        chosen = _chosen(work, units, everything=place.pk != work.fulfillment_order.location_id)
        if scheduled_for is not None and scheduled_for <= now:
            raise Invalid("bad_date", _("That time has passed already."), field="scheduled_for")
        marked = mark_void([work.fulfillment_order.pk], now=now)
        own = _new_work(work, place, sum(chosen.values()), scheduled_for, actor=actor, now=now)
        _move_stock(work, chosen, place.pk, actor=actor, now=now)
        own.first_bin = _first_bin(chosen, place.pk)
        own.save(force_insert=True)
        FulfillmentLine.objects.bulk_create(
            [
                FulfillmentLine(fulfillment_order=own, order_line=line.order_line, quantity=n)
                for line, n in chosen.items()
            ]
        )
        _take(work, chosen, actor=actor, now=now)
        _bring_in_line(work.order, now=now)
        told = {"into": own.number, "to": place.name, "reason": reason.strip()[:200], "scheduled_for": scheduled_for}
        record(work, "fulfillment.split", actor=actor, now=now, units=_told(chosen), **told)
        record(
            Work(work.order, own, []), "fulfillment.split_off", actor=actor, now=now, of=work.fulfillment_order.number
        )
    void_marked(marked, actor=actor, now=now)
    return own


def join_work(
    *, fulfillment_order_id: int, into_id: int, reason: str = "", actor: Actor, now: datetime
) -> FulfillmentOrder:
    """Undo a split: all units of a work order go back into another one of the same order; the one that has them now.

    Both must not be begun. Where they lie at different locations, the stock is promised where the other lies. Not for use inside a
    transaction. Raises NotFound, Stale, Refusal `other_order`, `other_service`, `on_hold`, `together`, NotEnoughStock.
    """
    with transaction.atomic():
        work, into = _lock_two(fulfillment_order_id, into_id)
        for one in (work, into):
            refuse_begun(one)
        _check_joinable(work.fulfillment_order, into.fulfillment_order)
        chosen = {line: line.quantity for line in work.lines}
        marked = mark_void([work.fulfillment_order.pk, into.fulfillment_order.pk], now=now)
        _move_stock(work, chosen, into.fulfillment_order.location_id, actor=actor, now=now)
        _add(into, chosen, actor=actor, now=now)
        _take(work, chosen, actor=actor, now=now)
        _bring_in_line(work.order, now=now)
        told = {"into": into.fulfillment_order.number, "reason": reason.strip()[:200]}
        record(work, "fulfillment.joined", actor=actor, now=now, **told)
    void_marked(marked, actor=actor, now=now)
    return into.fulfillment_order


def open_work(
    *, fulfillment_order_id: int, actor: Actor, now: datetime, expected_version: int | None = None
) -> FulfillmentOrder:
    """A scheduled work order can be picked from now on. Raises Stale or Refusal."""
    with transaction.atomic():
        work = lock_work(fulfillment_order_id, expected_version=expected_version)
        write_state(work, check_move(work, "open"), actor=actor, now=now, scheduled_for=None)
        record(work, "fulfillment.opened", actor=actor, now=now)
        return work.fulfillment_order


def open_due(*, actor: Actor, now: datetime, limit: int = 500) -> int:
    """Open the scheduled work whose moment has come, each in a transaction of its own; the number opened."""
    due = FulfillmentOrder.objects.filter(state=S.SCHEDULED, scheduled_for__lte=now).order_by("scheduled_for", "pk")
    opened = 0
    for pk in list(due.values_list("pk", flat=True)[:limit]):
        try:
            open_work(fulfillment_order_id=pk, actor=actor, now=now)
            opened += 1
        except Refusal:
            continue  # held, cancelled or opened in the meantime
    return opened


# ---- what may be split -----------------------------------------------------------------------------------------------


def why_not_split(found: FulfillmentOrder) -> str:
    """The reason why a work order cannot be split or joined now, or ""; from its own columns."""
    if found.consolidation_id is not None:
        return _("It travels with work of other orders: undo that first.")
    if found.state not in UNBEGUN:
        return who_did(found)
    return ""


def refuse_begun(work: Work) -> None:
    """Raises Refusal `together`, or Stale that says who began, packed, shipped or cancelled it and when."""
    found = work.fulfillment_order
    why = why_not_split(found)
    if found.consolidation_id is not None:
        raise Refusal("together", f"{found.number}: {why}")
    if why or any(line.picked for line in work.lines):
        raise Stale(f"already_{found.state}", f"{found.number}: {why or who_did(found)}", state=found.state)


def _place(work: Work, location_id: int | None) -> Location:
    here = work.fulfillment_order.location
    if location_id is None or location_id == here.pk:
        return here
    place = Location.objects.filter(pk=location_id).first()
    if place is None:
        raise NotFound("no_such_location", _("There is no such location."), field="location")
    if not place.active:
        raise Refusal("does_not_ship", _("{location} is not in use.").format(location=place.name), field="location")
    country = work.order.ship_country
    if place.ships_to and country not in place.ships_to:
        message = _("{location} does not ship to {country}.").format(location=place.name, country=country)
        raise Refusal("does_not_ship", message, field="location")
    return place


def _chosen(work: Work, units: Mapping[int, int], *, everything: bool) -> Units:
    chosen = {}
    for line_id, n in units.items():
        line = work.line(line_id)
        if not 0 <= n <= line.quantity:
            message = _("{sku}: at most {most} units.").format(sku=line.order_line.sku, most=line.quantity)
            raise Invalid("bad_units", message, field=f"line-{line_id}")
        if n:
            chosen[line] = n
    if not chosen:
        raise Invalid("nothing_chosen", _("Choose at least one unit."))
    if sum(chosen.values()) == work.fulfillment_order.units and not everything:
        raise Invalid("nothing_left", _("Leave at least one unit, or choose another location."))
    _check_sets(work, chosen)
    return chosen


def _check_sets(work: Work, chosen: Mapping[FulfillmentLine, int]) -> None:
    """Bundles stay whole: of each of its components that is here, as many units as so many sets have."""
    parts: dict[int, list[FulfillmentLine]] = defaultdict(list)
    for line in work.lines:
        if line.order_line.bundle_id:
            parts[line.order_line.bundle_id].append(line)
    for lines in parts.values():
        sets = {Fraction(chosen.get(line, 0), line.order_line.per_bundle or 1) for line in lines}
        if len(sets) > 1 or sets.pop().denominator > 1:
            skus = ", ".join(f"{line.order_line.per_bundle} × {line.order_line.sku}" for line in lines)
            message = _("A bundle stays whole. One set here is {skus}.").format(skus=skus)
            raise Refusal("bundle_in_part", message, field=f"line-{lines[0].pk}")


def _lock_two(fulfillment_order_id: int, into_id: int) -> tuple[Work, Work]:
    rows = FulfillmentOrder.objects.filter(pk__in=[fulfillment_order_id, into_id])
    of = dict(rows.values_list("pk", "order_id"))
    if len(of) < 2:
        if fulfillment_order_id == into_id:
            raise Invalid("same_work", _("Choose another work order."))
        raise NotFound("no_such_fulfillment_order", _("There is no such fulfillment order."))
    if len(set(of.values())) > 1:
        raise Refusal("other_order", _("They are of different orders: let them ship together instead."))
    lock_order(of[into_id])
    works = {pk: lock_work(pk, order_id=of[pk]) for pk in sorted(of)}
    works[into_id].order = works[fulfillment_order_id].order
    return works[fulfillment_order_id], works[into_id]


def _check_joinable(one: FulfillmentOrder, into: FulfillmentOrder) -> None:
    names = {"one": one.number, "two": into.number}
    if one.service != into.service:
        raise Refusal("other_service", _("{one} and {two} go by different services.").format(**names))
    if (one.state == S.ON_HOLD) != (into.state == S.ON_HOLD):
        raise Refusal("on_hold", _("One of {one} and {two} is on hold.").format(**names))


# ---- what changes ----------------------------------------------------------------------------------------------------


def _new_work(
    work: Work, place: Location, units: int, scheduled_for: datetime | None, *, actor: Actor, now: datetime
) -> FulfillmentOrder:
    """The new work order, unsaved: due when its original is, or as its location and day make it."""
    found, order = work.fulfillment_order, work.order
    (own_id,), book = take_work_ids(1)
    own = FulfillmentOrder(
        pk=own_id, order=order, location=place, number=f"F{order.pk}-{next_part(order.pk)}", state=found.state, service=found.service,
        units=units, ship_by=found.ship_by, expected_from=found.expected_from, expected_on=found.expected_on, created_at=now,
        state_at=now, state_by=actor.ref, state_by_label=actor.label[:120], scheduled_for=scheduled_for or found.scheduled_for,
    )  # fmt: skip
    if scheduled_for is not None and found.state != S.ON_HOLD:
        own.state = S.SCHEDULED
    if scheduled_for is not None or place.pk != found.location_id:
        due, leaves = book.due(
            max(now, own.scheduled_for or now), location_id=place.pk, cutoff=place.cutoff, zone=place.time_zone,
            handling_days=place.handling_days,
        )  # fmt: skip
        own.ship_by = due
        own.expected_from, own.expected_on = book.expected(
            leaves, carrier=DEFAULT_CARRIER, service=found.service, from_country=place.country, to_country=order.ship_country,
            postal_code=order.ship_to.postal_code,
        )  # fmt: skip
    return own


def _move_stock(work: Work, units: Units, location_id: int, *, actor: Actor, now: datetime) -> None:
    """Promise the units at another location and give them back where they were; all levels are locked at once."""
    here = work.fulfillment_order.location_id
    goods = [
        (line.order_line.variant_id, line.order_line.reservation_owner, n)
        for line, n in units.items()
        if line.order_line.variant_id
    ]
    if location_id == here or not goods:
        return
    lock_levels((variant_id, place) for variant_id, _owner, _n in goods for place in (here, location_id))
    cause = work.fulfillment_order.subject
    release([Claim(variant_id, here, owner, n) for variant_id, owner, n in goods], cause=cause, actor=actor, now=now)
    reserve(
        [Claim(variant_id, location_id, owner, n) for variant_id, owner, n in goods], cause=cause, actor=actor, now=now
    )


def _take(work: Work, units: Units, *, actor: Actor, now: datetime) -> None:
    """Take units out of a work order; one that has none left is cancelled."""
    for line, n in units.items():
        line.quantity -= n
        line.save(update_fields=["quantity"])
    found = work.fulfillment_order
    state = found.state if found.units > sum(units.values()) else S.CANCELLED
    changes = {"units": found.units - sum(units.values()), "has_label": False}
    _write(work, state, [line for line in work.lines if line.quantity], changes, actor=actor, now=now)


def _add(into: Work, units: Units, *, actor: Actor, now: datetime) -> None:
    found = into.fulfillment_order
    there = {line.order_line_id: line for line in FulfillmentLine.objects.filter(fulfillment_order=found)}
    for line, n in units.items():
        same = there.get(line.order_line_id) or FulfillmentLine(
            fulfillment_order=found, order_line=line.order_line, quantity=0
        )
        same.quantity += n
        same.save()
    changes = {"units": found.units + sum(units.values()), "has_label": False}
    _write(into, found.state, [*into.lines, *units], changes, actor=actor, now=now)


def _write(
    work: Work, state: str, lines: Sequence[FulfillmentLine], changes: dict[str, object], *, actor: Actor, now: datetime
) -> None:
    """Save what changed; the person of the last move stays where the state does."""
    found = work.fulfillment_order
    changes["first_bin"] = _first_bin(lines, found.location_id)
    if state != found.state:
        write_state(work, state, actor=actor, now=now, **changes)
        return
    for name, value in changes.items():
        setattr(found, name, value)
    found.version += 1
    found.save(update_fields=[*changes, "version"])


def _first_bin(lines: Iterable[FulfillmentLine], location_id: int) -> str:
    variants = [line.order_line.variant_id for line in lines if line.order_line.variant_id]
    levels = StockLevel.objects.filter(location_id=location_id, variant_id__in=variants).exclude(bin="")
    return min(levels.values_list("bin", flat=True), default="")


def _bring_in_line(order: Order, *, now: datetime) -> None:
    active = list(FulfillmentOrder.objects.filter(order=order, state__in=ACTIVE_STATES))
    order.ship_by = min((one.ship_by for one in active), default=None)
    days = [one.expected_on for one in active if one.expected_on]
    order.expected_on = max(days, default=order.expected_on)
    order.expected_from = max((one.expected_from for one in active if one.expected_from), default=order.expected_from)
    refresh_order(order, now=now)


def _told(units: Units) -> list[dict[str, object]]:
    return [{"sku": line.order_line.sku, "quantity": n} for line, n in units.items()]
