"""One shop for a whole module of walks: made once, and after each test as if nothing had happened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction

from tests.security.world import World, build_world


@pytest.fixture(scope="module")
def _world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    patch = pytest.MonkeyPatch()
    patch.setattr("core.outbox.bell.ring", lambda task, *args: True)
    with django_db_blocker.unblock(), transaction.atomic():
        yield build_world()
        transaction.set_rollback(True)
    patch.undo()


@pytest.fixture
def world(_world: World, db: None) -> World:
    """The shop; the test's own transaction takes back whatever is done to it."""
    cache.clear()
    return _world
