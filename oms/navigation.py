"""The sections of the dashboard, for every page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the sections this person may see."""
    return {"navigation": []}
