"""The customer's page of a draft: its lines and total, and the button that makes it an order."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone, translation
from django.views.decorators.http import require_POST, require_safe

from core.actors import Actor
from core.files import file_response
from core.paper.language import known_language
from core.paper.weasy import PdfUnavailable
from core.permissions import public
from core.refusals import Refusal, Stale, Unavailable
from core.shop import shop
from customers.portal.frame import private
from drafts.mailing import paper_of
from drafts.models import DraftOrder
from drafts.operations import complete_draft
from drafts.paper import draft_pdf
from drafts.queries import lines_of, money_of
from drafts.states import DraftState, Terms
from drafts.totals import due_on
from orders.models import Order


def behind_draft_link(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
    """Give the view the draft of the token, in its customer's language. An unknown token, and one that was never sent, get one answer."""

    @public
    @wraps(view)
    def wrapped(request: HttpRequest, token: str, **kwargs: Any) -> HttpResponse:
        draft = _by_token(token)
        if draft is None:
            return private(render(request, "drafts/portal_unknown.html", status=404))
        with translation.override(known_language(draft.language)):
            response = view(request, draft, **kwargs)
            response.headers.setdefault("Content-Language", translation.get_language())
            return private(response)

    return wrapped


def _by_token(token: str) -> DraftOrder | None:
    if len(token) != 32 or not token.isascii():
        return None
    rows = DraftOrder.objects.select_related("order").defer("search", "search_text")
    return rows.filter(token=token, sent_at__isnull=False).first()


@require_safe
@behind_draft_link
def offer(request: HttpRequest, draft: DraftOrder) -> HttpResponse:
    """What it comes to. Once it is an order, the link leads there."""
    if draft.order is not None:
        return HttpResponseRedirect(_pay_page(draft.order))
    return _page(request, draft)


def _page(request: HttpRequest, draft: DraftOrder, *, refusal: Refusal | None = None) -> HttpResponse:
    lines = lines_of(draft)
    money = money_of(draft, lines)
    context = {
        "draft": draft, "rows": list(zip(lines, money.lines, strict=True)), "money": money, "refusal": refusal,
        "open": draft.state == DraftState.SENT and bool(lines), "on_terms": draft.terms != Terms.ADVANCE,
        "due_on": due_on(draft.terms, timezone.localdate()), "support_email": shop().support_email,
    }  # fmt: skip
    return render(request, "drafts/portal.html", context, status=refusal.status if refusal else 200)


@require_POST
@behind_draft_link
def offer_accept(request: HttpRequest, draft: DraftOrder) -> HttpResponse:
    """The customer wants it as it was shown: it becomes an order, and they go on to pay. A second press finds the order."""
    version = request.POST.get("version", "")
    try:
        if not version.isdecimal() or len(version) > 9 or int(version) != draft.version:
            raise Stale("draft_changed", translation.gettext("The offer was changed since you opened it. Look again."))
        order = complete_draft(
            draft_id=draft.pk, action="accept", version=int(version), actor=Actor.customer(draft.email), now=timezone.now()
        )  # fmt: skip
    except Refusal as refusal:
        now = _by_token(draft.token)
        if now is not None and now.order is not None:
            return HttpResponseRedirect(_pay_page(now.order))
        return _page(request, now or draft, refusal=refusal)
    return HttpResponseRedirect(_pay_page(order))


def _pay_page(order: Order) -> str:
    """Where the order is paid while something is owed in advance; else the order's own page."""
    if order.owed_by_customer > 0 and order.payment_due_on is None:
        try:
            return reverse("pay", args=[order.token])
        except NoReverseMatch:  # this installation takes no payments online
            pass
    return reverse("tracking", args=[order.token])


@require_safe
@behind_draft_link
def offer_paper(request: HttpRequest, draft: DraftOrder) -> HttpResponse:
    """The paper of the offer."""
    try:
        return file_response(f"{draft.number}.pdf", "application/pdf", draft_pdf(paper_of(draft)), inline=True)
    except PdfUnavailable as off:
        raise Unavailable("pdf_off", str(off)) from off
