"""The customers list and the page of one customer."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.db.models import Count, F, IntegerField, Max, Min, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, NullIf
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from core.actors import Actor
from core.addresses import Address
from core.forms import add_refusal
from core.listing import Empty, ListPage, Sort, list_view
from core.money import quantize
from core.permissions import require, require_permission
from core.refusals import Refusal
from core.search import search
from core.timeline import entries_for
from core.timeline_text import lines_for
from customers.filters import CustomerFilter
from customers.forms import CustomerForm
from customers.models import Customer
from customers.operations import change_customer
from customers.tables import CustomerTable
from orders.models import Order

ORDERS_SHOWN = 50


def with_orders(customers: QuerySet[Customer]) -> QuerySet[Customer]:
    """Customers with the number and time of their orders, as sub-selects: worked out for the rows of a page alone."""
    theirs = Order.objects.filter(customer=OuterRef("pk")).order_by().values("customer")
    return customers.annotate(
        shown_name=Coalesce(NullIf("name", Value("")), "email", Value(translate("Without a name"))),
        order_count=Coalesce(Subquery(theirs.annotate(n=Count("id")).values("n"), output_field=IntegerField()), 0),
        last_order_at=Subquery(theirs.annotate(at=Max("placed_at")).values("at")),
    )


class CustomerList(ListPage):
    """Everybody who ever ordered."""

    name = "customers"
    title = _("Customers")
    permission = "customers.view"
    model = Customer
    table_class = CustomerTable
    filter_class = CustomerFilter
    sorts = {"since": Sort("created_at", desc=True)}
    default_sort = "since"
    search_placeholder = _("Name, e-mail, phone, number of an order")
    empty = Empty(_("No customers yet"), _("Each comes with their first order."))

    def queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        return with_orders(Customer.objects.all())

    def search(self, queryset: QuerySet[Customer], q: str) -> QuerySet[Customer]:
        """The buyers of matching orders: an order's search text holds the names and addresses of its buyer."""
        return queryset.filter(pk__in=search(Order.objects.all(), q).filter(customer__isnull=False).values("customer"))


customer_list = list_view(CustomerList)


@dataclass(frozen=True, slots=True)
class Bought:
    """What a customer bought in one currency. spent: what they keep paid: totals less cancelled and refunded."""

    currency: str
    orders: int
    spent: Decimal
    average: Decimal
    refunded: Decimal
    first_at: object
    last_at: object


def bought_by(customer: Customer) -> list[Bought]:
    """One entry for each currency the customer ordered in, the most orders first. One statement."""
    rows = (
        Order.objects.filter(customer=customer)
        .exclude(lifecycle="cancelled")
        .order_by()
        .values("currency")
        .annotate(
            orders=Count("id"),
            spent=Sum(F("total") - F("cancelled_total") - F("refunded_total")),
            refunded=Sum("refunded_total"),
            first_at=Min("placed_at"),
            last_at=Max("placed_at"),
        )
    )
    found = [Bought(**row, average=quantize(row["spent"] / row["orders"], row["currency"])) for row in rows]
    return sorted(found, key=lambda bought: -bought.orders)


@require("customers.view")
@require_http_methods(["GET", "POST"])
def customer(request: HttpRequest, pk: int) -> HttpResponse:
    """Who it is, what they bought, and what colleagues noted."""
    found = get_object_or_404(Customer, pk=pk)
    form = CustomerForm(request.POST or None, instance=found)
    if request.method == "POST":
        require_permission(request.user, "customers.edit")
        if form.is_valid():
            try:
                change_customer(
                    customer_id=pk, changes=form.cleaned_data, actor=Actor.user(request.user), now=timezone.now()
                )
            except Refusal as refusal:
                add_refusal(form, refusal)
            else:
                messages.success(request, translate("Saved."))
                return redirect("customer", pk=pk)
        found.refresh_from_db()
    orders = list(
        Order.objects.filter(customer=pk)
        .select_related("channel")
        .defer("search", "search_text")
        .order_by("-placed_at", "-id")[: ORDERS_SHOWN + 1]
    )
    context = {
        "customer": found,
        "form": form,
        "may_edit": request.user.can("customers.edit"),
        "bought": bought_by(found),
        "credit": list(found.credit.order_by("currency")) if request.user.can("payments.view") else [],
        "orders": orders[:ORDERS_SHOWN],
        "more": len(orders) > ORDERS_SHOWN,
        "address": Address.from_json(found.address),
        "entries": lines_for(entries_for(f"customer:{found.pk}")),
    }
    return render(request, "customers/customer.html", context, status=422 if form.errors else 200)
