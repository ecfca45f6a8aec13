"""An order as an export tells it → a request as the system places it."""

from __future__ import annotations

from channels.formats.records import OrderLineRecord, OrderRecord
from oms.orchestration.requests import NewLine, NewOrder, NewPayment, NewRefund

#: What the system calls a field → the meaning of the export's column, for refusals that name it.
COLUMN_OF = {
    "sku": "line_sku", "quantity": "line_quantity", "unit_price": "line_price", "discount": "line_discount", "lines": "line_sku",
    "external_id": "id", "number": "name", "placed_at": "created_at", "country": "shipping_country", "currency": "currency",
    "discount_total": "discount", "shipping_total": "shipping", "tax_total": "taxes", "total": "total", "payments": "total", "name": "name",
}  # fmt: skip


def new_order(record: OrderRecord, *, channel_id: int) -> NewOrder:
    """The request for one exported order, with what was paid, shipped, cancelled and given back before."""
    return NewOrder(
        channel_id=channel_id,
        external_id=record.external_id,
        number=record.number,
        placed_at=record.placed_at,
        currency=record.currency,
        lines=tuple(_line(line) for line in record.lines),
        email=record.email,
        customer_name=record.customer_name,
        phone=record.phone,
        shipping_address=record.shipping_address,
        billing_address=record.billing_address,
        shipping_method=record.shipping_method,
        discount_total=record.discount_total,
        shipping_total=record.shipping_total,
        tax_total=record.tax_total,
        tax_included=record.tax_included,
        total=record.total,
        payments=_payments(record),
        refunds=_refunds(record),
        payment_voided=record.voided,
        cancelled_at=record.cancelled_at,
        tags=record.tags,
        note=record.note,
    )


def _line(line: OrderLineRecord) -> NewLine:
    return NewLine(
        sku=line.sku,
        quantity=line.quantity,
        unit_price=line.unit_price,
        title=line.title,
        discount=line.discount,
        shipped=line.shipped,
        cancelled=line.cancelled,
        requires_shipping=line.requires_shipping,
    )


def _payments(record: OrderRecord) -> tuple[NewPayment, ...]:
    at, method, reference = record.paid_at, record.payment_method, record.payment_reference
    amounts = (("capture", record.captured), ("authorization", record.authorized))
    return tuple(
        NewPayment(
            amount, method=method, reference=reference, key=f"import:{kind}:{amount.normalize():f}", kind=kind, at=at
        )
        for kind, amount in amounts
        if amount
    )


def _refunds(record: OrderRecord) -> tuple[NewRefund, ...]:
    if not record.refunded:
        return ()
    return (NewRefund(record.refunded, key=f"import:refund:{record.refunded.normalize():f}", at=record.cancelled_at),)
