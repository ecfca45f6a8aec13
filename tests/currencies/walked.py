"""What the walks over every address need of exchange rates."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from core.actors import Actor
from currencies.models import ExchangeRate
from currencies.operations import save_rate
from orders.models import MissingRate
from tests.currencies.files import ecb_file
from tests.factories.shop import make_channel, make_order


def rates_file() -> SimpleUploadedFile:
    """A file of the bank's with one day."""
    return SimpleUploadedFile("eurofxref-daily.xml", ecb_file({date(2026, 11, 19): {"PLN": "4.31"}}))


def rates_and_waiting_order(now: datetime) -> dict[str, Any]:
    """A rate by hand, and an order that came before the rate of its day was known."""
    order = make_order(make_channel(currency="SEK"), placed_at=now - timedelta(days=30))
    actor, day = Actor.system("test"), (now - timedelta(days=31)).date()
    save_rate(base="EUR", quote="SEK", day=day, rate=Decimal(11), actor=actor, now=now)
    save_rate(base="EUR", quote="GBP", day=day, rate=Decimal("0.84"), actor=actor, now=now)
    return {"rate": ExchangeRate.objects.get(quote="GBP"), "unrated": MissingRate.objects.get(order=order)}
