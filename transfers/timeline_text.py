"""How the history of a transfer reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.timeline_text import Change, fill, register
from transfers.states import FoundPlace, MissingReason


def _edited(data: Mapping[str, Any]) -> list[Change]:
    return [Change(sku, str(before), str(after)) for sku, (before, after) in (data.get("changes") or {}).items()]


def _cancelled(data: Mapping[str, Any]) -> str:
    return fill(translate("Cancelled: “{reason}”"), data) if data.get("reason") else translate("Cancelled.")


def _dispatched(data: Mapping[str, Any]) -> str:
    text = fill(translate("Dispatched with units: {units}."), data)
    return f"{text} {fill(translate('Left behind: {left}.'), data)}" if data.get("left") else text


def _received(data: Mapping[str, Any]) -> str:
    parts = [fill(translate("Received: {lines}."), data)]
    if data.get("damaged"):
        parts.append(fill(translate("Damaged: {damaged}."), data))
    if data.get("over"):
        parts.append(fill(translate("More than sent: {over}."), data))
    return " ".join(parts)


register("transfer.created", _("Draft made, units: {units}."), tone="key")
register("transfer.edited", _("Changed."), changes=_edited)
register("transfer.ready", _("Made ready: {units} units are reserved."), tone="key")
register("transfer.revised", _("Back to draft; nothing is reserved any more."))
register("transfer.cancelled", _cancelled, tone="bad")
register("transfer.dispatched", _dispatched, tone="key")
register("transfer.rest_kept", _("What stayed is a draft of its own: {rest}."))
register("transfer.received", _received, tone="key")
register("transfer.receipt_undone", _("Receipt taken back: {lines}."), tone="bad")
register("transfer.settled", _("{lines}: {reason}."), words={"reason": dict(MissingReason.choices)}, tone="bad")
register("transfer.found", _("Found again {place}: {lines}."), words={"place": dict(FoundPlace.choices)})
register("transfer.closed", _("Everything is accounted for."))
