"""Shopify's order export: one row per line item; further rows of an order leave the order's columns empty.

Columns: help.shopify.com, "Orders export". Only what an order needs is required, so that shorter files are read too. What cannot be
known from the file (how many units of a line have left, how much was paid) refuses the order instead of being made up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

from django.utils.translation import gettext as _

from channels.formats import values
from channels.formats.columns import Cells, Columns, Group, groups, known_keys
from channels.formats.errors import FieldError
from channels.formats.moments import moment
from channels.formats.records import OrderLineRecord, OrderRecord, Parsed, ReadSettings, RowError
from channels.formats.shopify.common import amount, decimal_mark
from channels.formats.shopify.order_state import Money, Payments, line_progress, payments, totals
from channels.formats.tabular import Table
from core.addresses import Address

ALIASES = {
    "name": ("Name", "Order", "Order name"),
    "id": ("Id", "Order ID"),
    "email": ("Email",),
    "phone": ("Phone",),
    "financial": ("Financial Status",),
    "paid_at": ("Paid at",),
    "fulfillment": ("Fulfillment Status",),
    "fulfilled_at": ("Fulfilled at",),
    "cancelled_at": ("Cancelled at", "Canceled at"),
    "currency": ("Currency",),
    "subtotal": ("Subtotal",),
    "shipping": ("Shipping",),
    "taxes": ("Taxes",),
    "total": ("Total",),
    "discount": ("Discount Amount",),
    "refunded": ("Refunded Amount",),
    "outstanding": ("Outstanding Balance",),
    "shipping_method": ("Shipping Method",),
    "created_at": ("Created at",),
    "payment_method": ("Payment Method",),
    "payment_reference": ("Payment Reference", "Payment ID", "Payment References"),
    "notes": ("Notes",),
    "tags": ("Tags",),
    "line_quantity": ("Lineitem quantity",),
    "line_name": ("Lineitem name",),
    "line_price": ("Lineitem price",),
    "line_sku": ("Lineitem sku",),
    "line_discount": ("Lineitem discount",),
    "line_requires_shipping": ("Lineitem requires shipping",),
    "line_fulfillment": ("Lineitem fulfillment status",),
    **{
        f"{side}_{part}": (f"{side.capitalize()} {name}",)
        for side in ("billing", "shipping")
        for part, name in (
            ("to", "Name"), ("street", "Street"), ("line1", "Address1"), ("line2", "Address2"), ("company", "Company"), ("city", "City"),
            ("zip", "Zip"), ("province", "Province"), ("country", "Country"), ("phone", "Phone"),
        )
    },
}  # fmt: skip
#: Columns of the order that, filled in again on a later row, must say the same.
_ONCE = ("id", "currency", "total", "created_at", "financial", "fulfillment", "cancelled_at")


class OrderReader:
    kind = "orders"
    format = "shopify"
    known = known_keys(ALIASES)

    def columns(self, table: Table) -> Columns:
        columns = Columns(table.header, ALIASES)
        columns.require("name", "created_at", "line_quantity", "line_price", "line_sku")
        return columns

    def mapping(self, table: Table) -> list[tuple[str, str]]:
        return Columns(table.header, ALIASES).mapping()

    def read(self, table: Table, settings: ReadSettings) -> Iterator[Parsed[OrderRecord] | RowError]:
        columns = self.columns(table)
        mark = decimal_mark(table, settings)
        seen: dict[str, int] = {}
        for group in groups(table, columns, "name"):
            if isinstance(group, RowError):
                yield group
                continue
            reading = _Reading(group, columns, settings, mark)
            try:
                record = reading.order()
                if record.external_id in seen:
                    raise FieldError(
                        columns.label("id"),
                        _("“%(key)s” stands on line %(line)d already.")
                        % {"key": record.external_id, "line": seen[record.external_id]},
                    )
            except FieldError as error:
                yield reading.complaint(error)
                continue
            seen[record.external_id] = group.line_from
            yield Parsed(record, group.line_from, group.line_to, group.raw())


@dataclass(slots=True)
class _Reading:
    """Reads one order; `line` is the row at hand, so that an error names the right one."""

    group: Group
    columns: Columns
    settings: ReadSettings
    mark: str | None
    line: int = 0

    def order(self) -> OrderRecord:
        rows = [Cells(self.columns, row) for row in self.group.rows]
        first = rows[0]
        self.line = first.row.line
        currency = (
            values.currency(first["currency"], first.label("currency")) if first["currency"] else self.settings.currency
        )
        cancelled_at, fulfilled_at, paid_at = (
            self._moment(first, meaning) for meaning in ("cancelled_at", "fulfilled_at", "paid_at")
        )
        placed_at = moment(first["created_at"], first.label("created_at"), zone=self.settings.zone)
        external_id = values.identifier(first["id"], first.label("id"), required=False)
        number = values.identifier(self.group.key, first.label("name"), required=True, max_length=60)
        lines = self._lines(rows, currency, cancelled=cancelled_at is not None)
        self.line = first.row.line
        sums = totals(first, lines, currency, self.mark)
        paid = payments(first, sums.total, currency, self.mark)
        shipping, billing = _address(first, "shipping"), _address(first, "billing")
        return OrderRecord(
            external_id=external_id or number,
            number=number,
            email=values.email(first["email"], first.label("email")),
            phone=values.one_line(first["phone"], first.label("phone"), max_length=40)
            or shipping.phone
            or billing.phone,
            customer_name=(billing.name or shipping.name)[:200],
            shipping_address=shipping if shipping.to_json() else billing,
            billing_address=billing,
            shipping_method=values.one_line(first["shipping_method"], first.label("shipping_method"), max_length=80),
            currency=currency,
            placed_at=placed_at,
            **_money_fields(sums, paid),
            payment_method=values.one_line(first["payment_method"], first.label("payment_method"), max_length=60),
            payment_reference=values.one_line(
                first["payment_reference"], first.label("payment_reference"), max_length=120
            ),
            paid_at=paid_at,
            fulfilled_at=fulfilled_at,
            cancelled_at=cancelled_at,
            note=values.text(first["notes"], first.label("notes"), max_length=5000, lines=True),
            tags=values.tags(first["tags"], first.label("tags")),
            lines=_without_refunded(lines, paid),
        )

    def complaint(self, error: FieldError) -> RowError:
        """The error with whatever else is wrong in the order, so that a person can mend all of it at once."""
        line, told = self.line, {(self.line, error.field)}
        others = []
        for check in self._checks():
            try:
                check()
            except FieldError as other:
                if (self.line, other.field) not in told:
                    told.add((self.line, other.field))
                    others.append(
                        _("line %(line)d, %(field)s: %(message)s")
                        % {"line": self.line, "field": other.field, "message": other.message}
                    )
        message = error.message
        if others:
            message += " " + _("Also: %(others)s") % {"others": " · ".join(others)}
        return self.group.error(line, error.field or "", message)

    def _checks(self) -> Iterator[Callable[[], object]]:
        """The values of the order that can be checked each by itself, with `line` at their row."""
        rows = [Cells(self.columns, row) for row in self.group.rows]
        first = rows[0]
        self.line = first.row.line
        yield lambda: values.identifier(self.group.key, first.label("name"), max_length=60)
        yield lambda: values.identifier(first["id"], first.label("id"), required=False)
        yield lambda: moment(first["created_at"], first.label("created_at"), zone=self.settings.zone)
        yield lambda: values.email(first["email"], first.label("email"))
        yield lambda: _address(first, "shipping")
        yield lambda: _address(first, "billing")
        for cells in rows:
            self.line = cells.row.line
            yield partial(values.sku, cells["line_sku"], cells.label("line_sku"), required=False)
            yield partial(self._line, cells, first, self.settings.currency, cancelled=False)

    def _moment(self, cells: Cells, meaning: str) -> datetime | None:
        return moment(cells[meaning], cells.label(meaning), zone=self.settings.zone) if cells[meaning] else None

    def _lines(self, rows: list[Cells], currency: str, *, cancelled: bool) -> tuple[OrderLineRecord, ...]:
        first = rows[0]
        lines = []
        for cells in rows:
            self.line = cells.row.line
            for meaning in _ONCE:
                if cells[meaning] and cells[meaning] != first[meaning]:
                    message = _("“%(here)s” differs from “%(there)s” on the order's first row.")
                    raise FieldError(
                        cells.label(meaning),
                        message % {"here": cells[meaning][:40], "there": first[meaning][:40]},
                    )
            lines.append(self._line(cells, first, currency, cancelled=cancelled))
        return tuple(lines)

    def _line(self, cells: Cells, first: Cells, currency: str, *, cancelled: bool) -> OrderLineRecord:
        quantity = values.integer(cells["line_quantity"], cells.label("line_quantity"), minimum=1, maximum=1_000_000)
        price = values.money(cells["line_price"], cells.label("line_price"), currency, decimal_mark=self.mark)
        discount = amount(cells, "line_discount", currency, self.mark, empty=Decimal(0)) or Decimal(0)
        if discount > price * quantity:
            raise FieldError(
                cells.label("line_discount"),
                _("%(discount)s is more than the line costs.") % {"discount": discount},
            )
        sku = values.sku(cells["line_sku"], cells.label("line_sku"), required=False)
        shipped, gone = line_progress(cells, first, quantity, cancelled=cancelled)
        return OrderLineRecord(
            line=cells.row.line,
            sku=sku,
            title=values.one_line(cells["line_name"], cells.label("line_name")) or sku,
            quantity=quantity,
            unit_price=price,
            discount=discount,
            requires_shipping=values.boolean(
                cells["line_requires_shipping"], cells.label("line_requires_shipping"), default=True
            ),
            shipped=shipped,
            cancelled=gone,
        )


def _money_fields(sums: Money, paid: Payments) -> dict[str, Decimal | bool]:
    return {
        "subtotal": sums.subtotal,
        "discount_total": sums.discount,
        "shipping_total": sums.shipping,
        "tax_total": sums.tax,
        "tax_included": sums.tax_included,
        "adjustment_total": sums.adjustment,
        "total": sums.total,
        "authorized": paid.authorized,
        "captured": paid.captured,
        "refunded": paid.refunded,
        "voided": paid.voided,
    }


def _without_refunded(lines: tuple[OrderLineRecord, ...], paid: Payments) -> tuple[OrderLineRecord, ...]:
    """What was paid back in full before it left will not be sent: those units count as cancelled."""
    if not paid.in_full_refunded:
        return lines
    return tuple(
        line if not line.open else OrderLineRecord(
            line.line, line.sku, line.title, line.quantity, line.unit_price, line.discount, line.requires_shipping, line.shipped,
            line.quantity - line.shipped,
        )
        for line in lines
    )  # fmt: skip


def _address(cells: Cells, side: str) -> Address:
    def part(name: str, max_length: int = 255) -> str:
        return values.one_line(cells[f"{side}_{name}"], cells.label(f"{side}_{name}"), max_length=max_length)

    country = values.country(cells[f"{side}_country"], cells.label(f"{side}_country"))
    return Address(
        name=part("to", 200),
        company=part("company"),
        line1=part("line1") or part("street"),
        line2=part("line2"),
        city=part("city", 120),
        province=part("province", 120),
        postal_code=values.postal_code(cells[f"{side}_zip"], cells.label(f"{side}_zip"), country=country),
        country=country,
        phone=part("phone", 40),
    )
