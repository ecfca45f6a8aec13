"""What all pages behind a customer's link share: the order by its token, its language and zone, and answers nobody may keep."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone, translation

from core.permissions import public
from customers.portal.queries import order_by_token
from customers.portal.zones import customer_zone, zone_label


def behind_link(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
    """Give the view the order of the token in the address, in its customer's language and zone; an unknown token gets one answer.

    The language is the order's until the customer switches it in this browser.
    """

    @public
    @wraps(view)
    def wrapped(request: HttpRequest, token: str, **kwargs: Any) -> HttpResponse:
        order = order_by_token(token)
        if order is None:
            return private(render(request, "portal/unknown.html", status=404))
        with translation.override(_language(request, order.language)), timezone.override(customer_zone(order)):
            request.zone_label = zone_label(timezone.get_current_timezone())  # type: ignore[attr-defined]
            response = view(request, order, **kwargs)
            response.headers.setdefault("Content-Language", translation.get_language())
            return private(response)

    return wrapped


def private(response: HttpResponse) -> HttpResponse:
    """Keep a page out of caches, search engines and other sites' logs.

    The address is a secret, so no other site may learn it: `same-origin` sends a referrer to none of them. `no-referrer` would make
    browsers send `Origin: null` with our own forms, which the protection against forged requests refuses.
    """
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _language(request: HttpRequest, order_language: str) -> str:
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
    known = {code for code, _name in settings.LANGUAGES}
    if chosen in known:
        return chosen
    return next(
        (code for code in (order_language, order_language.split("-")[0]) if code in known), settings.LANGUAGE_CODE
    )
