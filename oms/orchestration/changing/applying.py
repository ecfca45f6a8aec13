"""Each kind of change made to an order in memory: what it does to lines, money and wishes for stock, and why it may not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import singledispatch
from itertools import product

from django.utils.translation import gettext as _

from core.bulk import next_ids
from core.money import allocate, format_money, is_exact, quantize, smallest_unit
from core.refusals import Invalid, Refusal
from fulfillment.operations.assignment import service_of
from inventory.bundles import components_of
from inventory.models import Variant
from oms.orchestration.changing.changes import (
    AddLine,
    Change,
    ChangeAddress,
    ChangeContact,
    ChangeShipping,
    DiscountLine,
    DiscountOrder,
    RemoveUnits,
    Reprice,
    SetQuantity,
    SplitLine,
    SwapVariant,
)
from oms.orchestration.changing.editing import Edit
from oms.orchestration.changing.pricing import (
    ZERO,
    discount_for,
    discount_left,
    net,
    net_left,
    tax_after,
    tax_of,
    units_left,
)
from oms.orchestration.exploding import MOST_PARTS
from oms.orchestration.requests import MOST_UNITS
from orders.amounts import line_value, value_of_first
from orders.bundle_prices import spread_discount, spread_price
from orders.models import OrderBundle, OrderLine


@singledispatch
def apply_change(change: Change, edit: Edit) -> None:
    """Make one change in memory. Raises Invalid or Refusal, after which `edit` must be thrown away."""
    raise TypeError(f"no such change: {change!r}")


# ---- quantities ------------------------------------------------------------------------------------------------------


@apply_change.register
def _remove(change: RemoveUnits, edit: Edit) -> None:
    bundle, lines = edit.find(change.line)
    free = edit.changeable(bundle, lines)
    if change.units > free:
        name = bundle.sku if bundle else lines[0].sku
        message = _("{sku}: {free} of the {units} units can still be taken out. {why}")
        raise Refusal(
            "started", message.format(sku=name, free=free, units=change.units, why=edit.why_not(lines)).strip(), field="units"
        )  # fmt: skip
    for line in lines:
        units = change.units * (line.per_bundle or 1)
        line.cancelled += units
        edit.free[line.pk] -= units
        edit.cancel[line.pk] += units
    if not any(units_left(line) for line in edit.lines.values()):
        message = _("That would leave nothing of order {number}. Cancel the order instead.")
        raise Refusal("nothing_left", message.format(number=edit.order.number), field="units")


@apply_change.register
def _set_quantity(change: SetQuantity, edit: Edit) -> None:
    bundle, lines = edit.find(change.line)
    now = bundle_left(bundle, lines) if bundle else units_left(lines[0])
    if change.quantity < now:
        _remove(RemoveUnits(change.line, now - change.quantity), edit)
    elif change.quantity > now:
        _add_units(edit, change.line, change.quantity - now)


def bundle_left(bundle: OrderBundle, lines: Sequence[OrderLine]) -> int:
    """Whole bundles that are not cancelled: as many as every one of its lines still makes."""
    return min((units_left(line) // (line.per_bundle or 1) for line in lines), default=bundle.quantity)


def _add_units(edit: Edit, reference: str, units: int) -> None:
    """More of a line: on the line itself while nothing of it is cancelled, refunded or in hand, else as a line of its own.

    Units that were cancelled or refunded keep their value so, to the smallest unit.
    """
    bundle, lines = edit.find(reference)
    untouched = all(line.cancelled == line.refunded == 0 and edit.free[line.pk] == line.ordered for line in lines)
    price = bundle.unit_price if bundle else lines[0].unit_price
    sku = bundle.sku if bundle else lines[0].sku
    if not untouched or lines[0].variant_id is None:
        line = lines[0]
        custom = bundle is None and line.variant_id is None
        _add_line(
            AddLine(units, "" if custom else sku, line.title if custom else "", price, tax_rate=line.tax_rate if not bundle else None),
            edit,
        )  # fmt: skip
        return
    for line in lines:
        more = units * (line.per_bundle or 1)
        if line.ordered + more > MOST_UNITS:
            raise Invalid("bad_quantity", _("A quantity is at most {most}.").format(most=MOST_UNITS), field="quantity")
        before = net(line)
        line.ordered += more
        _retax(edit, line, before)
        edit.free[line.pk] += more
        _look_for_place(edit, line, more)
    if bundle:
        bundle.quantity += units


@apply_change.register
def _add_line(change: AddLine, edit: Edit) -> None:
    variant = None
    if change.sku:
        variant = Variant.objects.filter(sku=change.sku).first()
        if variant is None:
            raise Invalid("unknown_sku", _("There is no SKU “{sku}”.").format(sku=change.sku), field="sku")
    price = change.price if change.price is not None else variant.price if variant else ZERO
    _check_exact(edit, change.discount, "discount")
    if change.tax is not None:
        _check_exact(edit, change.tax, "tax")
    if change.discount > price * change.quantity:
        raise Invalid("bad_discount", _("The discount is larger than the line."), field="discount")
    if variant and variant.is_bundle:
        _add_bundle(edit, variant, change, price)
        return
    line = _new_line(edit, variant, change.quantity, price)
    line.title = (change.title or line.title or change.sku)[:255]
    line.discount, line.tax_rate = change.discount, change.tax_rate
    _first_tax(edit, [line], change)
    edit.new.append(str(line.pk))


def _add_bundle(edit: Edit, variant: Variant, change: AddLine, price: Decimal) -> None:
    components = components_of([variant.pk])[variant.pk] if variant else []
    if not components:
        raise Invalid("empty_bundle", _("The bundle {sku} has no components.").format(sku=variant.sku), field="sku")
    pieces = spread_price(price, [(c.quantity, c.price) for c in components], edit.currency)
    made = OrderBundle(
        pk=next_ids(OrderBundle, 1)[0], order=edit.order, position=_next_position(edit), variant=variant, sku=variant.sku,
        title=(change.title or variant.title)[:255], quantity=change.quantity, unit_price=price,
    )  # fmt: skip
    edit.bundles[made.pk] = made
    edit.new_bundles.add(made.pk)
    goods = {v.pk: v for v in Variant.objects.filter(pk__in=[c.variant_id for c in components])}
    lines = []
    for piece in pieces:
        part = goods[components[piece.component].variant_id]
        line = _new_line(
            edit, part, change.quantity * piece.per_bundle, piece.unit_price, ships=variant.requires_shipping
        )
        line.bundle, line.per_bundle, line.tax_rate = made, piece.per_bundle, change.tax_rate
        lines.append(line)
    values = [line.unit_price * line.ordered for line in lines]
    for line, share in zip(lines, spread_discount(change.discount, values, edit.currency), strict=True):
        line.discount = share
    _first_tax(edit, lines, change)
    edit.new.append(f"bundle-{made.pk}")


def _new_line(edit: Edit, variant: Variant | None, quantity: int, price: Decimal, *, ships: bool = True) -> OrderLine:
    """A line with its units, which look for a place; those of one that is not shipped are done at once, as in placing."""
    if quantity > MOST_UNITS or len(edit.lines) >= MOST_PARTS:
        raise Invalid("bad_quantity", _("A quantity is at most {most}.").format(most=MOST_UNITS), field="quantity")
    line = OrderLine(
        pk=next_ids(OrderLine, 1)[0], order=edit.order, position=_next_position(edit), variant=variant,
        sku=variant.sku if variant else "", title=variant.title if variant else "", weight_grams=variant.weight_grams if variant else 0,
        requires_shipping=bool(variant and variant.requires_shipping and ships), unit_price=price, ordered=quantity,
    )  # fmt: skip
    edit.lines[line.pk] = line
    edit.new_lines.add(line.pk)
    edit.free[line.pk] = quantity
    _look_for_place(edit, line, quantity)
    return line


def _look_for_place(edit: Edit, line: OrderLine, units: int) -> None:
    if line.requires_shipping:
        edit.added.add(line.pk)
    else:
        for stage in ("allocated", "picked", "packed", "shipped", "delivered"):
            setattr(line, stage, getattr(line, stage) + units)


def _next_position(edit: Edit) -> int:
    return 1 + max((line.position for line in edit.lines.values()), default=0)


@apply_change.register
def _swap(change: SwapVariant, edit: Edit) -> None:
    bundle, lines = edit.find(change.line)
    units = change.units or edit.changeable(bundle, lines)
    name = bundle.sku if bundle else lines[0].sku
    if change.sku == name:
        raise Invalid("same_sku", _("It is {sku} already.").format(sku=name), field="sku")
    if not units:
        message = _("No unit of {sku} can be swapped any more. {why}").format(sku=name, why=edit.why_not(lines))
        raise Refusal("started", message.strip(), field="line")
    price = change.price if change.price is not None else bundle.unit_price if bundle else lines[0].unit_price
    discount = sum((_share(edit, line, units * (line.per_bundle or 1)) for line in lines), ZERO)
    discount = min(discount, price * units) if is_exact(discount, edit.currency) else ZERO
    # First what comes, so that an order with one line can be swapped.
    _add_line(AddLine(units, change.sku, price=price, discount=discount, tax_rate=lines[0].tax_rate), edit)
    _remove(RemoveUnits(change.line, units), edit)


def _share(edit: Edit, line: OrderLine, units: int) -> Decimal:
    """The part of the discount that so many of the units left have."""
    left = units_left(line)
    return quantize(discount_left(line, edit.currency) * units / left, edit.currency) if left else ZERO


@apply_change.register
def _split(change: SplitLine, edit: Edit) -> None:
    line = edit.alone(change.line)
    if change.units > edit.free[line.pk]:
        message = _("{sku}: {free} of the {units} units can still be split off. {why}")
        raise Refusal(
            "started",
            message.format(sku=line.sku, free=edit.free[line.pk], units=change.units, why=edit.why_not([line])).strip(),
            field="units",
        )
    rest = line.ordered - change.units
    if rest < max(1, line.cancelled, line.refunded):
        message = _("{sku}: something must stay on the line, and what was refunded stays on it.")
        raise Refusal("nothing_stays", message.format(sku=line.sku), field="units")
    discount, tax = _cut(edit, line, rest)
    other = OrderLine(
        pk=next_ids(OrderLine, 1)[0], order=edit.order, position=_next_position(edit), variant_id=line.variant_id, sku=line.sku,
        title=line.title, requires_shipping=line.requires_shipping, unit_price=line.unit_price, discount=line.discount - discount,
        tax=line.tax - tax, tax_rate=line.tax_rate, weight_grams=line.weight_grams, ordered=change.units,
    )  # fmt: skip
    line.ordered, line.discount, line.tax = rest, discount, tax
    edit.lines[other.pk] = other
    edit.new_lines.add(other.pk)
    edit.free[line.pk] -= change.units
    edit.free[other.pk] = change.units
    if line.requires_shipping:
        edit.splits.append((line.pk, other.pk, change.units))
        if line.pk in edit.added:
            edit.added.add(other.pk)
    else:
        for stage in ("allocated", "picked", "packed", "shipped", "delivered"):
            setattr(line, stage, getattr(line, stage) - change.units)
            setattr(other, stage, change.units)
    edit.new.append(str(other.pk))


def _cut(edit: Edit, line: OrderLine, rest: int) -> tuple[Decimal, Decimal]:
    """Discount and tax of the `rest` units that stay, so that cancelled and refunded ones stay worth what they are.

    The shares are those of the units, or the smallest unit beside them. Raises Refusal where no cut leaves them so.
    """
    included, currency, unit = edit.order.tax_included, edit.currency, smallest_unit(edit.currency)
    cancelled = value_of_first(line, line.cancelled, tax_included=included, currency=currency)
    refunded = value_of_first(line, line.refunded, tax_included=included, currency=currency)
    discount, tax = (_part(amount, rest, line.ordered, currency) for amount in (line.discount, line.tax))
    for more_discount, more_tax in sorted(
        product(range(-2, 3), repeat=2), key=lambda more: abs(more[0]) + abs(more[1])
    ):
        stays = OrderLine(
            unit_price=line.unit_price,
            ordered=rest,
            discount=discount + more_discount * unit,
            tax=tax + more_tax * unit,
        )
        goes = OrderLine(
            unit_price=line.unit_price, ordered=line.ordered - rest, discount=line.discount - stays.discount, tax=line.tax - stays.tax
        )  # fmt: skip
        if (
            all(0 <= one.discount <= one.unit_price * one.ordered and one.tax >= 0 for one in (stays, goes))
            and value_of_first(stays, line.cancelled, tax_included=included, currency=currency) == cancelled
            and line_value(stays, tax_included=included) >= refunded
        ):
            return stays.discount, stays.tax
    message = _("{sku} cannot be cut there without changing what its cancelled or refunded units are worth.")
    raise Refusal("cannot_cut", message.format(sku=line.sku), field="units")


def _part(amount: Decimal, rest: int, ordered: int, currency: str) -> Decimal:
    """The share of so many units; an amount finer than the currency stays in one piece."""
    return allocate(amount, [rest, ordered - rest], currency)[0] if is_exact(amount, currency) else amount


# ---- prices ----------------------------------------------------------------------------------------------------------


@apply_change.register
def _reprice(change: Reprice, edit: Edit) -> None:
    line = edit.alone(change.line)
    edit.refuse_started(None, [line])
    if line.discount > change.price * line.ordered:
        message = _("The discount of {sku} is larger than that. Change the discount first.").format(sku=line.sku)
        raise Invalid("bad_discount", message, field="price")

    def other_price() -> None:
        line.unit_price = change.price

    _change_money(edit, line, other_price, field="price")


@apply_change.register
def _discount_line(change: DiscountLine, edit: Edit) -> None:
    bundle, lines = edit.find(change.line)
    edit.refuse_started(bundle, lines)
    room = [line.unit_price * units_left(line) for line in lines]
    amount = change.amount
    if change.percent is not None:
        amount = quantize(sum(room, ZERO) * change.percent / 100, edit.currency)
    if amount is None or amount > sum(room, ZERO):
        raise Invalid("bad_discount", _("The discount is larger than the line."), field="amount")
    _check_exact(edit, amount, "amount")
    for line, share in zip(lines, spread_discount(amount, room, edit.currency), strict=True):
        _set_discount(edit, line, share)


@apply_change.register
def _discount_order(change: DiscountOrder, edit: Edit) -> None:
    """Lines that are in hand, gone or refunded in part keep their price; the others carry the discount by their value."""
    lines = [
        line for line in edit.lines.values() if units_left(line) and not line.refunded and edit.free[line.pk] == units_left(line)
    ]  # fmt: skip
    room = [net_left(line, edit.currency) for line in lines]
    if not any(room):
        raise Refusal("started", _("No line is left whose price could change."), field="amount")
    if change.percent is not None:
        shares = [quantize(value * change.percent / 100, edit.currency) for value in room]
    else:
        amount = change.amount or ZERO
        _check_exact(edit, amount, "amount")
        if amount > sum(room, ZERO):
            message = _("The lines whose price can change are worth {amount} together.")
            told = format_money(sum(room, ZERO), edit.currency)
            raise Invalid("bad_discount", message.format(amount=told), field="amount")
        shares = spread_discount(amount, room, edit.currency)
    for line, share in zip(lines, shares, strict=True):
        if share:
            _set_discount(edit, line, discount_left(line, edit.currency) + share)


def _set_discount(edit: Edit, line: OrderLine, left: Decimal) -> None:
    """Give the units that are left of a line this discount."""

    def other_discount() -> None:
        line.discount = discount_for(line, left, edit.currency)

    _change_money(edit, line, other_discount, field="amount")


def _change_money(edit: Edit, line: OrderLine, change: Callable[[], None], *, field: str) -> None:
    """Change price or discount of a line and its tax with them. What was refunded of it stays below what it is worth."""
    included, currency = edit.order.tax_included, edit.currency
    refunded = value_of_first(line, line.refunded, tax_included=included, currency=currency)
    before = net(line)
    change()
    _retax(edit, line, before)
    if line.refunded and line_value(line, tax_included=included) < refunded:
        message = _("{amount} of {sku} was given back already; it cannot be worth less than that.")
        raise Refusal(
            "refunded_already", message.format(amount=format_money(refunded, currency), sku=line.sku), field=field
        )


def _retax(edit: Edit, line: OrderLine, net_before: Decimal) -> None:
    line.tax = tax_after(
        line, net_before=net_before, country_rate=edit.country_rate, included=edit.order.tax_included, currency=edit.currency
    )  # fmt: skip


def _first_tax(edit: Edit, lines: Sequence[OrderLine], change: AddLine) -> None:
    """The tax of lines that are new: what was said, else by the rate that was said, else by that of the country."""
    if change.tax is not None:
        for line, share in zip(lines, allocate(change.tax, [net(line) for line in lines], edit.currency), strict=True):
            line.tax = share
        return
    for line in lines:
        if line.tax_rate is None:
            line.tax_rate = edit.country_rate
        line.tax = tax_of(net(line), line.tax_rate, included=edit.order.tax_included, currency=edit.currency)


def _check_exact(edit: Edit, amount: Decimal, field: str) -> None:
    if not is_exact(amount, edit.currency):
        message = _("{currency} has fewer decimals than that.").format(currency=edit.currency)
        raise Invalid("bad_amount", message, field=field)


# ---- where, how, who -------------------------------------------------------------------------------------------------


@apply_change.register
def _address(change: ChangeAddress, edit: Edit) -> None:
    order, given = edit.order, change.address.to_json()
    if change.which == "billing":
        order.billing_address = given
        return
    if given == order.shipping_address:
        return
    edit.refuse_in_hand()
    country_before = order.ship_country
    order.shipping_address, order.ship_country = given, change.address.country
    edit.moved = True
    if order.ship_country != country_before:
        _tax_of_country(edit, country_before)


def _tax_of_country(edit: Edit, before: str) -> None:
    """Lines taxed at the rate of the old country are taxed at that of the new one, where both are known and nothing of them is gone."""
    old, new = edit.country_rates.get(before), edit.country_rates.get(edit.order.ship_country)
    if old is None or new is None or old.rate == new.rate:
        return
    for line in edit.lines.values():
        if line.tax_rate == old.rate and edit.free[line.pk] == units_left(line) and not line.refunded:
            line.tax_rate = new.rate
            _retax(edit, line, net(line))
    if edit.shipping_tax and old.on_shipping:
        rate = new.rate if new.on_shipping else ZERO
        edit.shipping_tax = tax_of(
            edit.order.shipping_total, rate, included=edit.order.tax_included, currency=edit.currency
        )


@apply_change.register
def _shipping(change: ChangeShipping, edit: Edit) -> None:
    order = edit.order
    if change.method is not None and change.method != order.shipping_method:
        if service_of(change.method) != service_of(order.shipping_method):
            edit.refuse_in_hand()
            edit.faster = True
        order.shipping_method = change.method
    if change.price is not None and change.price != order.shipping_total:
        _check_exact(edit, change.price, "price")
        edit.shipping_tax = _shipping_tax(edit, change.price)
        order.shipping_total = change.price


def _shipping_tax(edit: Edit, price: Decimal) -> Decimal:
    """The tax on shipping at another price: the share that it carried; by the country's rate where it cost nothing before."""
    before = edit.order.shipping_total
    if before > 0:
        return quantize(edit.shipping_tax * price / before, edit.currency)
    rate = edit.country_rates.get(edit.order.ship_country)
    if rate is None or not rate.on_shipping:
        return ZERO
    return tax_of(price, rate.rate, included=edit.order.tax_included, currency=edit.currency)


@apply_change.register
def _contact(change: ChangeContact, edit: Edit) -> None:
    order = edit.order
    order.customer_name = order.customer_name if change.name is None else change.name
    order.email = order.email if change.email is None else change.email
    order.phone = order.phone if change.phone is None else change.phone
