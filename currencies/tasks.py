"""Tasks of exchange rates."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from currencies.operations import fetch_rates


@shared_task
def fetch_exchange_rates() -> int:
    """Fetch the day's rates from the configured address; nothing where none is configured."""
    return fetch_rates(settings.EXCHANGE_RATES_URL, now=timezone.now()) if settings.EXCHANGE_RATES_URL else 0
