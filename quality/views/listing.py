"""The list of nonconformances, and what is set aside without one."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from core.listing import Empty, ListPage, PageAction, Sort, Tab, list_view
from core.permissions import require
from core.search import search
from inventory.models import Bucket, Variant
from quality.filters import CaseFilter
from quality.models import NonConformance
from quality.queries import listed_cases, unexplained
from quality.states import CaseKind, CaseState
from quality.tables import CaseTable

RESTS_SHOWN = 200
OPEN = Q(state=CaseState.OPEN)


class CaseList(ListPage):
    """Every case, by how its units are set aside."""

    name = "quality"
    title = _("Set aside")
    permission = "quality.view"
    model = NonConformance
    table_class = CaseTable
    filter_class = CaseFilter
    sorts = {"created": Sort("created_at", desc=True), "open": Sort("open_quantity", desc=True)}
    default_sort = "created"
    search_placeholder = _("Number, SKU, barcode, title")
    tabs = [
        Tab("open", _("Open"), OPEN),
        Tab("damaged", _("Damaged"), OPEN & Q(kind=CaseKind.DAMAGED)),
        Tab("qc", _("Quality control"), OPEN & Q(kind=CaseKind.QUALITY_CONTROL)),
        Tab("quarantine", _("Quarantine"), OPEN & Q(kind=CaseKind.QUARANTINE)),
        Tab("resolved", _("Resolved"), Q(state=CaseState.RESOLVED), counted=False),
        Tab("all", _("All"), counted=False),
    ]
    page_actions = [
        PageAction(_("Reasons"), "quality-reasons", "quality.view", icon="gear"),
        PageAction(_("Without a case"), "quality-rest", "quality.view", icon="search"),
        PageAction(_("Set units aside"), "nonconformance-new", "quality.edit", primary=True, icon="plus"),
    ]
    empty = Empty(
        _("Nothing is set aside"), _("Damaged goods and goods that wait for inspection are kept here until somebody has decided about them."),
        _("Set units aside"), "nonconformance-new",
    )  # fmt: skip

    def queryset(self, request: HttpRequest) -> QuerySet[NonConformance]:
        return listed_cases()

    def search(self, queryset: QuerySet[NonConformance], q: str) -> QuerySet[NonConformance]:
        found = search(Variant.objects.order_by(), q).values("pk")
        return queryset.filter(Q(number__istartswith=q.strip()) | Q(variant__in=found))


case_list = list_view(CaseList)


@require("quality.view")
@require_safe
def rest(request: HttpRequest) -> HttpResponse:
    """Units that are counted as damaged or in quality control and that no case explains."""
    rows = unexplained(limit=RESTS_SHOWN + 1)
    context = {
        "rows": [(row, Bucket(row.bucket).label) for row in rows[:RESTS_SHOWN]],
        "more": len(rows) > RESTS_SHOWN,
        "may_edit": request.user.can("quality.edit"),
    }
    return render(request, "quality/rest.html", context)
