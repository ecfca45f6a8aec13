"""Home and the reports as pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.models import Job
from oms.orchestration.hold_order import hold_order
from reports.operations import mark_every_day, refresh_figures
from tests.factories.shop import ACTOR, make_channel, make_order

pytestmark = pytest.mark.django_db
SignIn = Callable[..., Client]


@pytest.fixture(autouse=True)
def forget() -> None:
    cache.clear()


def html(response: Any) -> str:
    assert response.status_code == 200
    return response.content.decode()


def make_figures() -> None:
    mark_every_day()
    while refresh_figures():
        pass


def test_home_shows_where_the_shop_stands_and_who_is_needed(client_as: SignIn) -> None:
    order = make_order(placed_at=timezone.now())
    hold_order(order_id=order.pk, kind="fraud", actor=ACTOR, now=timezone.now())
    make_figures()
    page = html(client_as("owner").get("/"))
    assert "On hold" in page
    assert "wait for a decision" in page
    assert "Orders by day" in page


def test_home_says_when_nothing_waits(client_as: SignIn) -> None:
    make_order(placed_at=timezone.now())
    assert "Nothing waits for anybody" in html(client_as("owner").get("/"))


def test_a_warehouse_person_sees_no_revenue(client_as: SignIn) -> None:
    make_order(placed_at=timezone.now())
    make_figures()
    client = client_as("warehouse")
    assert "Revenue" not in html(client.get("/"))
    assert client.get("/reports/").status_code == 403


def test_the_live_part_is_the_same_as_on_the_page(client_as: SignIn) -> None:
    make_order(placed_at=timezone.now())
    client = client_as("owner")
    part = html(client.get("/", headers={"HX-Request": "true", "HX-Target": "live"}))
    assert "<html" not in part
    assert part.count('class="tile"') == html(client.get("/")).count('class="tile"') == 7


@pytest.mark.parametrize("url", ["/", "/reports/", "/reports/?days=365"])
def test_more_orders_cost_no_more_statements(client_as: SignIn, url: str) -> None:
    client = client_as("owner")
    counts = []
    for _round in range(2):
        make_order(make_channel(), placed_at=timezone.now())
        make_figures()
        cache.clear()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            html(client.get(url))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_failed_jobs_are_shown_to_those_who_can_resume_them(client_as: SignIn) -> None:
    Job.objects.create(
        kind="imports", title="Import", state="failed", actor="user:1", actor_label="x", created_at=timezone.now()
    )
    assert "Failed jobs" in html(client_as("owner").get("/"))
    assert "Failed jobs" not in html(client_as("viewer").get("/"))


def test_the_numbers_come_as_a_file_too(client_as: SignIn) -> None:
    make_order(make_channel(name="=1+1"), placed_at=timezone.now())
    make_figures()
    response = client_as("finance").get("/reports/?export=csv&days=7")
    lines = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()
    assert lines[0] == (
        "Day,Channel,Currency,Orders,Cancelled,Revenue,Refunded,Revenue in EUR,Refunded in EUR,Orders without a rate"
    )
    assert ",'=1+1,EUR,1,0,10.0000,0.0000,10.0000,0.0000,0" in lines[1]


def test_an_unknown_range_is_the_usual_one(client_as: SignIn) -> None:
    page = html(client_as("owner").get("/reports/?days=9999999999999999999"))
    assert 'href="?days=30" aria-current="page"' in page
