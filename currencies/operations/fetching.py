"""Fetch the bank's file from the configured address."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.outgoing import call
from core.refusals import Invalid
from currencies.ecb import MOST_BYTES, newest_day, read_ecb
from currencies.models import RateFeed
from currencies.operations.saving import take_rates

#: An address on this machine is for tests and development, as for webhooks.
_HEADERS = {"accept": "application/xml, text/xml", "user-agent": "OMS-Rates/1.0"}


def fetch_rates(url: str, *, now: datetime) -> int:
    """Fetch and keep; the number of rates that were new. What went wrong is kept in RateFeed and shown on the page; 0 then."""
    reply = call("GET", url, headers=_HEADERS, most=MOST_BYTES + 1)
    trouble = reply.trouble or ("" if reply.accepted else f"HTTP {reply.status}")
    if not trouble:
        try:
            rates = read_ecb(reply.body)
        except Invalid as refusal:
            trouble = refusal.message
    with transaction.atomic():
        if trouble:
            RateFeed.objects.update_or_create(pk=1, defaults={"asked_at": now, "trouble": trouble[:300]})
            return 0
        taken = take_rates(rates)
        RateFeed.objects.update_or_create(
            pk=1, defaults={"asked_at": now, "came_at": now, "latest_day": newest_day(rates), "trouble": ""}
        )
    return taken
