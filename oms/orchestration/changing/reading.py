"""What changes did, in words and pairs for people: the same for a preview and for a change that was kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import formats
from oms.orchestration.changing.effect import Effect, LineEffect
from orders.states import HoldKind

_AMOUNTS = {
    "subtotal": gettext_lazy("Goods"),
    "discount_total": gettext_lazy("Discount"),
    "shipping_total": gettext_lazy("Shipping costs"),
    "tax_total": gettext_lazy("Tax"),
    "adjustment_total": gettext_lazy("Difference to the channel's total"),
    "total": gettext_lazy("Total"),
    "cancelled_total": gettext_lazy("Cancelled"),
    "current_total": gettext_lazy("To be paid in all"),
    "captured_total": gettext_lazy("Paid"),
    "refunded_total": gettext_lazy("Refunded"),
    "owed_by_customer": gettext_lazy("Owed by the customer"),
    "owed_to_customer": gettext_lazy("To be refunded"),
}
#: Shown even where they stay what they are.
_ALWAYS = ("current_total", "captured_total", "owed_by_customer", "owed_to_customer")
_TEXTS = {
    "customer_name": gettext_lazy("Customer"),
    "email": gettext_lazy("E-mail"),
    "phone": gettext_lazy("Phone"),
    "shipping_method": gettext_lazy("Shipping method"),
    "shipping_address": gettext_lazy("Ship to"),
    "billing_address": gettext_lazy("Bill to"),
    "ship_by": gettext_lazy("Ship by"),
    "expected_from": gettext_lazy("Expected from"),
    "expected_on": gettext_lazy("Expected by"),
}
_WORK = {
    "created": gettext_lazy("New"),
    "cancelled": gettext_lazy("Cancelled"),
    "changed": gettext_lazy("Changed"),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """Something before and after; a title for it."""

    label: str
    before: Any
    after: Any

    @property
    def changed(self) -> bool:
        return bool(self.before != self.after)


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line with what is other of it."""

    line: LineEffect
    units: Pair
    price: Pair
    value: Pair
    waiting: int


@dataclass(frozen=True, slots=True)
class ShownEffect:
    """All of it for a page."""

    currency: str
    money: list[Pair]
    lines: list[ShownLine]
    stock: list[tuple[str, str, int]]
    work: list[tuple[Any, Any]]
    texts: list[Pair]
    holds: Pair | None

    @property
    def changed_lines(self) -> list[ShownLine]:
        return [one for one in self.lines if one.line.changed]


def shown(effect: Effect) -> ShownEffect:
    """An effect as people read it."""
    money = [Pair(str(label), *effect.amount(name)) for name, label in _AMOUNTS.items() if _is_told(effect, name)]
    lines = [_line(line) for line in effect.lines]
    stock = [(one.sku, one.location or _("waits for stock"), one.units) for one in effect.stock]
    work = [(one, str(_WORK[one.what])) for one in effect.work]
    texts = [Pair(str(_TEXTS[name]), *(_text(name, one) for one in pair)) for name, pair in effect.texts.items()]
    holds = Pair("", _holds(effect.holds["before"]), _holds(effect.holds["after"])) if effect.holds else None
    return ShownEffect(effect.currency, money, lines, stock, work, texts, holds)


def _is_told(effect: Effect, name: str) -> bool:
    before, after = effect.amount(name)
    return before != after or (name in _ALWAYS and bool(before or after))


def _line(line: LineEffect) -> ShownLine:
    before, after = line.before, line.after
    sides = [
        (one.units, Decimal(one.unit_price), Decimal(one.value)) if one else (0, None, Decimal(0)) for one in (before, after)
    ]  # fmt: skip
    units, price, value = (Pair("", was, now) for was, now in zip(*sides, strict=True))
    return ShownLine(line, units, price, value, (after.backordered + after.unplaced) if after else 0)


def _text(name: str, value: str) -> str:
    if value and name == "ship_by":
        return formats.exact(datetime.fromisoformat(value))
    if value and name.startswith("expected"):
        return formats.day(date.fromisoformat(value))
    return value


def _holds(kinds: Iterable[str]) -> str:
    return ", ".join(str(HoldKind(kind).label) for kind in kinds) or _("none")
