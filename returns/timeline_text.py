"""How the history of a return reads, on its own page and on its order's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from core.timeline_text import fill, register
from returns.states import Disposition, Resolution


def _approved(data: Mapping[str, Any]) -> str:
    if data.get("keeps_goods"):
        return fill(translate("{return_number} approved; the customer keeps the goods."), data)
    return fill(translate("{return_number} approved, goes to {location}."), data)


def _inspected(data: Mapping[str, Any]) -> str:
    words = dict(Disposition.choices)
    verdicts = [
        f"{row['quantity']} × {row['sku']}: {words.get(row['disposition'], row['disposition'])}"
        for row in data.get("lines", [])
    ]
    return fill(translate("{return_number} inspected:"), data) + " " + ", ".join(verdicts)


def _finished(data: Mapping[str, Any]) -> str:
    text = fill(translate("{return_number}: inspection finished."), data)
    if missing := data.get("missing"):
        text += " " + ngettext("{n} unit never came.", "{n} units never came.", missing).format(n=missing)
    return text


def _resolved(data: Mapping[str, Any]) -> str:
    if data.get("resolution") == Resolution.REFUND:
        return fill(translate("{return_number} resolved with a refund of {amount}."), data)
    return fill(translate("{return_number} closed without a refund."), data)


register("return.requested", _("{return_number} asked for: {lines}."), tone="key")
register("return.approved", _approved)
register("return.declined", _("{return_number} declined: “{answer}”"), tone="bad")
register("return.cancelled", _("{return_number} cancelled."))
register("return.labelled", _("Return label of {return_number} made: {tracking_number}."))
register("return.in_transit", _("{return_number} was handed to the carrier."))
register("return.received", _("{return_number} received: {lines}."))
register("return.kept", _("The customer keeps {lines} ({return_number})."))
register("return.inspected", _inspected)
register("return.finished", _finished)
register("return.resolved", _resolved, tone="key")
