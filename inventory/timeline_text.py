"""How the histories of products, variants, stock levels and locations read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from core.addresses import Address
from core.timeline_text import Change, register
from inventory.models import Bucket, Location, LocationKind, Product, Tracking, Variant

#: Names of fields that are shown otherwise than their columns are called.
_LABELS = {
    "tags": _("tags"),
    "options": _("options"),
    "address": _("address"),
    "ships_to": _("ships to"),
    "channel_ids": _("channels"),
}
_KINDS = dict(LocationKind.choices)
_TRACKING = dict(Tracking.choices)


def _changes(model: type[Model], data: Mapping[str, Any]) -> list[Change]:
    shown = {
        name: pair
        for name, pair in (data.get("changes") or {}).items()
        if not (name == "country" and "address" in data["changes"])
    }
    return [
        Change(
            str(_LABELS.get(name) or model._meta.get_field(name).verbose_name),
            _in_words(name, before),
            _in_words(name, after),
        )
        for name, (before, after) in shown.items()
    ]


def _in_words(name: str, value: Any) -> str:
    if name == "channel_ids":
        return ngettext("{n} channel", "{n} channels", len(value)).format(n=len(value)) if value else translate("all")
    if name == "ships_to" and not value:
        return translate("everywhere")
    if name == "address":
        return Address.from_json(value).one_line() or "—"
    if name == "kind":
        return str(_KINDS.get(value, value))
    if name == "tracking":
        return str(_TRACKING.get(value, value))
    if isinstance(value, bool):
        return translate("yes") if value else translate("no")
    if isinstance(value, dict):
        return ", ".join(f"{key}: {text}" for key, text in value.items()) or "—"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "—"
    return "—" if value in (None, "") else str(value)


def _components(data: Mapping[str, Any]) -> list[Change]:
    before, after = (", ".join(data.get(name) or ()) or "—" for name in ("before", "after"))
    return [Change(translate("components"), before, after)]


register("product.added", _("Added."), tone="key")
register("product.changed", _("Changed."), changes=partial(_changes, Product))
register("variant.added", _("{sku} added."), tone="key")
register("variant.changed", _("{sku} changed."), changes=partial(_changes, Variant))
register("variant.released", _("{sku} is released: who waits for it gets it."), tone="key")
register("variant.deleted", _("{sku} deleted."), tone="bad")
register("bundle.made", _("{sku} is a bundle now: {after}."), tone="key")
register("bundle.changed", _("Components of {sku} changed."), changes=_components)
register("bundle.undone", _("{sku} is no bundle any more; it was made of {before}."), tone="bad")
register("location.added", _("Added."), tone="key")
register("location.changed", _("Changed."), changes=partial(_changes, Location))
register("stock.bin_set", _("Bin changed from {before} to {after}."))
register("lot.added", _("Lot {lot} of {sku} seen for the first time, expires on {expires_on}."), tone="key")
register("lot.corrected", _("Expiry date changed from {before} to {after}."))
register("lot.set_aside", _("{units} units at {location} set aside: they may not be shipped any more."), tone="bad")
register("serial.received", _("Registered at {location}."), tone="key")
register("serial.in_stock", _("In stock at {location}."))
register("serial.in_transit", _("Left {location} for another location."))
register("serial.shipped", _("Shipped from {location}."))
register("serial.gone", _("Written off at {location}."), tone="bad")
register(
    "stock.level_repaired",
    _("The audit found {bucket} at {before}; it is {after}."),
    words={"bucket": dict(Bucket.choices)},
)
register(
    "lot.level_repaired",
    _("The audit found {bucket} at {location} at {before}; it is {after}."),
    words={"bucket": dict(Bucket.choices)},
)
