"""How the histories of suppliers and purchase orders read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.addresses import Address
from core.timeline_text import Change, fill, register
from purchasing.models import PurchaseOrder, Supplier, SupplierItem
from purchasing.states import ChargeBasis


def _fields(model: type[Model]) -> Any:
    def differences(data: Mapping[str, Any]) -> list[Change]:
        return [
            Change(str(model._meta.get_field(name).verbose_name), _in_words(name, before), _in_words(name, after))
            for name, (before, after) in (data.get("changes") or {}).items()
        ]

    return differences


def _in_words(name: str, value: Any) -> str:
    if name == "address":
        return Address.from_json(value).one_line() or "—"
    if name == "charge_basis":
        return str(dict(ChargeBasis.choices).get(value, value))
    if isinstance(value, bool):
        return translate("yes") if value else translate("no")
    return "—" if value in (None, "") else str(value)


def _units(data: Mapping[str, Any]) -> list[Change]:
    """Units by SKU, before and after."""
    return [Change(sku, str(before), str(after)) for sku, (before, after) in (data.get("changes") or {}).items()]


def _received(data: Mapping[str, Any]) -> str:
    text = fill(translate("Received: {lines}."), data)
    if data.get("damaged"):
        text += " " + fill(translate("Damaged among them: {damaged}."), data)
    if data.get("reason"):
        text += " " + fill(translate("More than expected: “{reason}”"), data)
    return text


def _confirmed(data: Mapping[str, Any]) -> str:
    if data.get("expected_on"):
        return fill(translate("The supplier confirmed it for {expected_on}."), data)
    return translate("The supplier confirmed it.")


register("supplier.added", _("Supplier {name} added."), tone="key")
register("supplier.changed", _("Details changed."), changes=_fields(Supplier))
register("supplier.item_saved", _("{sku} at {price} {currency}."), changes=_fields(SupplierItem))
register("supplier.item_deleted", _("Does not sell {sku} any more."))
register("purchase.created", _("{number} drafted for {supplier}: {units} units, {total}."), tone="key")
register(
    "purchase.planned", _("{number} planned for {supplier}: {units} units, {total}. It waits for approval."), tone="key"
)
register("purchase.edited", _("Draft changed; total {total}."), changes=_units)
register("purchase.approved", _("Approved at {total}."), tone="key")
register("purchase.charged", _("Charges changed; total {total}."), changes=_fields(PurchaseOrder))
register("purchase.sent", _("Sent to {to}: {total}."), tone="key")
register("purchase.marked_sent", _("Marked as sent: {total}."), tone="key")
register("purchase.mailed_again", _("Mailed again to {to}."))
register("purchase.confirmed", _confirmed, changes=_units)
register("purchase.received", _received, tone="key")
register("purchase.received_all", _("Everything has come: {units} units."), tone="key")
register("purchase.given_up", _("Given up: {lines}. “{reason}”"), tone="bad")
register("purchase.cancelled", _("Cancelled. “{reason}”"), tone="bad")
register("cost.set", _("One {sku} costs {amount}: {note}"), tone="key")
