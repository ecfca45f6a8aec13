"""Cancel an order, whole or in part: gives back exactly what was taken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.outbox import publish
from core.refusals import Invalid, Refusal
from core.timeline import record
from oms.orchestration.moving_units import take_back_units
from orders.amounts import cancelled_value
from orders.events import OrderCancelled
from orders.models import Order, OrderLine
from orders.operations import lock_order, refresh_order


@dataclass(frozen=True, slots=True)
class Cancelled:
    """units: line id → units cancelled. refund_due: what the customer has paid beyond what is left of the order."""

    order_id: int
    units: dict[int, int]
    refund_due: Decimal


def cancel_order(
    *,
    order_id: int,
    units: Mapping[int, int] | None = None,
    sets: Mapping[int, int] | None = None,
    reason: str,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> Cancelled:
    """Cancel units of lines (line id → units), or all that can still be cancelled. Picked and shipped units stay.

    sets: bundle id → whole bundles to cancel, which is as many units of each of their components; both may be given.
    Back-ordered and unplaced units go first, then reserved ones. Raises NotFound, Stale, Invalid naming the line or bundle, or
    Refusal `nothing_to_cancel`.
    """
    with transaction.atomic():
        order = lock_order(order_id, version=version)
        lines = {line.pk: line for line in order.lines.select_for_update(no_key=True).order_by("pk")}
        if sets:
            units = _with_sets(order, lines.values(), units or {}, sets)
        wanted = _wanted(order, lines, units)
        from_work = {pk: n - _cancel_waiting(lines[pk], n) for pk, n in wanted.items()}
        taken = take_back_units(order, lines, {pk: n for pk, n in from_work.items() if n}, actor=actor, now=now)
        returned = {pk: sum(t.quantity for t in taken if t.line_id == pk) for pk in from_work}
        for pk, n in from_work.items():
            if returned[pk] < n:
                raise Refusal(
                    "picked_already",
                    _("{sku}: {n} units are picked already.").format(sku=lines[pk].sku, n=n - returned[pk]),
                    field=f"line-{pk}",
                )
            lines[pk].cancelled += n
        for line in lines.values():
            line.save(update_fields=["cancelled", "backordered", "allocated"])
        order.cancelled_total = cancelled_value(order, lines.values())
        refresh_order(order, now=now, lines=list(lines.values()))
        record(
            order.subject, "order.cancelled", actor=actor, at=now, reason=reason[:200], whole=order.lifecycle == "cancelled",
            units=[[lines[pk].sku, n] for pk, n in wanted.items()],
        )  # fmt: skip
        publish(OrderCancelled(order.pk), actor=actor)
        return Cancelled(order.pk, wanted, order.owed_to_customer)


def cancellable_units(line: OrderLine) -> int:
    """Units of a line that are not cancelled and not picked."""
    return line.ordered - line.cancelled - line.picked


def cancellable_sets(lines: Iterable[OrderLine]) -> int:
    """Whole bundles that can be cancelled of the group that these lines are."""
    return min((cancellable_units(line) // (line.per_bundle or 1) for line in lines), default=0)


def _with_sets(
    order: Order, lines: Iterable[OrderLine], units: Mapping[int, int], sets: Mapping[int, int]
) -> dict[int, int]:
    """The units of the lines with those of whole bundles added."""
    wanted = dict(units)
    parts: dict[int, list[OrderLine]] = defaultdict(list)
    for line in lines:
        parts[line.bundle_id or 0].append(line)
    for bundle_id, n in sets.items():
        group = parts.get(bundle_id, []) if bundle_id else []
        if not group:
            message = _("That bundle is not part of order {number}.").format(number=order.number)
            raise Invalid("no_such_bundle", message, field=f"bundle-{bundle_id}")
        if not 0 <= n <= cancellable_sets(group):
            message = _("At most {most} of this bundle can be cancelled as a whole.")
            raise Invalid("bad_units", message.format(most=cancellable_sets(group)), field=f"bundle-{bundle_id}")
        for line in group:
            wanted[line.pk] = wanted.get(line.pk, 0) + n * (line.per_bundle or 1)
    return wanted


def _wanted(order: Order, lines: Mapping[int, OrderLine], units: Mapping[int, int] | None) -> dict[int, int]:
    if units is None:
        units = {pk: cancellable_units(line) for pk, line in lines.items()}
    wanted = {}
    for pk, n in units.items():
        if pk not in lines:
            raise Invalid(
                "no_such_line",
                _("That line is not part of order {number}.").format(number=order.number),
                field=f"line-{pk}",
            )
        if n < 0 or n > cancellable_units(lines[pk]):
            raise Invalid(
                "bad_units", _("{sku}: at most {most} units can be cancelled.").format(sku=lines[pk].sku, most=cancellable_units(lines[pk])),
                field=f"line-{pk}",
            )  # fmt: skip
        if n:
            wanted[pk] = n
    if not wanted:
        raise Refusal(
            "nothing_to_cancel", _("Nothing of order {number} can be cancelled any more.").format(number=order.number)
        )
    return wanted


def _cancel_waiting(line: OrderLine, units: int) -> int:
    """Cancel units that have no place yet: unplaced ones, then back-ordered ones; the number that did."""
    unplaced = min(units, line.to_place)
    waiting = min(units - unplaced, line.backordered)
    line.backordered -= waiting
    line.cancelled += unplaced + waiting
    return unplaced + waiting
