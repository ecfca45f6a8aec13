"""A mock gateway for every test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from tests.payments.mock_gateways import Ledger, serve


@pytest.fixture
def gateway(settings: Any) -> Iterator[Ledger]:
    """Stripe and PayPal on loopback; what they know."""
    with serve() as (url, ledger):
        settings.PAYMENT_GATEWAY_URLS = {"stripe": url, "paypal": url}
        settings.WEBHOOK_ALLOW_LOOPBACK = True
        cache.clear()
        yield ledger
