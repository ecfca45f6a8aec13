"""All payments through gateways."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.listing import Empty, ListPage, PageAction, Sort, Tab, list_view
from payments.filters import PaymentFilter
from payments.models import PaymentIntent
from payments.queries import listed, unsettled
from payments.states import HOLDING, IntentState
from payments.tables import PaymentTable


class PaymentList(ListPage):
    """Every payment, the newest first."""

    name = "payments"
    title = _("Payments")
    permission = "payments.view"
    export_permission = "payments.view"
    model = PaymentIntent
    table_class = PaymentTable
    filter_class = PaymentFilter
    sorts = {"begun": Sort("created_at", desc=True)}
    default_sort = "begun"
    lead_column = "order"
    search_placeholder = _("Order number or reference")
    tabs = (
        Tab("all", _("All")),
        Tab("unsettled", _("To look at"), unsettled),
        Tab("waiting", _("Waiting for the customer"), Q(state=IntentState.REQUIRES_ACTION)),
        Tab("held", _("Held"), Q(state__in=sorted(HOLDING))),
        Tab("captured", _("Captured"), Q(state=IntentState.CAPTURED)),
        Tab("failed", _("Failed"), Q(state=IntentState.FAILED)),
    )
    page_actions = (PageAction(_("Gateways"), "gateways", "gateways.edit", icon="gear"),)
    empty = Empty(
        _("No payments through a gateway yet"),
        _("Once an account with Stripe or PayPal is set up, customers can pay by a link, and what they pay is here."),
        _("Gateways"),
        "gateways",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[PaymentIntent]:
        return listed()

    def search(self, queryset: QuerySet[PaymentIntent], q: str) -> QuerySet[PaymentIntent]:
        word = q.strip()
        return queryset.filter(Q(order__number__istartswith=word) | Q(reference=word) | Q(parent=word))


payment_list = list_view(PaymentList)
