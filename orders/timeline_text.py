"""How the history of an order reads."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from core.money import format_money
from core.timeline_text import fill, register
from orders.models import PaymentRecord
from orders.states import HoldKind

_HOLDS = {"hold": dict(HoldKind.choices)}


def _placed(data: Mapping[str, Any]) -> str:
    parts = [fill(translate("Placed through {channel}, {total}."), data)]
    if data.get("fulfillment_orders"):
        parts.append(fill(translate("Work orders: {fulfillment_orders}."), data))
    if waiting := data.get("backordered"):
        parts.append(ngettext("{n} unit is back-ordered.", "{n} units are back-ordered.", waiting).format(n=waiting))
    if stuck := data.get("unroutable"):
        parts.append(
            ngettext("No location may ship {n} unit.", "No location may ship {n} units.", stuck).format(n=stuck)
        )
    return " ".join(parts)


def _held(data: Mapping[str, Any]) -> str:
    lines = (
        translate("Lines put on hold ({lines}): {hold}.") if data.get("lines") else translate("Put on hold: {hold}.")
    )
    parts = [fill(lines, data, _HOLDS)]
    if data.get("reason"):
        parts.append(fill(translate("“{reason}”"), data))
    if data.get("until"):
        parts.append(fill(translate("Until {until}."), data))
    if data.get("owner"):
        parts.append(fill(translate("{owner} sees to it."), data))
    return " ".join(parts)


def _released(data: Mapping[str, Any]) -> str:
    if data.get("lines"):
        return fill(translate("Hold on lines released ({lines}): {hold}."), data, _HOLDS)
    return fill(translate("Hold released: {hold}."), data, _HOLDS)


def _assigned(data: Mapping[str, Any]) -> str:
    if data.get("owner"):
        return fill(translate("{owner} sees to the hold: {hold}."), data, _HOLDS)
    return fill(translate("Nobody in particular sees to the hold: {hold}."), data, _HOLDS)


def _tagged(data: Mapping[str, Any]) -> str:
    parts = []
    if data.get("added"):
        parts.append(fill(translate("Tags added: {added}."), data))
    if data.get("removed"):
        parts.append(fill(translate("Tags removed: {removed}."), data))
    return " ".join(parts)


def _noted(data: Mapping[str, Any]) -> str:
    text = translate("Note written.")
    return f"{text} {fill(translate('For {mentions}.'), data)}" if data.get("mentions") else text


def _assigned_to(data: Mapping[str, Any]) -> str:
    return fill(translate("Assigned to {person}."), data) if data.get("person") else translate("Assigned to nobody.")


def _due(data: Mapping[str, Any]) -> str:
    return (
        fill(translate("To be paid by {due}."), data) if data.get("due") else translate("No day of payment any more.")
    )


def _with_reason(sentence: Any) -> Any:
    """The sentence, and the reason in quotes where one was given."""

    def told(data: Mapping[str, Any]) -> str:
        text = fill(str(sentence), data)
        return f"{text} {fill(translate('“{reason}”'), data)}" if data.get("reason") else text

    return told


def _cancelled(data: Mapping[str, Any]) -> str:
    units = ", ".join(f"{n} × {sku}" for sku, n in data.get("units") or [])
    text = translate("Cancelled: {units}.") if units else translate("Cancelled.")
    text = text.format(units=units)
    return f"{text} {fill(translate('“{reason}”'), data)}" if data.get("reason") else text


_CAUSES = {
    "placed": _("when it was placed"),
    "backorder": _("because stock came in"),
    "released": _("because its hold was released"),
    "rerouted": _("by hand"),
    "retried": _("because it was tried again"),
    "short_pick": _("because units were missing at picking"),
}


def _routed(data: Mapping[str, Any]) -> str:
    units = data.get("units") or 0
    parts = [fill(translate("Routed {cause}."), data, {"cause": _CAUSES})]
    if units:
        parts.append(ngettext("{n} unit has a place.", "{n} units have a place.", units).format(n=units))
    if waiting := data.get("backordered"):
        parts.append(ngettext("{n} unit is back-ordered.", "{n} units are back-ordered.", waiting).format(n=waiting))
    if data.get("unroutable"):
        parts.append(translate("No location may ship it."))
    return " ".join(parts)


_CHANGES = {
    "add_line": _("lines added"),
    "remove_units": _("units taken out"),
    "set_quantity": _("quantities"),
    "swap_variant": _("variants swapped"),
    "reprice": _("prices"),
    "discount_line": _("discounts"),
    "discount_order": _("discounts"),
    "change_address": _("address"),
    "change_shipping": _("shipping"),
    "split_line": _("lines split"),
    "change_contact": _("contact"),
}


def _changed(data: Mapping[str, Any]) -> str:
    kinds = dict.fromkeys(str(_CHANGES.get(kind, kind)) for kind in data.get("kinds") or [])
    parts = [translate("Changed ({number}): {what}.").format(number=data.get("change", ""), what=", ".join(kinds))]
    if data.get("before") != data.get("after"):
        currency = str(data.get("currency") or "")
        before, after = (format_money(Decimal(data[name]), currency) for name in ("before", "after"))
        parts.append(translate("Total {before}, now {after}.").format(before=before, after=after))
    if data.get("reason"):
        parts.append(fill(translate("“{reason}”"), data))
    return " ".join(parts)


register("order.changed", _changed, tone="key")
register("order.placed", _placed, tone="key")
register("order.cancelled", _cancelled, tone="bad")
register("order.routed", _routed)
register("order.tagged", _tagged)
register("hold.placed", _held, tone="bad")
register("hold.released", _released)
register("hold.assigned", _assigned)
register(
    "payment.recorded", _("{kind} of {amount} recorded: {method}."), words={"kind": dict(PaymentRecord.Kind.choices)}
)
register("payment.refunded", _with_reason(_("{amount} refunded.")), tone="bad")
register("note.added", _noted)
register("note.removed", _("Note taken away."))
register("order.assigned", _assigned_to)
register("order.archived", _("Archived."))
register("order.unarchived", _("Taken out of the archive."))
register("order.due", _due)
