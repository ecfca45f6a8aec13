"""The list of counts, and making one."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from core.actors import Actor
from core.forms import add_refusal
from core.listing import BulkAction, Empty, ListPage, PageAction, Sort, Tab, list_view
from core.outcomes import BulkOutcome
from core.permissions import require
from core.refusals import Refusal
from counts.filters import CountFilter
from counts.forms import CountForm
from counts.models import StockCount
from counts.operations import abandon_count, create_count
from counts.queries import listed_counts
from counts.tables import CountTable

#: In the words of the partial index `count_unsettled`.
UNSETTLED = Q(state__in=["open", "counted"])


def abandon_many(targets: QuerySet[StockCount], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Abandon each; those that cannot be are listed."""
    outcome = BulkOutcome()
    for pk, number in targets.values_list("pk", "number"):
        try:
            abandon_count(count_id=pk, actor=actor, now=now)
            outcome.done.append(number)
        except Refusal as refusal:
            outcome.refuse(number, refusal)
    return outcome


class CountList(ListPage):
    """Every count, by what must happen to it next."""

    name = "counts"
    title = _("Counts")
    permission = "counts.view"
    model = StockCount
    table_class = CountTable
    filter_class = CountFilter
    sorts = {"created": Sort("created_at", desc=True), "number": Sort("id", desc=True)}
    default_sort = "created"
    search_placeholder = _("Number, bin or SKU")
    tabs = [
        Tab("unsettled", _("Open and counted"), UNSETTLED),
        Tab("open", _("To count"), UNSETTLED & Q(state="open")),
        Tab("counted", _("To post"), UNSETTLED & Q(state="counted")),
        Tab("posted", _("Posted"), Q(state="posted"), counted=False),
        Tab("all", _("All"), counted=False),
    ]
    bulk_actions = [
        BulkAction("abandon", _("Abandon"), "counts.post", run=abandon_many, danger=True, confirm=_("Stock stays as it is; what was counted is not posted."))
    ]  # fmt: skip
    page_actions = [
        PageAction(_("Accuracy"), "count-accuracy", "counts.view", icon="chart"),
        PageAction(_("Schedules"), "count-schedules", "counts.view", icon="clock"),
        PageAction(_("What to count next"), "count-next", "counts.view", icon="check"),
        PageAction(_("New count"), "count-new", "counts.count", primary=True, icon="plus"),
    ]
    empty = Empty(
        _("No counts yet"), _("Count some bins every week, and the stock stays right without closing the shop."),
        _("New count"), "count-new",
    )  # fmt: skip

    def queryset(self, request: HttpRequest) -> QuerySet[StockCount]:
        return listed_counts()

    def search(self, queryset: QuerySet[StockCount], q: str) -> QuerySet[StockCount]:
        text = q.strip()
        lines = Q(lines__variant__sku__iexact=text) | Q(lines__bin=text)
        found = StockCount.objects.filter(Q(number__istartswith=text) | lines).values("pk")
        return queryset.filter(pk__in=found)


count_list = list_view(CountList)


@require("counts.count")
@require_http_methods(["GET", "HEAD", "POST"])
def count_new(request: HttpRequest) -> HttpResponse:
    """Make a count."""
    known = {name: request.GET[name] for name in ("location", "kind", "bins", "abc", "skus") if request.GET.get(name)}
    form = CountForm(request.POST or None, initial={"kind": "bins", **known})
    if request.method == "POST" and form.is_valid():
        try:
            count = create_count(
                location_id=form.cleaned_data["location"].pk, scope=form.scope(), settings=form.settings(),
                actor=Actor.user(request.user), now=timezone.now(),
            )  # fmt: skip
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, translate("{number} is ready to be counted.").format(number=count.number))
            return redirect("count", pk=count.pk)
    return render(request, "counts/new.html", {"form": form}, status=422 if form.errors else 200)
