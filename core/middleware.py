"""Middleware of the kernel: a person's language and time zone, and refusals as pages."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django_htmx.http import trigger_client_event

from core.refusals import Refusal


class UserPreferencesMiddleware:
    """Activate the person's time zone and, unless they switched it in this browser, their language."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = getattr(request, "user", None)
        if user is not None and "sessionid" in request.COOKIES and user.is_authenticated:
            if user.language and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
                translation.activate(user.language)
                request.LANGUAGE_CODE = user.language
            try:
                timezone.activate(zoneinfo.ZoneInfo(user.time_zone))
            except (zoneinfo.ZoneInfoNotFoundError, ValueError):
                timezone.deactivate()
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()


class RefusalMiddleware:
    """A refusal that a view let through becomes a page that says why, with its HTTP status."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Refusal):
            return None
        if getattr(request, "htmx", False):
            # htmx swaps no answer of this status: the page stays as it is and the sentence is shown over it.
            response = HttpResponse(str(exception), status=exception.status, content_type="text/plain; charset=utf-8")
            return trigger_client_event(response, "toast", {"tone": "bad", "text": str(exception)})
        return render(request, "core/refusal.html", {"refusal": exception}, status=exception.status)
