"""What can be promised of a cart now, counted as a whole, without placing it: nothing is locked and nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _

from core.addresses import Address, known_country
from core.geo import locate
from core.refusals import Invalid
from inventory.bundles import Component, components_of
from inventory.models import Variant
from oms.orchestration.planning import prepare
from oms.orchestration.requests import MOST_LINES, MOST_UNITS
from routing.engine.plan import Planner
from routing.engine.types import Demand, Member, Need, Plan
from routing.queries import stock_snapshot, with_capacity


@dataclass(frozen=True, slots=True)
class Wish:
    """A line of a cart."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Promise:
    """What can be promised of a line: `promised` with the lines before it served first, `alone` if it were the only one."""

    sku: str
    quantity: int
    promised: int
    alone: int
    is_bundle: bool


@dataclass(frozen=True, slots=True)
class CartPromise:
    """complete: the cart as a whole can be promised. together: from one location. routable: some location may ship there at all."""

    complete: bool
    together: bool
    routable: bool
    lines: tuple[Promise, ...]


@dataclass(slots=True)
class _Line:
    wish: Wish
    variant_id: int
    ships: bool
    components: list[Component]
    needs: tuple[Need, ...] = ()
    members: tuple[Member, ...] = ()


def check_availability(
    wishes: Sequence[Wish], *, country: str, channel_id: int = 0, address: Address | None = None, now: datetime
) -> CartPromise:
    """What could be placed now, by the very rules and the stock by which an order would be routed. Raises Invalid naming the line.

    country: where it goes; '' if that is not known yet. channel_id: 0 for none in particular. Three statements and those of the
    rules, whatever the cart.
    """
    if not wishes or len(wishes) > MOST_LINES:
        raise Invalid("bad_lines", _("An order has 1 to {most} lines.").format(most=MOST_LINES), field="lines")
    if country and not known_country(country):
        raise Invalid("bad_country", _("“{code}” is not a country code.").format(code=country), field="country")
    lines = _lines(wishes)
    ready = prepare()
    planner = Planner(with_capacity(ready.planner.sites, now=now), ready.basis.rules)
    demand = _demand(lines, country, channel_id, address or Address(country=country))
    stock = stock_snapshot({need.variant_id for need in demand.needs})
    plan = planner.plan(demand, stock) if demand.needs else None
    promises = []
    for line in lines:
        promised = _promised(line, plan)
        alone = promised
        if promised < line.wish.quantity and len(lines) > 1:
            only = replace(demand, needs=line.needs, sets=(line.members,) if line.members else ())
            alone = _promised(line, planner.plan(only, stock))
        promises.append(Promise(line.wish.sku, line.wish.quantity, promised, alone, bool(line.components)))
    complete = all(promise.promised == promise.quantity for promise in promises)
    sites = {allocation.site_id for allocation in plan.allocations} if plan else set()
    routable = plan is None or plan.receipt["decided_by"] != "no_site"
    return CartPromise(complete, complete and len(sites) <= 1, routable, tuple(promises))


def _lines(wishes: Sequence[Wish]) -> list[_Line]:
    rows = Variant.objects.filter(sku__in={wish.sku for wish in wishes}).values_list(
        "sku", "pk", "requires_shipping", "is_bundle"
    )
    known = {sku: (pk, ships, is_bundle) for sku, pk, ships, is_bundle in rows}
    bundles = [pk for pk, _ships, is_bundle in known.values() if is_bundle]
    components = components_of(bundles) if bundles else {}
    lines, line_id = [], 0
    for position, wish in enumerate(wishes):
        where = f"lines[{position}]"
        if wish.sku not in known:
            message = _("Line {line}: there is no SKU “{sku}”.").format(line=position + 1, sku=wish.sku)
            raise Invalid("unknown_sku", message, field=f"{where}.sku", line=position)
        pk, ships, _is_bundle = known[wish.sku]
        line = _Line(wish, pk, ships, components.get(pk, []))
        most = max((component.quantity for component in line.components), default=1)
        if not 1 <= wish.quantity * most <= MOST_UNITS:
            message = _("Line {line}: a quantity lies between 1 and {most}.").format(line=position + 1, most=MOST_UNITS)
            raise Invalid("bad_quantity", message, field=f"{where}.quantity", line=position)
        line_id = _wants(line, line_id)
        lines.append(line)
    return lines


def _wants(line: _Line, line_id: int) -> int:
    """Fill in the needs of a line, numbered from the id after this one; answers the last id used."""
    quantity = line.wish.quantity
    if not line.components:
        if line.ships:
            line_id += 1
            line.needs = (Need(line_id, line.variant_id, quantity),)
        return line_id
    shipped = [component for component in line.components if component.requires_shipping]
    line.needs = tuple(
        Need(line_id + n, component.variant_id, quantity * component.quantity)
        for n, component in enumerate(shipped, start=1)
    )
    line.members = tuple(
        Member(need.line_id, component.quantity) for need, component in zip(line.needs, shipped, strict=True)
    )
    return line_id + len(shipped)


def _demand(lines: Sequence[_Line], country: str, channel_id: int, address: Address) -> Demand:
    lat, lon = locate([address])[0] or (None, None)
    needs = tuple(need for line in lines for need in line.needs)
    return Demand(0, channel_id, country, lat, lon, needs, tuple(line.members for line in lines if line.members))


def _promised(line: _Line, plan: Plan | None) -> int:
    """Units, or whole bundles, of a line that a plan serves."""
    missing = {line_id: units for line_id, _variant, units in plan.backorders} if plan else {}
    if line.members:
        short = max(-(-missing.get(member.line_id, 0) // member.per_set) for member in line.members)
    else:
        short = sum(missing.get(need.line_id, 0) for need in line.needs)
    return line.wish.quantity - short
