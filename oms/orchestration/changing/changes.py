"""What may be asked for in a change order, one dataclass for each kind, and how they are read from JSON.

A change names a line by its reference: "12" is an order line, "bundle-5" a bundle as it was sold, "new-1" the first line that an
earlier change of the same change order added, swapped in or split off.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from core.addresses import PARTS, Address, known_country
from core.refusals import Invalid
from oms.orchestration.requests import MOST_MONEY, MOST_UNITS

#: Changes in one change order.
MOST_CHANGES = 200
_REFERENCE = re.compile(r"\d{1,18}|bundle-\d{1,18}|new-\d{1,4}")
_LENGTHS = {"line1": 200, "line2": 200, "name": 200, "company": 200, "city": 120, "province": 120, "postal_code": 20}

Read = Callable[[Any, str], Any]


def _reference(value: Any, where: str) -> str:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not _REFERENCE.fullmatch(text):
        raise Invalid("bad_line", _("Name a line of the order."), field=where)
    return text


def _units(value: Any, where: str) -> int:
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_UNITS:
        raise Invalid(
            "bad_quantity", _("A quantity is a whole number between 0 and {most}.").format(most=MOST_UNITS), field=where
        )
    return value


def _some_units(value: Any, where: str) -> int:
    if (units := _units(value, where)) == 0:
        raise Invalid("bad_quantity", _("Give at least one unit."), field=where)
    return units


def _number(value: Any, where: str) -> Decimal:
    try:
        given = isinstance(value, int | float | str | Decimal) and not isinstance(value, bool)
        amount = Decimal(str(value).strip()) if given else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite():
        raise Invalid("bad_amount", _("Give a number."), field=where)
    return amount


def _money(value: Any, where: str) -> Decimal:
    amount = _number(value, where)
    if amount < 0 or amount > MOST_MONEY or amount != amount.quantize(Decimal("0.0001")):
        raise Invalid("bad_amount", _("Give an amount of zero or more, with at most four decimals."), field=where)
    return amount


def _rate(value: Any, where: str) -> Decimal:
    rate = _number(value, where)
    if not 0 <= rate < 1 or rate != rate.quantize(Decimal("0.00001")):
        raise Invalid("bad_rate", _("A tax rate is a fraction, such as 0.19."), field=where)
    return rate


def _percent(value: Any, where: str) -> Decimal:
    percent = _number(value, where)
    if not 0 <= percent <= 100 or percent != percent.quantize(Decimal("0.01")):
        raise Invalid("bad_percent", _("A percentage lies between 0 and 100."), field=where)
    return percent


def _words(most: int) -> Read:
    def read(value: Any, where: str) -> str:
        if not isinstance(value, str) or "\x00" in value or len(value.strip()) > most:
            raise Invalid("bad_text", _("Give at most {most} characters.").format(most=most), field=where)
        return value.strip()

    return read


def _address(value: Any, where: str) -> Address:
    if isinstance(value, Address):
        value = value.to_json()
    if not isinstance(value, Mapping):
        raise Invalid("bad_address", _("Give an address."), field=where)
    for name, part in value.items():
        at = f"{where}.{name}"
        if name not in PARTS:
            raise Invalid("unknown_field", _("An address has no “{name}”.").format(name=name), field=at)
        _words(_LENGTHS.get(name, 40))(part, at)
    address = Address.from_json({name: part.strip() for name, part in value.items()})
    if not known_country(address.country):
        message = _("“{code}” is not a country code.").format(code=address.country)
        raise Invalid("bad_country", message, field=f"{where}.country")
    return address


def _read_by(read: Read) -> dict[str, Read]:
    """What a field's metadata says of how it is read. None is accepted where it is the default."""
    return {"read": read}


_LINE, _ADDRESS = _read_by(_reference), _read_by(_address)
_COUNT, _SOME = _read_by(_units), _read_by(_some_units)
_MONEY, _RATE, _PERCENT = _read_by(_money), _read_by(_rate), _read_by(_percent)
_KEY, _CONTACT, _SKU, _METHOD = _read_by(_words(20)), _read_by(_words(40)), _read_by(_words(64)), _read_by(_words(80))
_NAME, _EMAIL, _TITLE = _read_by(_words(200)), _read_by(_words(254)), _read_by(_words(255))


@dataclass(frozen=True, slots=True)
class AddLine:
    """More goods: a SKU (a bundle too), or a custom line of words and a price. price: of one unit; None as in the catalogue.

    discount and tax are of the whole line; without a tax the rate says it, without a rate that of the country.
    """

    kind: ClassVar[str] = "add_line"
    quantity: int = field(metadata=_SOME)
    sku: str = field(default="", metadata=_SKU)
    title: str = field(default="", metadata=_TITLE)
    price: Decimal | None = field(default=None, metadata=_MONEY)
    discount: Decimal = field(default=Decimal(0), metadata=_MONEY)
    tax: Decimal | None = field(default=None, metadata=_MONEY)
    tax_rate: Decimal | None = field(default=None, metadata=_RATE)


@dataclass(frozen=True, slots=True)
class RemoveUnits:
    """Fewer units of a line, or fewer whole bundles."""

    kind: ClassVar[str] = "remove_units"
    line: str = field(metadata=_LINE)
    units: int = field(metadata=_SOME)


@dataclass(frozen=True, slots=True)
class SetQuantity:
    """As many units of a line (or whole bundles) as this, those that are cancelled not counted."""

    kind: ClassVar[str] = "set_quantity"
    line: str = field(metadata=_LINE)
    quantity: int = field(metadata=_COUNT)


@dataclass(frozen=True, slots=True)
class SwapVariant:
    """Another variant instead. units: of the line; 0 for all that can still be changed. price: None for that of the line."""

    kind: ClassVar[str] = "swap_variant"
    line: str = field(metadata=_LINE)
    sku: str = field(metadata=_SKU)
    units: int = field(default=0, metadata=_COUNT)
    price: Decimal | None = field(default=None, metadata=_MONEY)


@dataclass(frozen=True, slots=True)
class Reprice:
    """Another price of one unit of a line."""

    kind: ClassVar[str] = "reprice"
    line: str = field(metadata=_LINE)
    price: Decimal = field(metadata=_MONEY)


@dataclass(frozen=True, slots=True)
class DiscountLine:
    """The discount of what is left of a line or bundle: an amount, or percent of its price. It takes the place of the one before."""

    kind: ClassVar[str] = "discount_line"
    line: str = field(metadata=_LINE)
    amount: Decimal | None = field(default=None, metadata=_MONEY)
    percent: Decimal | None = field(default=None, metadata=_PERCENT)


@dataclass(frozen=True, slots=True)
class DiscountOrder:
    """A further discount on all lines that can still be changed: an amount spread over them by value, or percent of each."""

    kind: ClassVar[str] = "discount_order"
    amount: Decimal | None = field(default=None, metadata=_MONEY)
    percent: Decimal | None = field(default=None, metadata=_PERCENT)


@dataclass(frozen=True, slots=True)
class ChangeAddress:
    """Where it goes, or who is billed. which: "shipping" or "billing"."""

    kind: ClassVar[str] = "change_address"
    address: Address = field(metadata=_ADDRESS)
    which: str = field(default="shipping", metadata=_KEY)


@dataclass(frozen=True, slots=True)
class ChangeShipping:
    """Another shipping method, another price of shipping, or both."""

    kind: ClassVar[str] = "change_shipping"
    method: str | None = field(default=None, metadata=_METHOD)
    price: Decimal | None = field(default=None, metadata=_MONEY)


@dataclass(frozen=True, slots=True)
class SplitLine:
    """Some units of a line become a line of their own, with their share of its discount and tax."""

    kind: ClassVar[str] = "split_line"
    line: str = field(metadata=_LINE)
    units: int = field(metadata=_SOME)


@dataclass(frozen=True, slots=True)
class ChangeContact:
    """Who hears of this order. The customer's own record stays as it is."""

    kind: ClassVar[str] = "change_contact"
    name: str | None = field(default=None, metadata=_NAME)
    email: str | None = field(default=None, metadata=_EMAIL)
    phone: str | None = field(default=None, metadata=_CONTACT)


Change = (
    AddLine | RemoveUnits | SetQuantity | SwapVariant | Reprice | DiscountLine | DiscountOrder | ChangeAddress | ChangeShipping
    | SplitLine | ChangeContact
)  # fmt: skip
KINDS: dict[str, type[Any]] = {
    kind.kind: kind
    for kind in (
        AddLine, RemoveUnits, SetQuantity, SwapVariant, Reprice, DiscountLine, DiscountOrder, ChangeAddress, ChangeShipping,
        SplitLine, ChangeContact,
    )
}  # fmt: skip


def parse_changes(data: Any) -> list[Change]:
    """Read changes from JSON. Raises Invalid naming the field at fault (``changes[2].price``)."""
    if not isinstance(data, Sequence) or isinstance(data, str) or not 1 <= len(data) <= MOST_CHANGES:
        message = _("A change order has 1 to {most} changes.").format(most=MOST_CHANGES)
        raise Invalid("bad_changes", message, field="changes")
    return [_parse(one, f"changes[{n}]") for n, one in enumerate(data)]


def _parse(data: Any, where: str) -> Change:
    kind = KINDS.get(data.get("kind", "")) if isinstance(data, Mapping) and isinstance(data.get("kind"), str) else None
    if kind is None:
        message = _("A change is of one of these kinds: {kinds}.").format(kinds=", ".join(KINDS))
        raise Invalid("bad_kind", message, field=f"{where}.kind")
    known = {one.name: one for one in fields(kind)}
    if unknown := sorted(set(data) - set(known) - {"kind"}):
        message = _("A change of this kind has no “{name}”.").format(name=unknown[0])
        raise Invalid("unknown_field", message, field=f"{where}.{unknown[0]}")
    given = {}
    for name, one in known.items():
        at = f"{where}.{name}"
        if name in data and not (data[name] is None and one.default is None):
            given[name] = one.metadata["read"](data[name], at)
        elif one.default is MISSING:
            raise Invalid("missing", _("This is needed."), field=at)
    change = kind(**given)
    if problem := _problem(change):
        raise Invalid(problem[1], problem[2], field=f"{where}.{problem[0]}")
    return change


def _problem(change: Change) -> tuple[str, str, str] | None:
    """What does not fit together within one change: (field, code, message)."""
    match change:
        case AddLine(sku="", title=""):
            return "sku", "no_sku", _("Give a SKU, or the words of a custom line.")
        case AddLine(sku="", price=None):
            return "price", "missing", _("A custom line needs a price.")
        case SwapVariant(sku=""):
            return "sku", "no_sku", _("Give a SKU.")
        case DiscountLine(amount=amount, percent=percent) | DiscountOrder(amount=amount, percent=percent) if (
            amount is None
        ) == (percent is None):
            return "amount", "bad_choice", _("Give either an amount or a percentage.")
        case ChangeAddress(which=which) if which not in ("shipping", "billing"):
            return "which", "bad_choice", _("Either “shipping” or “billing”.")
        case ChangeShipping(method=None, price=None):
            return "method", "missing", _("Give a method or a price.")
        case ChangeContact(name=None, email=None, phone=None):
            return "email", "missing", _("Give a name, an e-mail address or a phone number.")
        case ChangeContact(email=email) if email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
            return "email", "bad_email", _("That is no e-mail address.")
    return None


def to_json(change: Change) -> dict[str, Any]:
    """The change as `parse_changes` reads it; what is as by default is left out."""
    out: dict[str, Any] = {"kind": change.kind}
    for one in fields(change):
        value = getattr(change, one.name)
        if value == one.default:
            continue
        if isinstance(value, Address):
            value = value.to_json()
        out[one.name] = format(value, "f") if isinstance(value, Decimal) else value
    return out
