"""One shop for a whole module of walks: made once, and after each test as if nothing had happened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from tests.payments.mock_gateways import serve
from tests.security.world import World, build_world


@pytest.fixture(scope="module")
def _world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    patch = pytest.MonkeyPatch()
    patch.setattr("core.outbox.bell.ring", lambda task, *args: True)
    with serve() as (url, ledger), django_db_blocker.unblock(), transaction.atomic():
        patch.setattr(settings, "PAYMENT_GATEWAY_URLS", {"stripe": url, "paypal": url})
        yield build_world(ledger)
        transaction.set_rollback(True)
    patch.undo()


@pytest.fixture
def world(_world: World, db: None) -> World:
    """The shop; the test's own transaction takes back whatever is done to it."""
    cache.clear()
    return _world
