"""Home."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core.permissions import require


@require("home.view")
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What is going on and what needs a person now."""
    return render(request, "oms/home.html")
