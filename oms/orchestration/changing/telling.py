"""The customer hears of a change: what is other, what it costs now, and where the rest can be paid."""

from __future__ import annotations

from datetime import datetime

from django.utils import translation
from django.utils.translation import gettext as _

from core import formats, mail
from core.addresses import Address
from core.money import format_money
from fulfillment.queries import tracking_url
from oms.orchestration.changing.effect import Effect, LineEffect
from orders.models import ChangeOrder
from payments.operations.links import pay_url


def mail_change(change_id: int, *, now: datetime) -> None:
    """Queue the mail of a change order, once. A change that the customer would not notice (a split line) is not told."""
    change = ChangeOrder.objects.select_related("order").get(pk=change_id)
    order, effect = change.order, Effect.from_json(change.effect)
    with translation.override(order.language):
        lines = told_lines(effect)
        moved = Address.from_json(order.shipping_address).lines() if "shipping_address" in effect.texts else []
        before, after = effect.amount("current_total")
        if not lines and not moved and before == after and "shipping_method" not in effect.texts:
            return
        owed = order.owed_by_customer
        context = {
            "order_number": order.number,
            "name": order.customer_name,
            "lines": lines,
            "address": moved,
            "method": order.shipping_method if "shipping_method" in effect.texts else "",
            "before": format_money(before, order.currency) if before != after else "",
            "total": format_money(after, order.currency),
            "owed": format_money(owed, order.currency) if owed > 0 else "",
            "pay_url": pay_url(order) if owed > 0 else "",
            "back": format_money(order.owed_to_customer, order.currency) if order.owed_to_customer > 0 else "",
            "expected": formats.day(order.expected_on) if order.expected_on and "expected_on" in effect.texts else "",
            "url": tracking_url(order),
        }
    mail.queue_mail(
        to=order.email, template="order_changed", context=context, language=order.language, dedupe_key=f"order-changed:{change.pk}",
        about=order.subject, now=now,
    )  # fmt: skip


def told_lines(effect: Effect) -> list[str]:
    """What is other of the goods, a sentence for each SKU: a split changes nothing, and what moved between its lines is one thing."""
    units: dict[tuple[str, str], list[int]] = {}
    prices: dict[tuple[str, str], list[LineEffect]] = {}
    for line in effect.lines:
        counted = units.setdefault((line.sku, line.title), [0, 0])
        counted[0] += line.before.units if line.before else 0
        counted[1] += line.after.units if line.after else 0
        if line.before and line.after and line.after.units and _price(line.before) != _price(line.after):
            prices.setdefault((line.sku, line.title), []).append(line)
    told = []
    for key, (before, after) in units.items():
        title = key[1]
        if before != after:
            sentence = _("{title}: {after} instead of {before}") if before and after else None
            if sentence is None:
                sentence = _("New: {after} × {title}") if after else _("No longer: {before} × {title}")
            told.append(sentence.format(title=title, before=before, after=after))
        elif key in prices:
            told.append(_("{title}: another price or discount").format(title=title))
    return told


def _price(facts: object) -> tuple[object, object]:
    return getattr(facts, "unit_price", None), getattr(facts, "discount", None)
