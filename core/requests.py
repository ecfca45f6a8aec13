"""The request as views behind `core.permissions.require` get it: somebody is signed in, and htmx has said what it asks for."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from core.models import User


class StaffRequest(HttpRequest):
    """For annotations only; Django makes the request."""

    user: User
    htmx: HtmxDetails
