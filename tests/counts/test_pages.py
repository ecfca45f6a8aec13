"""The pages of counts: what they show and hide, who may do what, what they cost."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.models import User
from core.permissions import Role, role_allows
from counts.models import CountSchedule, StockCount
from counts.operations import create_count, finish_count, post_count, record_line
from counts.operations.creating import CountScope, CountSettings
from inventory.codes import bin_code
from inventory.models import StockLevel
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def no_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sidebar's counts are kept for some seconds; here they would make the number of statements depend on the clock."""
    monkeypatch.setattr("oms.navigation.waiting_counts", dict)


@pytest.fixture
def count() -> StockCount:
    """A blind count of one bin with two SKUs, of which 4711 and 815 should be there."""
    place = make_location("Main")
    for sku, units, barcode in (("TEE", 4711, "5901234123457"), ("MUG", 815, "")):
        give_stock(make_variant(sku, barcode=barcode), place, units, bin="S-1")
    return create_count(
        location_id=place.pk, scope=CountScope("bins", bins=["S-1"]), settings=CountSettings(second_person=False), actor=ACTOR, now=NOW
    )  # fmt: skip


def scan(client: Client, count: StockCount, code: str = "", **data: Any) -> str:
    response = client.post(f"/counts/{count.pk}/scan/", {"code": code, **data}, headers=HTMX)
    assert response.status_code == 200
    return response.content.decode()


class TestFloor:
    def test_bin_then_units_then_done(self, client_as: Any, count: StockCount) -> None:
        client = client_as("warehouse")
        assert 'name="bin" value="S-1"' in scan(client, count, bin_code("S-1"))
        for n in (1, 2, 3):
            assert f"TEE: {n}" in scan(client, count, "5901234123457", bin="S-1")
        line = count.lines.get(variant__sku="TEE")
        assert "TEE: 4711" in scan(client, count, bin="S-1", action="quantity", line=line.pk, quantity="4711")
        mug = count.lines.get(variant__sku="MUG")
        assert "MUG: 810" in scan(client, count, bin="S-1", action="quantity", line=mug.pk, quantity="810")
        assert "counted again" in scan(client, count, bin="S-1", action="bin_done")
        assert "MUG: 812" in scan(client, count, bin="S-1", action="quantity", line=mug.pk, quantity="812")
        assert "is counted" in scan(client, count, action="finish")
        count.refresh_from_db()
        assert count.state == "counted"

    def test_nothing_tells_what_should_be_there_while_it_is_blind(self, client_as: Any, count: StockCount) -> None:
        client = client_as("owner")
        scan(client, count, "TEE", bin="S-1")
        mug = count.lines.get(variant__sku="MUG")
        scan(client, count, bin="S-1", action="quantity", line=mug.pk, quantity="812")
        answers = [scan(client, count, bin="S-1", action="bin_done")]
        answers += [
            client.get(f"/counts/{count.pk}/{path}").content.decode()
            for path in ("", "?view=different", "?view=missing", "?view=again", "scan/", "scan/?bin=S-1")
        ]
        for text in answers:
            assert "4711" not in text and "4,711" not in text and "815" not in text
            assert "812" not in text, "nor what was counted the first time"

    def test_an_open_count_shows_it(self, client_as: Any, count: StockCount) -> None:
        StockCount.objects.update(blind=False)
        scan(client_as("warehouse"), count, "TEE", bin="S-1")
        page = client_as("warehouse").get(f"/counts/{count.pk}/scan/?bin=S-1").content.decode()
        assert "1 / 4711" in page

    def test_what_is_not_listed_is_offered_and_a_second_scan_agrees(self, client_as: Any, count: StockCount) -> None:
        client, other = client_as("warehouse"), make_variant("OTHER")
        text = scan(client, count, "OTHER", bin="S-1")
        assert "Count it as found" in text and f'name="offer" value="{other.pk}"' in text
        assert not count.lines.filter(variant=other).exists()
        assert "OTHER: 1" in scan(client, count, "OTHER", bin="S-1", offer=other.pk)

    def test_wrong_scans_say_what_to_do(self, client_as: Any, count: StockCount) -> None:
        client = client_as("warehouse")
        give_stock(make_variant("ELSE"), count.location, 2, bin="S-2")
        other = create_count(location_id=count.location_id, scope=CountScope("location"), actor=ACTOR, now=NOW)
        assert "Scan the bin first" in scan(client, other, "TEE")
        assert "not part of this count" in scan(client, count, bin_code("Q-9"))
        assert "No SKU has the code" in scan(client, count, "<b>4006381333931</b>", bin="S-1")
        assert "&lt;b&gt;" in client.get(f"/counts/{count.pk}/").content.decode(), "the desk reads of it"

    def test_without_javascript_the_page_comes_again(self, client_as: Any, count: StockCount) -> None:
        response = client_as("warehouse").post(f"/counts/{count.pk}/scan/", {"code": "TEE", "bin": "S-1"}, follow=True)
        text = response.content.decode()
        assert "TEE: 1" in text and 'name="bin" value="S-1"' in text


class TestDesk:
    def test_numbers_from_a_sheet(self, client_as: Any, count: StockCount) -> None:
        lines = {line.variant.sku: line for line in count.lines.select_related("variant")}
        data = {f"line-{lines['TEE'].pk}": "4711", f"line-{lines['MUG'].pk}": "many"}
        response = client_as("warehouse").post(f"/counts/{count.pk}/record/", data)
        assert response.status_code == 409 and "whole number" in response.content.decode()
        lines["TEE"].refresh_from_db()
        assert lines["TEE"].state == "done"

    def test_from_counted_to_posted(self, client_as: Any, count: StockCount) -> None:
        for sku, units in (("TEE", 4700), ("MUG", 815)):
            variant = count.lines.get(variant__sku=sku).variant_id
            record_line(count_id=count.pk, variant_id=variant, bin_name="S-1", quantity=units, actor=ACTOR, now=NOW)
        client = client_as("operations")
        response = client.post(f"/counts/{count.pk}/act/", {"action": "finish"}, follow=True)
        assert "must be counted again" in response.content.decode()
        client.post(f"/counts/{count.pk}/act/", {"action": "finish", "anyway": "1"})
        page = client.get(f"/counts/{count.pk}/?view=different").content.decode()
        assert "4,711" in page and "-11" in page
        for _twice in range(2):
            client.post(f"/counts/{count.pk}/post/", {"unlisted": "leave"})
        assert StockLevel.objects.get(variant__sku="TEE").on_hand == 4700

    def test_orders_that_hold_the_units_are_named(self, client_as: Any, count: StockCount) -> None:
        order = make_order(lines=[("MUG", 800)])
        for sku, units in (("TEE", 4700), ("MUG", 10)):
            variant = count.lines.get(variant__sku=sku).variant_id
            record_line(count_id=count.pk, variant_id=variant, bin_name="S-1", quantity=units, actor=ACTOR, now=NOW)
        finish_count(count_id=count.pk, anyway=True, actor=ACTOR, now=NOW)
        client = client_as("operations")
        response = client.post(f"/counts/{count.pk}/post/", {"unlisted": "leave"})
        assert response.status_code == 409 and f'href="/orders/{order.pk}/"' in response.content.decode()
        client.post(f"/counts/{count.pk}/post/", {"unlisted": "leave", "partly": "yes"})
        assert StockLevel.objects.get(variant__sku="TEE").on_hand == 4700
        assert StockLevel.objects.get(variant__sku="MUG").on_hand == 815

    @pytest.mark.parametrize("role", Role.values)
    @pytest.mark.parametrize(
        ("path", "data", "permission"),
        [
            ("record", {}, "counts.count"), ("scan", {}, "counts.count"), ("act", {"action": "finish"}, "counts.count"),
            ("act", {"action": "abandon"}, "counts.post"), ("act", {"action": "finish", "anyway": "1"}, "counts.post"),
            ("reopen", {}, "counts.post"), ("post", {}, "counts.post"), ("reasons", {}, "counts.count"),
        ],
    )  # fmt: skip
    def test_each_act_has_its_own_right(
        self, client_as: Any, count: StockCount, role: str, path: str, data: dict[str, str], permission: str
    ) -> None:
        response = client_as(role).post(f"/counts/{count.pk}/{path}/", data)
        assert (response.status_code != 403) == role_allows(role, permission)


class TestPlanning:
    def test_a_count_is_made_by_the_form(self, client_as: Any, count: StockCount) -> None:
        form = {"location": count.location_id, "kind": "skus", "skus": "TEE\n5901234123457\n", "tolerance_units": "2"}
        response = client_as("warehouse").post("/counts/new/", form, follow=True)
        made = StockCount.objects.latest("pk")
        assert response.status_code == 200 and (made.lines.count(), made.tolerance_units) == (1, 2)
        bad = client_as("warehouse").post("/counts/new/", form | {"skus": "NOPE"})
        assert bad.status_code == 422 and "There is no SKU NOPE" in bad.content.decode()

    def test_the_ticked_bins_become_counts(self, client_as: Any, count: StockCount) -> None:
        give_stock(make_variant("ELSE"), count.location, 2, bin="S-2")
        client = client_as("warehouse")
        data = {"location": count.location_id, "bin": ["S-1", "S-2"], "each": "1", "blind": "on"}
        client.post("/counts/next/", data)
        assert [one.scope for one in StockCount.objects.order_by("pk")[1:]] == [{"bins": ["S-1"]}, {"bins": ["S-2"]}]
        assert client_as("viewer").post("/counts/next/", data).status_code == 403

    def test_a_schedule(self, client_as: Any, count: StockCount) -> None:
        form = {
            "location": count.location_id,
            "kind": "abc",
            "abc": "",
            "bins": "5",
            "every_days": "7",
            "next_on": "2026-11-23",
            "active": "on",
        }
        client = client_as("operations")
        assert client.post("/counts/schedules/new/", form).status_code == 422
        assert client.post("/counts/schedules/new/", form | {"abc": "C"}).status_code == 302
        assert CountSchedule.objects.get().abc == "C"
        assert "Main" in client.get("/counts/schedules/").content.decode()


def statements(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as caught:
        assert client.get(path).status_code == 200
    return len(caught)


@pytest.mark.parametrize(
    "path",
    [
        "/counts/",
        "/counts/{pk}/",
        "/counts/{pk}/scan/?bin=S-1",
        "/counts/next/",
        "/counts/accuracy/",
        "/counts/schedules/",
    ],
)
def test_the_number_of_statements_does_not_grow(client_as: Any, count: StockCount, path: str) -> None:
    client = client_as("owner")

    def settle(one: StockCount) -> None:
        for line in one.lines.all():
            record_line(
                count_id=one.pk,
                variant_id=line.variant_id,
                bin_name=line.bin,
                quantity=3,
                done=True,
                actor=ACTOR,
                now=NOW,
            )

    def posted() -> None:
        one = create_count(location_id=count.location_id, scope=CountScope("location"), actor=ACTOR, now=NOW)
        settle(one)
        finish_count(count_id=one.pk, anyway=True, actor=ACTOR, now=NOW)
        post_count(count_id=one.pk, unlisted="leave", actor=ACTOR, now=NOW)

    posted()
    before = statements(client, path.format(pk=count.pk))
    for n in range(4):
        person = User.objects.create(username=f"counter-{n}", role="warehouse")
        variant = make_variant()
        give_stock(variant, count.location, 3, bin=f"S-{n}")
        give_stock(variant, make_location(), 3, bin=f"S-{n}")
        create_count(
            location_id=count.location_id,
            scope=CountScope("location"),
            settings=CountSettings(assigned_to_id=person.pk),
            actor=ACTOR,
            now=NOW,
        )
        record_line(
            count_id=count.pk, variant_id=variant.pk, bin_name="S-1", quantity=2, found=True, actor=ACTOR, now=NOW
        )
        CountSchedule.objects.create(location=count.location, kind="bins", next_on=NOW.date(), assigned_to=person)
        posted()
    assert statements(client, path.format(pk=count.pk)) == before
