"""The customer's pages. Each loads its order by the token, makes one call and answers; all work without JavaScript."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.actors import Actor
from core.files import file_response
from core.permissions import public
from core.ratelimit import client_network
from core.refusals import Refusal
from customers.portal import queries
from customers.portal.forms import LookUpForm
from customers.portal.frame import behind_link, private
from customers.portal.links import ask_for_link
from fulfillment.models import Document, DocumentKind
from orders.models import Order
from returns.forms import ReturnForm
from returns.operations import cancel_return, request_return


@require_safe
@behind_link
def tracking(request: HttpRequest, order: Order) -> HttpResponse:
    """Where the parcels of an order are."""
    return render(request, "portal/tracking.html", {"page": queries.tracking_page(order, now=timezone.now())})


@public
@require_http_methods(["GET", "HEAD", "POST"])
def look_up(request: HttpRequest) -> HttpResponse:
    """Order number and e-mail address: the answer is the same whether they fit or not; the link goes to the order's own address."""
    form = LookUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        allowed = ask_for_link(
            number=form.cleaned_data["number"],
            email=form.cleaned_data["email"],
            network=client_network(request),
            now=timezone.now(),
        )
        if allowed:
            return private(HttpResponseRedirect(f"{reverse('track-lookup')}?sent=1"))
        form.add_error(None, _("That was tried too often. Try again in an hour."))
        return private(render(request, "portal/look_up.html", {"form": form}, status=429))
    status = 422 if form.is_bound else 200
    return private(render(request, "portal/look_up.html", {"form": form, "sent": "sent" in request.GET}, status=status))


@require_http_methods(["GET", "HEAD", "POST"])
@behind_link
def return_items(request: HttpRequest, order: Order) -> HttpResponse:
    """Choose what goes back, look at it once more, send. `step` of the form says which of the three was pressed."""
    now = timezone.now()
    items = queries.returnable_now(order, now=now)
    step = request.POST.get("step", "") if request.method == "POST" else ""
    sent_before = queries.return_by_key(order, request.POST.get("request_key", "")) if step == "send" else None
    if sent_before is not None:
        return _to_return(order, sent_before.number)
    form = ReturnForm(request.POST if step else None, items=items)
    page = {"order": order, "form": form}
    if step in ("review", "send") and form.is_valid():
        if step == "review":
            return render(request, "portal/return_review.html", page)
        try:
            made = request_return(
                order_id=order.pk,
                lines=form.wanted(),
                customer_note=form.cleaned_data["customer_note"],
                request_key=form.cleaned_data["request_key"],
                actor=Actor.customer(order.email),
                now=now,
            )
            return _to_return(order, made.number)
        except Refusal as refusal:
            form.refuse(refusal)
    return render(request, "portal/return_items.html", page, status=422 if step in ("review", "send") else 200)


def _to_return(order: Order, number: str) -> HttpResponse:
    return HttpResponseRedirect(reverse("tracking-return", args=[order.token, number]))


@require_safe
@behind_link
def return_page(request: HttpRequest, order: Order, number: str) -> HttpResponse:
    """One return: its steps, its label, what happens next."""
    found = queries.return_of_order(order, number)
    if found is None:
        return render(request, "portal/unknown.html", {"order": order}, status=404)
    return render(request, "portal/return.html", {"order": order, "view": queries.return_view(found)})


@require_POST
@behind_link
def return_cancel(request: HttpRequest, order: Order, number: str) -> HttpResponse:
    """The customer takes the return back."""
    found = queries.return_of_order(order, number)
    if found is None:
        return render(request, "portal/unknown.html", {"order": order}, status=404)
    try:
        cancel_return(return_id=found.pk, actor=Actor.customer(order.email), now=timezone.now())
    except Refusal as refusal:
        page = {"order": order, "view": queries.return_view(found), "refusal": refusal}
        return render(request, "portal/return.html", page, status=refusal.status)
    return _to_return(order, number)


@require_safe
@behind_link
def return_label(request: HttpRequest, order: Order, number: str) -> HttpResponse:
    """The label to print, while the goods may still be sent with it."""
    found = queries.return_of_order(order, number)
    if found is None or not queries.return_view(found).has_label:
        return render(request, "portal/unknown.html", {"order": order}, status=404)
    document = Document.objects.get(shipment=found.shipment, kind=DocumentKind.RETURN_LABEL_PDF)
    return file_response(f"{number}.pdf", "application/pdf", bytes(document.data), inline=True)
