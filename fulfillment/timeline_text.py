"""How the history of work orders and parcels reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from core.timeline_text import fill, register


def _short(data: Mapping[str, Any]) -> str:
    units = int(data.get("units") or 1)
    sentence = ngettext(
        "{n} unit of {{sku}} was not found at {{location}} for {{fulfillment_order}}; it looks for another place.",
        "{n} units of {{sku}} were not found at {{location}} for {{fulfillment_order}}; they look for another place.",
        units,
    )
    return fill(sentence.format(n=units), data)


def _delivered(data: Mapping[str, Any]) -> str:
    text = fill(translate("{fulfillment_order} was delivered."), data)
    return f"{text} {fill(translate('At the door: {delivered_at}.'), data)}" if data.get("delivered_at") else text


register("fulfillment.picking", _("Picking of {fulfillment_order} began at {location}."))
register("fulfillment.picked", _("{fulfillment_order} is picked."))
register("fulfillment.packed", _("{fulfillment_order} is packed."))
register("fulfillment.shipped", _("{fulfillment_order} left {location}: {tracking_numbers}."), tone="key")
register("fulfillment.delivered", _delivered, tone="key")
register("fulfillment.exception", _("The carrier has trouble with {fulfillment_order}: {problem}."), tone="bad")
register("fulfillment.short", _short, tone="bad")
register("fulfillment.printed", _("Papers of {fulfillment_order} printed."))
register("label.bought", _("Label {tracking_number} bought for {fulfillment_order}."))
register("label.voided", _("Label {tracking_number} of {fulfillment_order} voided: it was not used."))
register(
    "label.duplicate",
    _("The carrier sold a second label for {fulfillment_order}: {tracking_number}. Void it with the carrier."),
    tone="bad",
)
