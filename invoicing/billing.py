"""What is billed, as arithmetic over plain values: what an order says now against what documents said, and the documents that close the gap.

Each position of an order (a line, its shipping, what else stands in its total) is a part. Documents are never changed: a part that
became dearer is billed by a further invoice, one that became cheaper is credited on the invoices that billed it, the newest first, and
no credit goes beyond what is left of the row that it corrects. Money given back for goods that the order still has (goodwill, returns)
is an allowance: credited once, on the goods it was for where that is known, else over all that is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from core.money import allocate, quantize, smallest_unit

ZERO = Decimal(0)
#: Why a credit note has a row: the order has changed; money went back for goods it still has; a person decided it.
CHANGE, ALLOWANCE, MANUAL = "change", "allowance", "manual"


@dataclass(frozen=True, slots=True)
class Part:
    """One position of the order as it is now. gross: with tax; tax: in it. refunded: the value of its units that money went back for."""

    key: str
    title: str
    quantity: int
    gross: Decimal
    tax: Decimal
    rate: Decimal | None
    sku: str = ""
    unit_price: Decimal | None = None
    bundle: str = ""
    refunded: Decimal = ZERO
    refunded_units: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a document. gross = net + tax. of: on a credit note the row of the invoice that it corrects; basis: why.

    unit_price and discount are in the order's own price basis (with or without tax); without a price the row is an amount alone.
    """

    key: str
    title: str
    quantity: int
    net: Decimal
    tax: Decimal
    gross: Decimal
    rate: Decimal | None
    sku: str = ""
    unit_price: Decimal | None = None
    discount: Decimal = ZERO
    bundle: str = ""
    of: int | None = None
    basis: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values; amounts as text."""
        return {
            name: str(value) if isinstance(value, Decimal) else value
            for name in self.__slots__
            if (value := getattr(self, name)) not in ("", None)
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Row:
        """The row that `to_json` wrote."""
        values = dict(data)
        for name in ("net", "tax", "gross", "rate", "unit_price", "discount"):
            if values.get(name) is not None:
                values[name] = Decimal(values[name])
        return cls(**({"rate": None} | values))


@dataclass(frozen=True, slots=True)
class Issued:
    """An invoice, or a credit note with the invoice that it corrects, as far as arithmetic wants it."""

    id: int
    rows: Sequence[Row]
    corrects: int | None = None


@dataclass(slots=True)
class Left:
    """What of an invoice's row is not credited."""

    invoice: int
    place: int
    row: Row
    quantity: int
    gross: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Planned:
    """A document to issue: an invoice, or a credit note for `corrects`. Ids below zero are of invoices planned before it."""

    rows: tuple[Row, ...]
    corrects: int | None = None

    @property
    def total(self) -> Decimal:
        return sum((row.gross for row in self.rows), ZERO)


@dataclass(slots=True)
class _Billed:
    """What documents said of one part."""

    gross: Decimal = ZERO
    tax: Decimal = ZERO
    quantity: int = 0
    rate: Decimal | None = None
    title: str = ""
    given: Decimal = ZERO  # allowances among the credits
    given_tax: Decimal = ZERO
    given_units: int = 0
    manual: Decimal = ZERO  # of them by a person's decision: never billed again
    left: list[Left] = field(default_factory=list)


def left_of(issued: Iterable[Issued]) -> dict[int, list[Left]]:
    """Invoice → what is left of each of its rows, in their order."""
    issued = list(issued)
    left = {
        one.id: [Left(one.id, place, row, row.quantity, row.gross, row.tax) for place, row in enumerate(one.rows)]
        for one in issued
        if one.corrects is None
    }
    for one in issued:
        if one.corrects is None:
            continue
        for row in one.rows:
            of = left[one.corrects][row.of or 0]
            of.quantity -= row.quantity
            of.gross -= row.gross
            of.tax -= row.tax
    return left


def units_billed(issued: Iterable[Issued]) -> dict[str, int]:
    """Part → units that invoices billed and no change took back (units that money went back for were billed all the same)."""
    units: dict[str, int] = {}
    for one in issued:
        for row in one.rows:
            if one.corrects is None:
                units[row.key] = units.get(row.key, 0) + row.quantity
            elif row.basis == CHANGE:
                units[row.key] = units.get(row.key, 0) - row.quantity
    return units


def plan(
    parts: Sequence[Part], issued: Sequence[Issued], *, goodwill: Decimal, tax_included: bool, currency: str, partial: bool = False
) -> list[Planned]:  # fmt: skip
    """The documents that bring what is billed to what the order is worth: credit notes first, then an invoice, then allowances.

    goodwill: what went back for goods that the order still has. partial: parts that are not named keep what was billed for them.
    Planned again after they are issued, the answer is empty.
    """
    found: list[Planned] = []
    known = list(issued)
    for _round in range(3):
        more = _step(parts, known, goodwill, tax_included, currency, partial)
        if not more:
            break
        for one in more:
            known.append(Issued(-1 - len(found), one.rows, one.corrects))
            found.append(one)
    return found


def _step(
    parts: Sequence[Part], issued: Sequence[Issued], goodwill: Decimal, tax_included: bool, currency: str, partial: bool
) -> list[Planned]:  # fmt: skip
    billed = _billed(issued)
    wanted = {part.key: part for part in parts}
    if not partial:
        for key, was in billed.items():
            wanted.setdefault(key, Part(key, was.title, 0, ZERO, ZERO, was.rate))
    back = _given_again(wanted, billed, goodwill, currency)
    taken: list[tuple[Left, Row]] = []
    rises: list[Row] = []
    for key, part in wanted.items():
        lower, higher = _close(part, billed.get(key) or _Billed(), back.get(key, ZERO), tax_included, currency)
        taken += lower
        rises += higher
    taken += _allowances(wanted, billed, goodwill, tax_included, currency)
    return _documents(taken, rises)


def _documents(taken: Sequence[tuple[Left, Row]], rises: Sequence[Row]) -> list[Planned]:
    """One credit note per invoice, and one invoice. What would be worth nothing or less waits for the next document."""
    by_invoice: dict[int, list[Row]] = {}
    for left, row in taken:
        by_invoice.setdefault(left.invoice, []).append(replace(row, of=left.place))
    found = [Planned(tuple(rows), invoice) for invoice, rows in by_invoice.items()]
    found.append(Planned(tuple(rises)))
    return [one for one in found if one.total > 0]


def _billed(issued: Sequence[Issued]) -> dict[str, _Billed]:
    billed: dict[str, _Billed] = {}
    for lefts in left_of(issued).values():
        for left in lefts:
            was = billed.setdefault(left.row.key, _Billed())
            was.title, was.rate = left.row.title, left.row.rate
            was.left.append(left)
            was.gross += left.gross
            was.tax += left.tax
            was.quantity += left.quantity
    for one in issued:
        for row in one.rows if one.corrects is not None else ():
            if row.basis != CHANGE:
                was = billed[row.key]
                was.given += row.gross
                was.given_tax += row.tax
                was.given_units += row.quantity
                was.manual += row.gross if row.basis == MANUAL else ZERO
    return billed


def _given_again(
    wanted: Mapping[str, Part], billed: Mapping[str, _Billed], goodwill: Decimal, currency: str
) -> dict[str, Decimal]:
    """Part → how much of its allowances no longer counts: a later cancel gave that money back for another reason."""
    kept = {key: min(was.given, _worth(wanted, key)) for key, was in billed.items() if was.given > 0}
    over = sum(kept.values(), ZERO) - goodwill
    back: dict[str, Decimal] = {}
    for key, amount in reversed(kept.items()):
        free = min(over, max(ZERO, amount - billed[key].manual))
        if free > 0:
            back[key] = quantize(free, currency)
            over -= free
    return back


def _worth(wanted: Mapping[str, Part], key: str) -> Decimal:
    return max(ZERO, wanted[key].gross) if key in wanted else ZERO


def _close(
    part: Part, was: _Billed, back: Decimal, tax_included: bool, currency: str
) -> tuple[list[tuple[Left, Row]], list[Row]]:  # fmt: skip
    """The credits and the rows of an invoice that bring one part from what was billed to what it is worth."""
    given = max(ZERO, min(was.given, part.gross) - back)
    given_tax = was.given_tax if given == was.given else _share(was.given_tax, given, was.given, currency)
    given_tax = part.tax if given == part.gross else min(given_tax, part.tax)
    units = max(0, part.quantity - (was.given_units if given == was.given else 0))
    more, more_tax = part.gross - given - was.gross, part.tax - given_tax - was.tax
    cents = smallest_unit(currency) * max(1, len(was.left))
    if more == 0 and (abs(more_tax) <= cents or was.gross == 0):
        return [], []
    other_rate = was.rate is not None and part.rate is not None and was.rate != part.rate
    opposite = more * more_tax < 0 and abs(more_tax) > cents
    if was.gross > 0 and part.gross > 0 and (other_rate or opposite or more == 0):
        # Its tax is another one now: what was billed is taken back whole and billed anew.
        whole = _credit(was.left, was.gross, was.tax, was.quantity, tax_included, currency)
        return whole, [_invoice_row(part, units, was.gross + more, was.tax + more_tax, tax_included, currency)]
    if more * (was.gross or more) < 0:
        return _credit(was.left, -more, -more_tax, max(0, was.quantity - units), tax_included, currency), []
    tax = more_tax if abs(more_tax) <= abs(more) and more_tax * more >= 0 else ZERO
    return [], [_invoice_row(part, max(0, units - was.quantity), more, tax, tax_included, currency)]


def _invoice_row(part: Part, units: int, gross: Decimal, tax: Decimal, tax_included: bool, currency: str) -> Row:
    row = Row(part.key, part.title, units, gross - tax, tax, gross, part.rate, part.sku, bundle=part.bundle)
    return _priced(row, part.unit_price, tax_included, currency)


def _priced(row: Row, unit_price: Decimal | None, tax_included: bool, currency: str) -> Row:
    """The row with its unit price and the discount that explains its amount; an amount alone where they do not."""
    if unit_price is None or not row.quantity:
        return row
    discount = quantize(unit_price * row.quantity, currency) - (row.gross if tax_included else row.net)
    return replace(row, unit_price=unit_price, discount=discount) if discount >= 0 else row


def _credit(
    lefts: Sequence[Left], gross: Decimal, tax: Decimal, units: int, tax_included: bool, currency: str, basis: str = CHANGE
) -> list[tuple[Left, Row]]:  # fmt: skip
    """Rows that credit an amount on what is left, the newest first; takes it off `lefts`. The amount has the sign of what is left."""
    rows = []
    for left in _newest_first(lefts):
        if gross == 0:
            break
        if left.gross * gross <= 0:
            continue
        part = min(gross, left.gross) if gross > 0 else max(gross, left.gross)
        count = min(units, left.quantity)
        rows.append((left, take(left, part, count, basis, tax_included, currency, tax=tax if part == gross else None)))
        gross, tax, units = gross - part, tax - rows[-1][1].tax, units - count
    return rows


def take(
    left: Left, gross: Decimal, units: int, basis: str, tax_included: bool, currency: str, *, tax: Decimal | None = None
) -> Row:  # fmt: skip
    """Take an amount off what is left of a row; its tax is in proportion (or the one given, as far as it is left)."""
    if gross == left.gross:
        taken = left.tax
    elif tax is None or not ZERO <= tax <= min(left.tax, gross):
        taken = _share(left.tax, gross, left.gross, currency)
    else:
        taken = tax
    left.gross, left.tax, left.quantity = left.gross - gross, left.tax - taken, left.quantity - units
    row = replace(
        left.row, quantity=units, net=gross - taken, tax=taken, gross=gross, of=left.place, basis=basis, unit_price=None, discount=ZERO
    )  # fmt: skip
    return _priced(row, left.row.unit_price, tax_included, currency)


def _share(amount: Decimal, part: Decimal, whole: Decimal, currency: str) -> Decimal:
    return quantize(amount * part / whole, currency) if whole else ZERO


def _allowances(
    wanted: Mapping[str, Part], billed: Mapping[str, _Billed], goodwill: Decimal,
    tax_included: bool, currency: str,
) -> list[tuple[Left, Row]]:  # fmt: skip
    """Credits for money that went back and that no credit note tells of yet, on what other credits have left."""
    given = sum((min(was.given, _worth(wanted, key)) for key, was in billed.items()), ZERO)
    open_ = quantize(goodwill - given, currency)
    room = {key: sum((left.gross for left in was.left if left.gross > 0), ZERO) for key, was in billed.items()}
    open_ = min(open_, sum(room.values(), ZERO))
    if open_ <= 0:
        return []
    shares: dict[str, Decimal] = {}
    units: dict[str, int] = {}
    for key, part in wanted.items():
        if key in room and part.refunded:
            was = billed[key]
            due = max(ZERO, part.refunded - was.given)
            share = min(open_, room[key], due)
            if share > 0:
                shares[key] = share
                units[key] = max(0, part.refunded_units - was.given_units) if share == due else 0
                room[key] -= share
                open_ -= share
    for key, share in zip(room, allocate(open_, list(room.values()), currency), strict=True) if open_ else ():
        shares[key] = shares.get(key, ZERO) + share
    rows = []
    for key, share in shares.items():
        rows += _give(billed[key].left, share, units.get(key, 0), tax_included, currency)
    return rows


def _give(
    lefts: Sequence[Left], gross: Decimal, units: int, tax_included: bool, currency: str
) -> list[tuple[Left, Row]]:  # fmt: skip
    """Credit an amount with its tax in proportion, the newest invoice first."""
    rows = []
    for left in _newest_first(lefts):
        part = min(gross, left.gross)
        if part > 0:
            count = min(units, left.quantity)
            rows.append((left, take(left, part, count, ALLOWANCE, tax_included, currency)))
            gross, units = gross - part, units - count
    return rows


def _newest_first(lefts: Sequence[Left]) -> list[Left]:
    """Invoices of the present plan have ids below zero and are newer than all others."""
    return sorted(lefts, key=lambda one: (one.invoice < 0, abs(one.invoice), one.place), reverse=True)


def credit_units(left: Left, units: int, *, tax_included: bool, currency: str) -> Row:
    """The credit of some units of what is left of a row; all of them take all that is left."""
    gross = (
        left.gross if units == left.quantity else _share(left.gross, Decimal(units), Decimal(left.quantity), currency)
    )
    return take(left, gross, units, MANUAL, tax_included, currency)


def credit_amount(lefts: Sequence[Left], gross: Decimal, *, tax_included: bool, currency: str) -> list[Row]:
    """An amount spread over what is left of an invoice, in proportion; it must not be more than is left."""
    open_rows = [left for left in lefts if left.gross > 0]
    parts = allocate(gross, [left.gross for left in open_rows], currency)
    return [
        take(left, part, 0, MANUAL, tax_included, currency) for left, part in zip(open_rows, parts, strict=True) if part
    ]


def tax_summary(rows: Iterable[Row]) -> list[tuple[Decimal | None, Decimal, Decimal, Decimal]]:
    """(rate, net, tax, gross) for each rate, the highest first; what bears no rate comes last."""
    sums: dict[Decimal | None, list[Decimal]] = {}
    for row in rows:
        one = sums.setdefault(row.rate, [ZERO, ZERO, ZERO])
        one[0] += row.net
        one[1] += row.tax
        one[2] += row.gross
    ordered = sorted(sums.items(), key=lambda item: (item[0] is None, -(item[0] or ZERO)))
    return [(rate, net, tax, gross) for rate, (net, tax, gross) in ordered]
