"""How the histories of suppliers and purchase orders read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Model
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.addresses import Address
from core.formats import day
from core.models import TimelineEntry
from core.timeline_text import Change, fill, register
from purchasing.models import CostMethod, PurchaseOrder, Supplier, SupplierItem
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


def _with_total(sentence: Any) -> Any:
    """The sentence, and the total for those who may see it (`without_money` takes it away for the others)."""

    def text(data: Mapping[str, Any]) -> str:
        told = fill(str(sentence), data)
        total = translate("Total: {total}.")
        return f"{told} {fill(total, data)}" if data.get("total") else told

    return text


def _price(data: Mapping[str, Any]) -> str:
    return fill(
        translate("{sku} at {price} {currency}.") if data.get("price") else translate("Price of {sku} saved."), data
    )


def without_money(entries: Iterable[TimelineEntry]) -> list[TimelineEntry]:
    """The entries for people who may not see costs."""
    kept = []
    for entry in entries:
        if entry.kind in _ABOUT_MONEY:
            entry.data = {name: value for name, value in entry.data.items() if name not in ("price", "changes")}
        entry.data.pop("total", None)
        kept.append(entry)
    return kept


_ABOUT_MONEY = frozenset({"purchase.charged", "supplier.item_saved", "supplier.changed"})


def _received(data: Mapping[str, Any]) -> str:
    text = fill(translate("Received: {lines}."), data)
    if data.get("damaged"):
        text += " " + fill(translate("Damaged among them: {damaged}."), data)
    if data.get("reason"):
        text += " " + fill(translate("More than expected: “{reason}”"), data)
    return text


def _confirmed(data: Mapping[str, Any]) -> str:
    if expected := parse_date(str(data.get("expected_on") or "")):
        return translate("The supplier confirmed it for {day}.").format(day=day(expected))
    return translate("The supplier confirmed it.")


register("supplier.added", _("Supplier {name} added."), tone="key")
register("supplier.changed", _("Details changed."), changes=_fields(Supplier))
register("supplier.item_saved", _price, changes=_fields(SupplierItem))
register("supplier.item_deleted", _("Does not sell {sku} any more."))
register("purchase.created", _with_total(_("{number} drafted for {supplier}: {units} units.")), tone="key")
register(
    "purchase.planned",
    _with_total(_("{number} planned for {supplier}: {units} units. It waits for approval.")),
    tone="key",
)
register("purchase.edited", _with_total(_("Draft changed.")), changes=_units)
register("purchase.approved", _with_total(_("Approved.")), tone="key")
register("purchase.charged", _with_total(_("Charges changed.")), changes=_fields(PurchaseOrder))
register("purchase.sent", _with_total(_("Sent to {to}.")), tone="key")
register("purchase.marked_sent", _with_total(_("Marked as sent.")), tone="key")
register("purchase.mailed_again", _("Mailed again to {to}."))
register("purchase.confirmed", _confirmed, changes=_units)
register("purchase.received", _received, tone="key")
register("purchase.received_all", _("Everything has come: {units} units."), tone="key")
register("purchase.given_up", _("Given up: {lines}. “{reason}”"), tone="bad")
register("purchase.cancelled", _("Cancelled. “{reason}”"), tone="bad")
register(
    "cost.method_changed",
    _("Costs are read by {after} (before: {before})."),
    words={"before": dict(CostMethod.choices), "after": dict(CostMethod.choices)},
)
register("cost.set", _("One {sku} costs {amount}: {note}"), tone="key")
