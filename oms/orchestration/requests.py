"""What a channel, a form or the API asks for when it places an order, checked before anything is locked or written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from core.addresses import Address, known_country
from core.money import allocate, is_exact, quantize
from core.refusals import Invalid, Refusal

MOST_LINES = 500
MOST_UNITS = 1_000_000
MOST_MONEY = Decimal("99999999999")
ZERO = Decimal(0)
ON_SHORTAGE = ("backorder", "refuse")


@dataclass(frozen=True, slots=True)
class NewLine:
    """One line. discount and tax are of the whole line. shipped and cancelled are units that a channel says are done already.

    tax_rate: a fraction (0.19), where the channel says it. custom: a line of words and a price that is no product of ours.
    """

    sku: str
    quantity: int
    unit_price: Decimal
    title: str = ""
    discount: Decimal = ZERO
    tax: Decimal = ZERO
    shipped: int = 0
    cancelled: int = 0
    requires_shipping: bool | None = None
    tax_rate: Decimal | None = None
    custom: bool = False


@dataclass(frozen=True, slots=True)
class NewPayment:
    """Money that was authorised or captured before the order reached us; `key` names it once per order."""

    amount: Decimal
    method: str = ""
    reference: str = ""
    key: str = "initial"
    kind: str = "capture"
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewRefund:
    """Money that was given back before the order reached us."""

    amount: Decimal
    reason: str = ""
    key: str = "initial"
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order as it comes in.

    total: what the channel says; a difference to the computed total is kept visibly as the order's adjustment.
    external_id: the channel's own id; with the channel it makes the order arrive once. number: what people call it.
    on_shortage: what becomes of units that no location can promise now: "backorder" (they wait), or "refuse" (nothing is placed).
    hold_unpaid: whether it waits until it is paid; None: as its channel says.
    """

    channel_id: int
    external_id: str
    placed_at: datetime
    currency: str
    lines: tuple[NewLine, ...]
    number: str = ""
    email: str = ""
    customer_name: str = ""
    phone: str = ""
    language: str = ""
    shipping_address: Address = field(default_factory=Address)
    billing_address: Address = field(default_factory=Address)
    shipping_method: str = ""
    discount_total: Decimal = ZERO
    shipping_total: Decimal = ZERO
    tax_total: Decimal = ZERO
    tax_included: bool = False
    total: Decimal | None = None
    payments: tuple[NewPayment, ...] = ()
    refunds: tuple[NewRefund, ...] = ()
    payment_voided: bool = False
    cancelled_at: datetime | None = None
    tags: tuple[str, ...] = ()
    note: str = ""
    accepts_marketing: bool = False
    on_shortage: str = "backorder"
    hold_unpaid: bool | None = None


@dataclass(frozen=True, slots=True)
class Short:
    """A line of a cart that cannot be promised in full, the cart counted as a whole. position: from 0, as it was asked for."""

    position: int
    sku: str
    quantity: int
    promised: int


@dataclass(frozen=True, slots=True)
class Placed:
    """The order that now exists; created is False when it existed before."""

    order_id: int
    number: str
    created: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """Why one order of a batch was not placed. line: position from 0, when one line is at fault."""

    code: str
    message: str
    field: str = ""
    line: int | None = None
    short: tuple[Short, ...] = ()


class CartShort(Refusal):
    """The order was wanted whole and cannot be promised whole; `short` says it line by line. Nothing was placed or reserved."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.code, refused.message, field=refused.field)
        self.short = refused.short


def shortage_message(short: Short) -> str:
    """One line's shortage as a sentence."""
    return _("Line {line}, {sku}: {promised} of {quantity} can be promised.").format(
        line=short.position + 1, sku=short.sku, promised=short.promised, quantity=short.quantity
    )


@dataclass(frozen=True, slots=True)
class Amounts:
    """The money of an order, adding up: total = subtotal − discount + shipping (+ tax unless included) + adjustment."""

    subtotal: Decimal
    discount_total: Decimal
    shipping_total: Decimal
    tax_total: Decimal
    adjustment_total: Decimal
    total: Decimal
    line_discounts: list[Decimal]
    line_taxes: list[Decimal]


def check_request(request: NewOrder) -> Amounts:
    """Raise Invalid naming the field at fault (e.g. ``lines[2].quantity``), else answer the order's money."""
    if not request.external_id.strip() or len(request.external_id) > 120:
        raise Invalid("bad_external_id", _("The channel's id has 1 to 120 characters."), field="external_id")
    if len(request.number) > 60:
        raise Invalid("bad_number", _("An order number has at most 60 characters."), field="number")
    if len(request.currency) != 3 or not request.currency.isalpha() or not request.currency.isupper():
        raise Invalid("bad_currency", _("A currency is three capital letters."), field="currency")
    if request.on_shortage not in ON_SHORTAGE:
        raise Invalid("bad_choice", _("Either “backorder” or “refuse”."), field="on_shortage")
    if request.placed_at.tzinfo is None:
        raise Invalid("bad_time", _("The time needs an offset or zone."), field="placed_at")
    if not request.lines or len(request.lines) > MOST_LINES:
        raise Invalid("bad_lines", _("An order has 1 to {most} lines.").format(most=MOST_LINES), field="lines")
    country = request.shipping_address.country
    if country and not known_country(country):
        raise Invalid(
            "bad_country", _("“{code}” is not a country code.").format(code=country), field="shipping_address.country"
        )
    for position, line in enumerate(request.lines):
        _check_line(line, position, request.currency)
    for name in ("discount_total", "shipping_total", "tax_total"):
        _check_money(getattr(request, name), name, request.currency)
    for payment in request.payments:
        _check_money(payment.amount, "payments", request.currency)
    return _amounts(request)


def _check_line(line: NewLine, position: int, currency: str) -> None:
    where = f"lines[{position}]"
    if not line.sku.strip():
        raise Invalid(
            "no_sku", _("Line {line} has no SKU.").format(line=position + 1), field=f"{where}.sku", line=position
        )
    if not 1 <= line.quantity <= MOST_UNITS:
        raise Invalid(
            "bad_quantity", _("Line {line}: a quantity lies between 1 and {most}.").format(line=position + 1, most=MOST_UNITS),
            field=f"{where}.quantity", line=position,
        )  # fmt: skip
    if line.shipped < 0 or line.cancelled < 0 or line.shipped + line.cancelled > line.quantity:
        raise Invalid(
            "bad_quantity", _("Line {line}: more units are done than were ordered.").format(line=position + 1),
            field=f"{where}.quantity", line=position,
        )  # fmt: skip
    for name in ("unit_price", "discount", "tax"):
        # Unit prices may be finer than the currency (bulk goods); what is charged for a line is rounded.
        _check_money(getattr(line, name), f"{where}.{name}", currency, exact=name != "unit_price")
    if line.discount > line.unit_price * line.quantity:
        raise Invalid(
            "bad_discount",
            _("Line {line}: the discount is larger than the line.").format(line=position + 1),
            field=f"{where}.discount",
        )


def _check_money(amount: Decimal, where: str, currency: str, *, exact: bool = True) -> None:
    if not amount.is_finite() or amount < 0 or amount > MOST_MONEY:
        raise Invalid("bad_amount", _("{field}: give an amount of zero or more.").format(field=where), field=where)
    if exact and not is_exact(amount, currency):
        raise Invalid(
            "bad_amount",
            _("{field}: {currency} has fewer decimals than that.").format(field=where, currency=currency),
            field=where,
        )
    if not exact and amount != amount.quantize(Decimal("0.0001")):
        raise Invalid("bad_amount", _("{field}: at most four decimals.").format(field=where), field=where)


def _amounts(request: NewOrder) -> Amounts:
    currency = request.currency
    values = [line.unit_price * line.quantity for line in request.lines]
    subtotal = sum(values, ZERO)
    discounts = [line.discount for line in request.lines]
    discount_total = max(request.discount_total, sum(discounts, ZERO))
    if discount_total > subtotal:
        raise Invalid("bad_discount", _("The discount is larger than the goods."), field="discount_total")
    rest = discount_total - sum(discounts, ZERO)
    if rest:
        room = [value - discount for value, discount in zip(values, discounts, strict=True)]
        discounts = [
            d + min(share, r) for d, share, r in zip(discounts, allocate(rest, room, currency), room, strict=True)
        ]
    taxes = [line.tax for line in request.lines]
    if request.tax_total and not any(taxes):
        taxes = allocate(request.tax_total, [v - d for v, d in zip(values, discounts, strict=True)], currency)
    tax_total = max(request.tax_total, sum(taxes, ZERO))
    computed = subtotal - discount_total + request.shipping_total + (ZERO if request.tax_included else tax_total)
    total = quantize(computed, currency) if request.total is None else request.total
    if total < 0 or total > MOST_MONEY or not is_exact(total, currency):
        raise Invalid("bad_amount", _("The total must be zero or more, in the currency's decimals."), field="total")
    return Amounts(
        subtotal, discount_total, request.shipping_total, tax_total, total - computed, total, discounts, taxes
    )  # fmt: skip
