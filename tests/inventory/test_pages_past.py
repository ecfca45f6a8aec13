"""Stock as it was, on the pages and over the API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from api.tokens import create_token
from inventory.models import StockLevel
from inventory.operations import adjust_stock
from tests.factories.shop import ACTOR, make_location, make_variant

pytestmark = pytest.mark.django_db


@pytest.fixture
def level() -> StockLevel:
    """Ten units two days ago, three of them lost yesterday."""
    now = timezone.now()
    where = {"variant_id": make_variant("PAST-1").pk, "location_id": make_location().pk, "actor": ACTOR}
    adjust_stock(**where, quantity=10, reason="received", now=now - timedelta(days=2))
    adjust_stock(**where, quantity=-3, reason="lost", now=now - timedelta(days=1))
    return StockLevel.objects.get()


def ago(**delta: float) -> str:
    return (timezone.now() - timedelta(**delta)).strftime("%Y-%m-%dT%H:%M")


def cells(html: str, word: str) -> str:
    """The row of a table that begins with a word."""
    start = html.index(f">{word}<", html.index('id="past"') if 'id="past"' in html else 0)
    return html[start : html.index("</tr>", start)]


def test_the_page_of_a_level_shows_it_at_another_moment_and_what_lies_between(client_as, level):
    client: Client = client_as("viewer")
    html = client.get(f"/stock/{level.pk}/?at={ago(hours=36)}").content.decode()
    assert ">10<" in cells(html, "On hand")
    html = client.get(f"/stock/{level.pk}/?since={ago(hours=36)}").content.decode()
    assert ">7<" in cells(html, "On hand")
    assert "-3" in cells(html, "On hand")
    assert "Lost" in html[html.index('id="past"') :]
    html = client.get(f"/stock/{level.pk}/?at={ago(hours=36)}&since={ago(hours=1)}").content.decode()
    assert "Choose a moment before the other one." in html


def test_the_stock_list_and_its_export_turn_back(client_as, level):
    client: Client = client_as("owner")
    assert ">10<" in client.get(f"/stock/?at={ago(hours=36)}").content.decode()
    assert ">7<" in client.get("/stock/").content.decode()
    export = b"".join(client.get(f"/stock/?at={ago(hours=36)}&export=csv").streaming_content).decode()
    assert ",10," in export
    assert "Counts as they were at" in client.get(f"/stock/?at={ago(hours=36)}").content.decode()


def test_the_list_of_the_past_asks_once_for_all_its_rows(client_as, level):
    client: Client = client_as("owner")

    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get(f"/stock/?at={ago(hours=36)}")
        return len(asked)

    statements()
    one = statements()
    for n in range(10):
        adjust_stock(
            variant_id=make_variant(f"M-{n}").pk,
            location_id=level.location_id,
            quantity=1,
            reason="found",
            actor=ACTOR,
            now=timezone.now(),
        )
    assert statements() <= one  # the counts of the navigation are asked anew every few seconds


def test_a_period_is_added_up_by_reason_and_sku(client_as, level):
    client: Client = client_as("viewer")
    assert "Choose a period" in client.get("/stock/changes/").content.decode()
    html = client.get(f"/stock/changes/?since={ago(days=3)}&location={level.location_id}").content.decode()
    assert "PAST-1" in html
    assert "+10" in html
    assert "Received" in html
    assert client.get("/stock/changes/?since=2020-01-01T00:00").status_code == 422
    assert client.get("/stock/changes/?since=nonsense&location=99999999").status_code == 422


def test_the_api_turns_back_and_tells_the_difference(level):
    client = Client(headers={"Authorization": f"Bearer {create_token(name='past', role='viewer')[1]}"})
    then = (timezone.now() - timedelta(hours=36)).isoformat().replace("+", "%2B")
    assert client.get(f"/api/v1/stock?at={then}").json()["items"][0]["on_hand"] == 10
    assert client.get(f"/api/v1/stock?at={ago(hours=36)}").json()["items"][0]["available"] == 10
    found = client.get(f"/api/v1/stock/changes?since={then}&sku=PAST-1").json()
    assert (found["before"]["on_hand"], found["after"]["on_hand"]) == (10, 7)
    assert found["changes"] == [{"reason": "lost", "bucket": "on_hand", "quantity": -3, "movements": 1}]
    assert client.get(f"/api/v1/stock/changes?since={then}").json()["changes"] == found["changes"]
    assert client.get("/api/v1/stock/changes?since=2010-01-01T00:00:00Z").status_code == 422
    assert client.get("/api/v1/stock?at=yesterday").status_code == 422
