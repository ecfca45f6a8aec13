"""What waits, and for what."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backorders.filters import PromiseFilter
from backorders.models import LinePromise, PromisePart
from backorders.operations import filling_settings
from backorders.queries import listed_promises, to_decide
from backorders.reading import STOCK
from backorders.tables import PromiseTable
from core.listing import Empty, ListPage, PageAction, Sort, Tab, list_view
from core.text import fold


def goods_are_here(queryset: QuerySet[LinePromise]) -> QuerySet[LinePromise]:
    """What could be given now."""
    return queryset.filter(Exists(PromisePart.objects.filter(promise=OuterRef("pk"), source=STOCK)))


class WaitingList(ListPage):
    """Every line that waits for goods: since when, for what, and when it should leave."""

    name = "backorders"
    title = _("Back-orders")
    permission = "backorders.view"
    model = LinePromise
    table_class = PromiseTable
    filter_class = PromiseFilter
    template_name = "backorders/list.html"
    sorts = {
        "waiting": Sort("waiting_since"),
        "promised": Sort("due_on"),
        "units": Sort("units", desc=True),
    }
    default_sort = "waiting"
    search_placeholder = _("SKU, order number")
    tabs = [
        Tab("all", _("All")),
        Tab("here", _("Goods are here"), goods_are_here),
        Tab("late", _("Later than promised"), Q(first_promised_on__isnull=False, due_on__gt=F("first_promised_on"))),
        Tab("open", _("No day yet"), Q(promised_on__isnull=True)),
    ]
    page_actions = [PageAction(_("Settings"), "backorder-settings", "backorders.fill", icon="gear")]
    empty = Empty(
        _("Nothing waits"),
        _("An order line appears here when it was sold before its goods are here."),
        _("Orders"),
        "orders",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[LinePromise]:
        return listed_promises()

    def search(self, queryset: QuerySet[LinePromise], q: str) -> QuerySet[LinePromise]:
        text = fold(q.strip())
        return queryset.filter(
            Q(line__sku__iexact=q.strip()) | Q(order__number__iexact=q.strip()) | Q(order__search_text__contains=text)
        )

    def context(self, request: HttpRequest) -> dict[str, Any]:
        how = filling_settings()
        return {"how": how, "here": to_decide() if how.ask_first else []}


waiting_list = list_view(WaitingList)
