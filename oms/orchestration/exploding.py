"""A bundle in a cart becomes its components: ordinary lines that have the bundle's money and are reserved, picked and sent as any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from django.utils.translation import gettext as _

from core.money import allocate
from core.refusals import Invalid
from inventory.bundles import Component
from oms.orchestration.requests import MOST_UNITS, Amounts, NewLine, NewOrder
from orders.bundle_prices import Piece, spread_discount, spread_price

#: Lines that an order may have once its bundles are taken apart.
MOST_PARTS = 2_000
#: (variant id, title, weight in grams, requires shipping) of a line.
Goods = tuple[int, str, int, bool]


@dataclass(slots=True)
class Group:
    """A bundle as it is sold. parts: (index of the exploded line, units in one bundle)."""

    variant_id: int
    sku: str
    title: str
    quantity: int
    unit_price: Decimal
    discount: Decimal
    tax: Decimal
    parts: list[tuple[int, int]] = field(default_factory=list)
    id: int = 0


@dataclass(slots=True)
class Exploded:
    """A request whose lines are no bundles any more. origins: index of the line that was asked for, per exploded line."""

    request: NewOrder
    amounts: Amounts
    goods: list[Goods]
    groups: list[Group]
    origins: list[int]


def explode(
    request: NewOrder, amounts: Amounts, goods: Sequence[Goods], bundles: Mapping[int, Sequence[Component]]
) -> Exploded:
    """Take the bundles of a checked request apart. The sums of prices, discounts and taxes stay to the smallest unit.

    bundles: components by the bundle's variant id. Raises Invalid naming the line.
    """
    out = Exploded(request, amounts, [], [], [])
    lines: list[NewLine] = []
    discounts: list[Decimal] = []
    taxes: list[Decimal] = []
    for n, line in enumerate(request.lines):
        if goods[n][0] not in bundles:
            lines.append(line)
            discounts.append(amounts.line_discounts[n])
            taxes.append(amounts.line_taxes[n])
            out.goods.append(goods[n])
            out.origins.append(n)
            continue
        components = bundles[goods[n][0]]
        pieces = _pieces(line, n, components, request.currency)
        group = Group(
            goods[n][0], line.sku, (line.title or goods[n][1])[:255], line.quantity, line.unit_price, amounts.line_discounts[n],
            amounts.line_taxes[n],
        )  # fmt: skip
        group.parts = [(len(lines) + k, piece.per_bundle) for k, piece in enumerate(pieces)]
        out.groups.append(group)
        parts, values = _parts(line, pieces, components)
        lines += parts
        spread = spread_discount(group.discount, values, request.currency)
        discounts += spread
        taxes += allocate(group.tax, [v - d for v, d in zip(values, spread, strict=True)], request.currency)
        out.goods += [_goods(components[piece.component], line) for piece in pieces]
        out.origins += [n] * len(pieces)
    if len(lines) > MOST_PARTS:
        message = _("With the components of its bundles an order has at most {most} lines.")
        raise Invalid("bad_lines", message.format(most=MOST_PARTS), field="lines")
    out.request = replace(request, lines=tuple(lines))
    out.amounts = replace(amounts, line_discounts=discounts, line_taxes=taxes)
    return out


def _pieces(line: NewLine, position: int, components: Sequence[Component], currency: str) -> list[Piece]:
    where = f"lines[{position}]"
    if not components:
        message = _("Line {line}: the bundle {sku} has no components.").format(line=position + 1, sku=line.sku)
        raise Invalid("empty_bundle", message, field=f"{where}.sku", line=position)
    if line.quantity * max(component.quantity for component in components) > MOST_UNITS:
        message = _("Line {line}: a quantity lies between 1 and {most}.").format(line=position + 1, most=MOST_UNITS)
        raise Invalid("bad_quantity", message, field=f"{where}.quantity", line=position)
    return spread_price(line.unit_price, [(c.quantity, c.price) for c in components], currency)


def _parts(
    line: NewLine, pieces: Sequence[Piece], components: Sequence[Component]
) -> tuple[list[NewLine], list[Decimal]]:
    """The lines of a bundle, and what each is worth before its discount."""
    parts = [
        NewLine(
            sku=components[piece.component].sku,
            quantity=line.quantity * piece.per_bundle,
            unit_price=piece.unit_price,
            shipped=line.shipped * piece.per_bundle,
            cancelled=line.cancelled * piece.per_bundle,
            tax_rate=line.tax_rate,
        )
        for piece in pieces
    ]
    return parts, [part.unit_price * part.quantity for part in parts]


def _goods(component: Component, line: NewLine) -> Goods:
    """A component that needs no shipping (a licence beside a device) stays so; a channel may say it of the whole bundle."""
    ships = component.requires_shipping and line.requires_shipping is not False
    return (component.variant_id, component.title, component.weight_grams, ships)
