"""Exchange rates: the list, one by hand, a file, and the orders that wait for one."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from core.actors import Actor
from core.forms import add_refusal
from core.listing import BulkAction, Empty, ListPage, PageAction, Sort, Tab, list_view
from core.outcomes import BulkOutcome
from core.permissions import require
from core.refusals import Refusal
from core.shop import shop
from currencies.ecb import MOST_BYTES
from currencies.filters import RateFilter, UnratedFilter
from currencies.forms import OrderRateForm, RateForm, RatesFileForm
from currencies.jobs import start_rates_import
from currencies.models import ExchangeRate, RateFeed, Source
from currencies.operations import delete_rate, save_rate
from currencies.tables import RateTable, UnratedTable
from orders.models import MissingRate
from orders.operations.rates import look_up_rate, set_order_rate


def _delete_many(targets: QuerySet[ExchangeRate], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Take each away that a person put in; the bank's stay."""
    outcome = BulkOutcome()
    for rate in targets:
        label = f"{rate.base} → {rate.quote}, {rate.day.isoformat()}"
        try:
            delete_rate(rate_id=rate.pk, actor=actor, now=now)
            outcome.done.append(label)
        except Refusal as refusal:
            outcome.refuse(label, refusal)
    return outcome


class RateList(ListPage):
    """Every rate, the newest first."""

    name = "rates"
    title = gettext_lazy("Exchange rates")
    permission = "payments.view"
    model = ExchangeRate
    table_class = RateTable
    filter_class = RateFilter
    sorts = {"day": Sort("day", desc=True)}
    default_sort = "day"
    search_placeholder = gettext_lazy("Currency")
    tabs = [
        Tab("all", gettext_lazy("All"), counted=False),
        Tab("manual", gettext_lazy("Put in by hand"), Q(source=Source.MANUAL), counted=False),
    ]
    bulk_actions = [
        BulkAction(
            "delete", gettext_lazy("Take away"), "rates.edit", run=_delete_many, icon="trash", danger=True,
            confirm=gettext_lazy("Orders keep the rate that was fixed when they were placed. Take these rates away?"),
        )
    ]  # fmt: skip
    page_actions = [
        PageAction(gettext_lazy("Orders without a rate"), "unrated-orders", "payments.view", icon="alert"),
        PageAction(gettext_lazy("Import a file"), "rates-import", "rates.edit", icon="download"),
        PageAction(gettext_lazy("Put in a rate"), "rate-new", "rates.edit", primary=True, icon="plus"),
    ]
    empty = Empty(
        gettext_lazy("No exchange rates"),
        gettext_lazy("Orders in other currencies than the shop's take the rate of the day they are placed. Import the European Central Bank's file, or put rates in by hand."),
        gettext_lazy("Import a file"), "rates-import",
    )  # fmt: skip
    template_name = "currencies/rates.html"

    def queryset(self, request: HttpRequest) -> QuerySet[ExchangeRate]:
        return ExchangeRate.objects.all()

    def search(self, queryset: QuerySet[ExchangeRate], q: str) -> QuerySet[ExchangeRate]:
        code = q.strip().upper()
        return queryset.filter(Q(quote=code) | Q(base=code))

    def context(self, request: HttpRequest) -> dict[str, Any]:
        return {"feed": RateFeed.objects.first(), "feed_on": bool(settings.EXCHANGE_RATES_URL)}


rate_list = list_view(RateList)


def _look_up_many(targets: QuerySet[MissingRate], *, actor: Actor, now: datetime) -> BulkOutcome:
    """The rates that are known by now of the days the orders were placed on."""
    return _each(targets, lambda pk: look_up_rate(order_id=pk, actor=actor, now=now))


def _set_many(targets: QuerySet[MissingRate], *, rate: Decimal, actor: Actor, now: datetime) -> BulkOutcome:
    """One rate for all the chosen orders; they must be in one currency."""
    if len(found := set(targets.order_by().values_list("currency", flat=True).distinct())) > 1:
        text = _("Choose orders of one currency: these are in {currencies}.").format(
            currencies=", ".join(sorted(found))
        )
        outcome = BulkOutcome()
        for number in targets.values_list("order__number", flat=True):
            outcome.refuse(number, text)
        return outcome
    return _each(targets, lambda pk: set_order_rate(order_id=pk, rate=rate, actor=actor, now=now))


def _each(targets: QuerySet[MissingRate], act: Any) -> BulkOutcome:
    outcome = BulkOutcome()
    for pk, number in list(targets.values_list("order_id", "order__number")):
        try:
            act(pk)
            outcome.done.append(number)
        except Refusal as refusal:
            outcome.refuse(number, refusal)
    return outcome


class UnratedList(ListPage):
    """Orders in another currency than the shop's for which no rate was known."""

    name = "unrated-orders"
    title = gettext_lazy("Orders without an exchange rate")
    permission = "payments.view"
    model = MissingRate
    table_class = UnratedTable
    filter_class = UnratedFilter
    sorts = {"placed": Sort("placed_on", desc=True)}
    default_sort = "placed"
    search_placeholder = gettext_lazy("Order number")
    lead_column = "number"
    bulk_actions = [
        BulkAction("look-up", gettext_lazy("Take the rate of their day"), "rates.edit", run=_look_up_many, icon="search"),
        BulkAction("set", gettext_lazy("Set a rate"), "rates.edit", run=_set_many, icon="edit", form_class=OrderRateForm),
    ]  # fmt: skip
    page_actions = [PageAction(gettext_lazy("Exchange rates"), "rates", "payments.view", icon="globe")]
    empty = Empty(
        gettext_lazy("Every order has its rate"),
        gettext_lazy("An order for whose day no exchange rate was known waits here until somebody gives it one."),
    )

    def queryset(self, request: HttpRequest) -> QuerySet[MissingRate]:
        return MissingRate.objects.select_related("order__channel").only(
            "currency", "placed_on", "order__number", "order__customer_name", "order__total", "order__channel__name"
        )

    def search(self, queryset: QuerySet[MissingRate], q: str) -> QuerySet[MissingRate]:
        return queryset.filter(order__number__iexact=q.strip())


unrated_list = list_view(UnratedList)


@require_http_methods(["GET", "HEAD", "POST"])
@require("rates.edit")
def rate_new(request: HttpRequest) -> HttpResponse:
    """Put in a rate by hand."""
    now = timezone.now()
    form = RateForm(request.POST or None, initial={"day": timezone.localdate(), "quote": shop().currency})
    if request.method == "POST" and form.is_valid():
        try:
            save_rate(**form.cleaned_data, actor=Actor.user(request.user), now=now)
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("The rate is kept."))
            return redirect("rates")
    return render(request, "currencies/rate_form.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@require("rates.edit")
def rates_import(request: HttpRequest) -> HttpResponse:
    """A file of the European Central Bank: read here, kept by a job."""
    form = RatesFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            job = start_rates_import(
                data=file.read(MOST_BYTES + 1), name=file.name, actor=Actor.user(request.user), now=timezone.now()
            )
            return redirect("job", pk=job.pk)
        except Refusal as refusal:
            add_refusal(form, refusal)
    return render(request, "currencies/import.html", {"form": form}, status=422 if form.errors else 200)
