"""The stock list: every variant at every location, and what can be done with many of them at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.listing import BulkAction, Empty, ListPage, PageAction, Sort, Tab, list_view
from core.outcomes import BulkOutcome
from inventory.filters import StockFilter
from inventory.forms import BinForm, CountForm, SafetyForm
from inventory.models import Bucket, MovementReason, StockLevel
from inventory.operations.many_levels import adjust_many, set_bins
from inventory.queries import INCOMING, SET_ASIDE, SOLD_OUT, find_levels, listed_levels, with_reservations
from inventory.tables import StockTable
from inventory.time_travel import counts_at
from replenishment.forms import PolicyNumbersForm
from replenishment.operations import PolicyWish, set_policies

#: The most rows one act changes; it is one transaction.
MOST = 5_000


def _keys(targets: QuerySet[StockLevel]) -> list[tuple[int, int]]:
    return list(targets.order_by().values_list("variant_id", "location_id"))


def set_safety_stock(targets: QuerySet[StockLevel], *, set_to: int, actor: Actor, now: datetime) -> BulkOutcome:
    """Keep back the same number of units of each."""
    return adjust_many(
        keys=_keys(targets),
        bucket=Bucket.SAFETY_STOCK,
        set_to=set_to,
        reason=MovementReason.SAFETY,
        actor=actor,
        now=now,
    )


def set_count(
    targets: QuerySet[StockLevel], *, bucket: str, set_to: int, reason: str, note: str, actor: Actor, now: datetime
) -> BulkOutcome:
    """Set one count of each."""
    return adjust_many(
        keys=_keys(targets), bucket=bucket, set_to=set_to, reason=reason, note=note, actor=actor, now=now
    )


def set_bin(targets: QuerySet[StockLevel], *, bin_name: str, actor: Actor, now: datetime) -> BulkOutcome:
    """Say where they lie."""
    return set_bins(keys=_keys(targets), bin_name=bin_name, actor=actor, now=now)


def set_reorder_point(
    targets: QuerySet[StockLevel], *, reorder_point: int, order_up_to: int, alert: bool, actor: Actor, now: datetime
) -> BulkOutcome:
    """Say when and up to how much each is restocked."""
    wishes = [PolicyWish(*key, reorder_point, order_up_to, alert) for key in _keys(targets)]
    return set_policies(wishes=wishes, actor=actor, now=now)


def edit_in_grid(targets: QuerySet[StockLevel], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Lead on to the grid with these rows."""
    return BulkOutcome(next_url=f"{reverse('stock-grid')}?rows={_marks(targets)}")


def print_labels(targets: QuerySet[StockLevel], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Lead on to the page of barcode labels with these rows."""
    return BulkOutcome(next_url=f"{reverse('barcodes')}?levels={_marks(targets)}")


def _marks(targets: QuerySet[StockLevel]) -> str:
    return ",".join(map(str, targets.values_list("pk", flat=True)))


class StockList(ListPage):
    """What is where, bucket by bucket."""

    name = "stock"
    title = _("Stock")
    permission = "inventory.view"
    export_permission = "inventory.export"
    model = StockLevel
    table_class = StockTable
    filter_class = StockFilter
    sorts = {"sku": Sort("variant__sku", "location_id")}
    default_sort = "sku"
    search_placeholder = _("SKU, barcode, title")
    tabs = [
        Tab("all", _("All")),
        Tab("available", _("Available"), lambda queryset: queryset.exclude(SOLD_OUT)),
        Tab("out", _("Out of stock"), SOLD_OUT),
        Tab("reserved", _("Reserved"), with_reservations),
        Tab("set-aside", _("Damaged and quality control"), SET_ASIDE),
        Tab("incoming", _("Incoming"), INCOMING),
    ]
    bulk_actions = [
        BulkAction("safety", _("Set safety stock"), "inventory.adjust", run=set_safety_stock, form_class=SafetyForm, limit=MOST),
        BulkAction("reorder_point", _("Set reorder point"), "replenishment.edit", run=set_reorder_point, form_class=PolicyNumbersForm, limit=MOST),
        BulkAction("bin", _("Set bin"), "inventory.adjust", run=set_bin, form_class=BinForm, limit=MOST),
        BulkAction(
            "count", _("Set a count"), "inventory.adjust", run=set_count, form_class=CountForm, limit=MOST,
            confirm=_("Each of the chosen rows is set to the same number, through the ledger."),
        ),
        BulkAction("grid", _("Edit in grid"), "inventory.adjust", run=edit_in_grid, limit=200, icon="edit"),
        BulkAction("labels", _("Print barcode labels"), "inventory.view", run=print_labels, limit=500, icon="printer"),
    ]  # fmt: skip
    page_actions = [
        PageAction(_("What changed"), "stock-changes", "inventory.view", icon="clock"),
        PageAction(_("Edit in grid"), "stock-grid", "inventory.adjust", icon="edit"),
        PageAction(_("Add stock"), "stock-add", "inventory.adjust", primary=True, icon="plus"),
    ]
    empty = Empty(
        _("No stock yet"),
        _("Import it from a file of your shop, or put the first units at a location."),
        _("Add stock"),
        "stock-add",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[StockLevel]:
        return listed_levels()

    def complete(self, rows: Sequence[StockLevel], chosen: Mapping[str, Any]) -> None:
        """Counts of a past moment, where one is asked for; tabs and the filters by counts look at those of now."""
        if not chosen.get("at"):
            return
        then = counts_at([(level.variant_id, level.location_id) for level in rows], chosen["at"])
        for level in rows:
            counts = then[level.variant_id, level.location_id]
            for name in (*Bucket.values, "available"):
                setattr(level, name, getattr(counts, name))

    def search(self, queryset: QuerySet[StockLevel], q: str) -> QuerySet[StockLevel]:
        return find_levels(queryset, q)


stock_list = list_view(StockList)
