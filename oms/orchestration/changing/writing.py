"""A change made in memory goes into the tables: lines, stock and work, totals, holds, statuses."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from core.actors import Actor
from core.text import search_words
from oms.orchestration.changing.editing import Edit
from oms.orchestration.changing.pricing import sum_up
from oms.orchestration.changing.stock import follow
from oms.orchestration.hold_order import hold_order, release_if_paid
from orders.amounts import cancelled_value
from orders.models import Order
from orders.operations import refresh_order
from orders.states import HoldKind

_CHANGED = [
    "customer_name", "email", "phone", "shipping_address", "billing_address", "ship_country", "shipping_method", "subtotal",
    "discount_total", "shipping_total", "tax_total", "adjustment_total", "total", "cancelled_total", "ship_by", "expected_from",
    "expected_on", "search_text",
]  # fmt: skip


def write_edit(edit: Edit, *, actor: Actor, now: datetime) -> None:
    """Write an edit of a locked order and bring everything that follows from it in line. Raises Refusal when its total cannot be."""
    order, lines = edit.order, list(edit.lines.values())
    was_covered = is_covered(Order.objects.get(pk=order.pk))
    sum_up(order, lines, edit.bundles.values(), shipping_tax=edit.shipping_tax, difference=edit.difference)
    for bundle in edit.bundles.values():
        bundle.save(force_insert=bundle.pk in edit.new_bundles)
    for line in lines:
        if line.pk in edit.new_lines:
            line.save(force_insert=True)
    Order.objects.filter(pk=order.pk).update(
        shipping_address=order.shipping_address, ship_country=order.ship_country, shipping_method=order.shipping_method
    )
    follow(edit, actor=actor, now=now)
    for line in lines:
        line.save()
    order.cancelled_total = cancelled_value(order, lines)
    order.search_text = _words(edit)
    order.save(update_fields=_CHANGED)
    refresh_order(order, now=now, lines=lines)
    _hold_or_release(order, was_covered=was_covered, actor=actor, now=now)


def is_covered(order: Order) -> bool:
    """True when what is charged was paid or authorised, as placing asks it."""
    return order.captured_total - order.overpayment_refunded + order.authorized_total >= order.current_total


def _hold_or_release(order: Order, *, was_covered: bool, actor: Actor, now: datetime) -> None:
    """An order that its channel lets go only when paid waits again once it costs more than was paid, and goes on once it does not."""
    covered = is_covered(order)
    open_holds = order.holds.filter(kind=HoldKind.PAYMENT, whole=True, released_at__isnull=True)
    if covered:
        if open_holds.exists():
            release_if_paid(order_id=order.pk, actor=actor, now=now)
        return
    waits = any(line.requires_shipping and line.ordered - line.cancelled > line.shipped for line in order.lines.all())
    if was_covered and waits and order.channel.hold_unpaid and not open_holds.exists():
        reason = _("It costs more than was paid since it was changed.")
        hold_order(order_id=order.pk, kind=HoldKind.PAYMENT, reason=reason, actor=actor, now=now)


def _words(edit: Edit) -> str:
    """What the order is found by: all that it was found by before, and what it has now."""
    order = edit.order
    skus = [edit.lines[pk].sku for pk in edit.new_lines] + [edit.bundles[pk].sku for pk in edit.new_bundles]
    return search_words(order.search_text, order.email, order.customer_name, order.phone, order.ship_to.name, *skus)
