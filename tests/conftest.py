"""Fixtures and guards for every test. PostgreSQL is always real."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection, connections
from django.test import Client
from django.utils import translation

from core.actors import Actor
from core.permissions import Role

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    """A Friday morning in UTC: operations take it, nobody reads the clock."""
    return NOW


@pytest.fixture
def actor() -> Actor:
    return Actor.system("test")


@pytest.fixture
def client_as(db: None) -> Callable[[str], Client]:
    """A test client signed in with a role."""
    from core.models import User

    def make(role: str = Role.OWNER) -> Client:
        user, _created = User.objects.get_or_create(username=f"{role}-tester", defaults={"role": role})
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture(autouse=True)
def quiet_bell(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """No worker listens in most tests: the bell stays silent (tests marked `broker` ring a real one)."""
    if "broker" in request.keywords:
        return
    from core import outbox

    monkeypatch.setattr(outbox.bell, "ring", lambda task, *args: True)


@pytest.fixture(autouse=True)
def english() -> None:
    """A request leaves its language active in the thread; the next test begins in English."""
    translation.activate("en")


@pytest.fixture(autouse=True)
def steady_navigation(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counts in the sidebar are asked anew every few seconds; in a test that counts statements they keep still."""
    monkeypatch.setattr("oms.navigation.COUNTS_FRESH", 3600)
    caches["default"].delete("navigation.counts")


def run_threads(count: int, work: Callable[[int], Any], *, timeout: float = 60) -> list[Any]:
    """Run `work(i)` in `count` threads that start together, each with its own connection; results or exceptions in order."""
    barrier = threading.Barrier(count)
    results: list[Any] = [None] * count

    def body(i: int) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout)
            results[i] = work(i)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            results[i] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=body, args=(i,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout)
        assert not thread.is_alive(), "a thread is still waiting: deadlock or lock wait"
    return results


@pytest.fixture
def threads() -> Callable[..., list[Any]]:
    return run_threads


@pytest.fixture
def committed(transactional_db: None) -> None:
    """For tests with threads: data is committed, and nothing of it outlives the test."""
