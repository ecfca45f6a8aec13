"""The pages of alerts, needs, reorder points, preferences and settings."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.models import Job, User
from inventory.models import ReorderPolicy, StockLevel
from purchasing.models import PurchaseOrder
from replenishment.models import Alert, AlertPreference, Need, ReplenishmentSettings
from tests.factories.purchasing import make_item, make_supplier
from tests.factories.replenishment import something_low
from tests.factories.shop import give_stock, make_location, make_variant
from tests.replenishment.stock import set_point
from tests.replenishment.test_policies import make_forecast

pytestmark = pytest.mark.django_db


def text_of(response) -> str:
    return response.content.decode()


def queries_of(client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def rows_of(response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


@pytest.fixture
def low() -> dict:
    return something_low(make_location("Main"))


class TestAlerts:
    def test_the_list_shows_what_is_low_now(self, client_as, low):
        give_stock(low["low_policy"].variant, low["low_policy"].location, 2)
        page = text_of(client_as("viewer").get(reverse("alerts")))
        assert f'<a href="/alerts/{low["low_alert"].pk}/"><bdi>LOW</bdi></a>' in page
        assert ">Main<" in page
        client = client_as("viewer")
        assert "LOW" in text_of(client.get(reverse("alerts") + "?q=low"))
        assert "LOW" not in text_of(client.get(reverse("alerts") + "?tab=resolved"))
        [row] = rows_of(client.get(reverse("alerts") + "?export=csv"))
        assert (row["SKU"], row["Available"], row["Reorder point"]) == ("LOW", "2", "5")

    def test_many_are_snoozed_and_opened_again(self, client_as, low):
        client, url = client_as("warehouse"), reverse("alerts")
        pk = low["low_alert"].pk
        assert client.post(url, {"action": "snooze", "id": pk, "confirmed": "1", "days": ""}).status_code == 200
        assert Alert.objects.get().state == "open"
        answer = client.post(url, {"action": "snooze", "id": pk, "confirmed": "1", "days": "3"})
        assert "1 row done" in text_of(answer)
        alert = Alert.objects.get()
        assert alert.state == "snoozed"
        assert timedelta(days=2.9) < alert.snoozed_until - timezone.now() < timedelta(days=3.1)
        assert "until" in text_of(client.get(url + "?tab=snoozed"))
        client.post(url, {"action": "wake", "id": pk})
        assert Alert.objects.get().state == "open"

    def test_one_alert_is_snoozed_until_fewer_are_left(self, client_as, low):
        client, alert = client_as("warehouse"), low["low_alert"]
        url = reverse("alert-snooze", args=[alert.pk])
        answer = client.post(url, {"action": "snooze", "units_lower": "2", "version": alert.version})
        assert answer.status_code == 302
        alert.refresh_from_db()
        assert (alert.state, alert.snoozed_below) == ("snoozed", -2)
        page = text_of(client.get(reverse("alert", args=[alert.pk])))
        assert "Opens when -2 or fewer are available." in page
        assert "Snoozed until -2 or fewer are available." in page
        stale = client.post(url, {"action": "wake", "version": 1})
        assert stale.status_code == 409
        assert "changed since" in text_of(stale)
        assert client.post(url, {"action": "wake", "version": alert.version}).status_code == 302
        past = client.post(url, {"action": "snooze", "until": "2020-01-01T10:00"})
        assert past.status_code == 422
        assert "This moment has passed." in text_of(past)

    def test_a_resolved_alert_is_history(self, client_as, low):
        give_stock(low["low_policy"].variant, low["low_policy"].location, 50)
        from replenishment.operations import evaluate_all

        evaluate_all(now=timezone.now())
        client, alert = client_as("operations"), low["low_alert"]
        page = text_of(client.get(reverse("alert", args=[alert.pk])))
        assert "Resolved" in page
        assert 'name="units_lower"' not in page
        client.post(reverse("alert-snooze", args=[alert.pk]), {"action": "snooze", "days": "1"})
        alert.refresh_from_db()
        assert alert.state == "resolved"

    def test_home_and_navigation_tell_of_it(self, client_as, low):
        page = text_of(client_as("operations").get(reverse("home")))
        assert f'href="/alerts/{low["low_alert"].pk}/"' in page
        assert "1 alert" in page

    def test_acts_lead_on_to_the_page_where_it_is_ordered(self, client_as, low):
        client = client_as("operations")
        expected = f"/reorder/plan/?policy={low['low_policy'].pk}"
        answer = client.post(reverse("alerts"), {"action": "reorder", "id": low["low_alert"].pk})
        assert (answer.status_code, answer.url) == (302, expected)
        answer = client.post(
            reverse("reorder"), {"action": "plan", "id": low["low_need"].pk}, headers={"HX-Request": "true"}
        )
        assert (answer.status_code, answer["HX-Redirect"]) == (200, expected)
        assert client.get(reverse("reorder-one", args=[low["low_need"].pk])).url == expected


class TestReorder:
    def test_the_list_says_what_to_restock_and_where_from(self, client_as, low):
        other, variant = make_location("Far"), low["low_policy"].variant
        give_stock(variant, other, 60)
        set_point(variant, other, 5, 20)
        make_forecast(variant, low["low_policy"].location, 5, 20, mean_daily=2.0)
        page = text_of(
            client_as("viewer").get(reverse("reorder") + "?cols=sku,quantity,supplier,surplus,cover,price,pack")
        )
        for words in ("Low supplies", "<bdi>40</bdi>", "<bdi>20</bdi>", "0.0 days", "€4.00"):
            assert words in page, words
        [row] = rows_of(client_as("viewer").get(reverse("reorder") + "?export=csv"))
        assert (row["SKU"], row["For"], row["Suggested"], row["Surplus elsewhere"]) == ("LOW", "Main", "20", "40")

    def test_without_a_forecast_the_mean_of_the_orders_counts(self, client_as, low):
        from forecasting.models import DailyDemand

        policy = low["low_policy"]
        today = timezone.now().date()
        for day, place, units in ((3, policy.location, 28), (5, None, 100), (40, policy.location, 999)):
            DailyDemand.objects.create(
                variant=policy.variant, location=place, day=today - timedelta(days=day), ordered=units
            )
        [row] = rows_of(client_as("viewer").get(reverse("reorder") + "?export=csv&cols=sku,daily"))
        assert row["A day"] == "1.00"

    def test_filters(self, client_as, low):
        make_item(make_supplier("Others"), make_variant("ELSE"))
        client, supplier = client_as("viewer"), low["low_policy"].variant.supplier_items.get().supplier
        for query, found in (
            (f"supplier={supplier.pk}", True),
            (f"supplier={supplier.pk + 1}", False),
            ("waiting=yes", False),
            ("total=no", True),
            ("total=yes", False),
            ("tab=out", True),
            ("tab=waiting", False),
            ("sku=LOW", True),
            ("sku=NOPE", False),
        ):
            assert (
                "/reorder/" + str(low["low_need"].pk) in text_of(client.get(f"{reverse('reorder')}?{query}"))
            ) is found, query

    def test_the_plan_shows_packs_minimums_and_why(self, client_as, low):
        policy = low["low_policy"]
        policy.variant.supplier_items.update(pack_size=12)
        client, url = client_as("operations"), reverse("reorder-plan")
        page = text_of(client.get(f"{url}?policy={policy.pk}"))
        assert f'name="units-{policy.pk}" value="20"' in page
        assert "whole packs (+4)" in page
        page = text_of(client.post(url, {"policy": policy.pk, f"units-{policy.pk}": "30", "action": "look"}))
        assert "whole packs (+6)" in page
        assert "suggested 20" in page
        assert not PurchaseOrder.objects.exists()
        wrong = client.post(url, {"policy": policy.pk, f"units-{policy.pk}": "many", "action": "order"})
        assert wrong.status_code == 422
        assert not PurchaseOrder.objects.exists()

    def test_nobody_sells_it(self, client_as):
        policy = set_point(make_variant("ALONE"), make_location(), 5, 9)
        client, url = client_as("operations"), reverse("reorder-plan")
        assert "No supplier sells it." in text_of(client.get(f"{url}?policy={policy.pk}"))
        answer = client.post(url, {"policy": policy.pk, "action": "order"})
        assert answer.status_code == 409
        assert "Add one to their SKUs first" in text_of(answer)

    def test_who_may_only_look_makes_no_drafts(self, client_as, low):
        policy = low["low_policy"]
        for role, action in (("viewer", "order"), ("warehouse", "order"), ("support", "move"), ("finance", "move")):
            answer = client_as(role).post(reverse("reorder-plan"), {"policy": policy.pk, "action": action})
            assert answer.status_code == 403, (role, action)
        assert not PurchaseOrder.objects.exists()

    def test_an_empty_or_odd_choice_leads_back(self, client_as):
        client = client_as("operations")
        for query in ("", "?policy=", "?policy=x&policy=-1", "?policy=" + "9" * 18):
            assert client.get(reverse("reorder-plan") + query).url == reverse("reorder")


class TestPolicies:
    def test_one_is_set_changed_and_taken_away(self, client_as):
        make_variant("TENT")
        place, client = make_location("Main"), client_as("operations")
        data = {"sku": "TENT", "location": place.pk, "reorder_point": "5", "order_up_to": "3", "alert": "on"}
        answer = client.post(reverse("policy-new"), data)
        assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["order_up_to"])
        assert client.post(reverse("policy-new"), data | {"sku": "NOPE"}).status_code == 422
        assert client.post(reverse("policy-new"), data | {"order_up_to": "9"}).url == reverse("policies")
        policy = ReorderPolicy.objects.get()
        assert (policy.location, policy.order_up_to, policy.source) == (place, 9, "manual")
        client.post(reverse("policy-edit", args=[policy.pk]), {"reorder_point": "6", "order_up_to": "9"})
        policy = ReorderPolicy.objects.get()
        assert (policy.reorder_point, policy.alert) == (6, False)
        assert "Reorder point of TENT · Main set." in text_of(client.get(reverse("policy-edit", args=[policy.pk])))
        client.post(reverse("policy-act", args=[policy.pk]), {"action": "clear"})
        assert not ReorderPolicy.objects.exists()

    def test_the_list_shows_the_forecast_beside_it(self, client_as):
        a, place = make_variant("A"), make_location("Main")
        policy = set_point(a, place, 5, 9)
        other = set_point(make_variant("B"), None, 5, 9)
        make_forecast(a, place, 8, 30)
        client = client_as("operations")
        page = text_of(client.get(reverse("policies")))
        assert "<bdi>+3</bdi>" in page
        page = text_of(client.get(reverse("policies") + "?tab=differs"))
        assert f'href="/reorder/points/{policy.pk}/"' in page
        assert f'href="/reorder/points/{other.pk}/"' not in page
        client.post(reverse("policies"), {"action": "forecast", "id": policy.pk, "confirmed": "1"})
        assert ReorderPolicy.objects.get(variant=a).reorder_point == 5
        client.post(reverse("policies"), {"action": "forecast", "id": policy.pk, "confirmed": "1", "over_manual": "on"})
        policy = ReorderPolicy.objects.get(variant=a)
        assert (policy.reorder_point, policy.order_up_to, policy.source) == (8, 30, "forecast")

    def test_many_in_a_grid_all_or_none(self, client_as):
        place = make_location()
        policies = [set_point(make_variant(f"G-{n}"), place, 5, 9) for n in range(3)]
        client, url = client_as("operations"), reverse("policy-grid")
        led = client.post(reverse("policies"), {"action": "edit", "id": [p.pk for p in policies]})
        assert led.url.startswith(url + "?id=")
        page = text_of(client.get(led.url))
        assert page.count('name="reorder_point-') == 3
        data = {
            "id": [p.pk for p in policies],
            f"reorder_point-{policies[0].pk}": "7",
            f"order_up_to-{policies[1].pk}": "2",
        }
        wrong = client.post(url, data)
        assert wrong.status_code == 422
        assert f'name="reorder_point-{policies[0].pk}" value="7"' in text_of(wrong)
        assert set(ReorderPolicy.objects.values_list("reorder_point", flat=True)) == {5}
        client.post(url, data | {f"order_up_to-{policies[1].pk}": "20"})
        assert list(ReorderPolicy.objects.order_by("pk").values_list("reorder_point", "order_up_to")) == [
            (7, 9),
            (5, 20),
            (5, 9),
        ]

    def test_many_from_the_stock_list(self, client_as):
        variant, place = make_variant("TENT"), make_location("Main")
        level = give_stock(variant, place, 3)
        data = {
            "action": "reorder_point",
            "id": level.pk,
            "confirmed": "1",
            "reorder_point": "5",
            "order_up_to": "9",
            "alert": "on",
        }
        assert "1 row done" in text_of(client_as("operations").post(reverse("stock"), data))
        assert ReorderPolicy.objects.get().location_id == place.pk
        assert Alert.objects.get().available == 3
        assert client_as("warehouse").post(reverse("stock"), data).status_code == 403

    def test_a_file_begins_a_job_and_goes_out_again(self, client_as):
        make_variant("TENT")
        set_point(make_variant("=1+1"), make_location("Main", code="MAIN"), 5, 9)
        client = client_as("operations")
        wrong = client.post(reverse("policies-import"), {"file": SimpleUploadedFile("x.csv", b"a,b\n1,2\n")})
        assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["file"])
        file = SimpleUploadedFile("points.csv", b"sku,reorder_point,order_up_to\nTENT,1,2\n")
        answer = client.post(reverse("policies-import"), {"file": file})
        assert answer.url == reverse("job", args=[Job.objects.get().pk])
        text = b"".join(client.get(reverse("policies-file")).streaming_content).decode("utf-8-sig")
        assert text.splitlines() == ["sku,location,reorder_point,order_up_to", "'=1+1,MAIN,5,9"]

    def test_a_product_leads_to_its_points(self, client_as):
        variant = make_variant("TENT")
        page = text_of(client_as("viewer").get(reverse("product", args=[variant.product_id])))
        assert f"{reverse('policies')}?sku=TENT" in page


class TestPreferences:
    def test_ones_own_mail(self, client_as):
        place, client = make_location("Main"), client_as("operations")
        page = text_of(client.get(reverse("alert-preferences")))
        assert "You have no e-mail address here" in page
        client.post(
            reverse("alert-preferences"), {"frequency": "at_once", "locations": [place.pk], "back_in_stock": "on"}
        )
        preference = AlertPreference.objects.get()
        assert preference.user == User.objects.get(role="operations")
        assert (preference.frequency, preference.location_ids, preference.back_in_stock) == (
            "at_once",
            [place.pk],
            True,
        )
        assert client.post(reverse("alert-preferences"), {"frequency": "hourly"}).status_code == 422

    def test_the_shops_settings_keep_a_history(self, client_as):
        client, url = client_as("operations"), reverse("replenishment-settings")
        data = {"mail_pause_minutes": "30", "digest_hour": "7", "automatic_orders": "on", "automatic_hour": "5"}
        assert client.post(url, data).url == url
        found = ReplenishmentSettings.objects.get()
        assert (found.mail_pause_minutes, found.automatic_orders) == (30, True)
        page = text_of(client.get(url))
        assert "<ins><bdi>30</bdi></ins>" in page
        assert client.post(url, data | {"digest_hour": "24"}).status_code == 422
        assert client_as("warehouse").get(url).status_code == 403


def test_pages_ask_as_much_for_one_row_as_for_many(client_as):
    client, place, other = client_as("operations"), make_location("Main"), make_location("Far")
    supplier = make_supplier()

    def add(n: int) -> ReorderPolicy:
        variant = make_variant(f"Q-{n}")
        make_item(supplier, variant, preferred=True)
        give_stock(variant, other, 90)
        set_point(variant, other, 5, 20)
        make_forecast(variant, place, 7, 30)
        return set_point(variant, place, 5, 20)

    def urls(policies: list[ReorderPolicy]) -> list[str]:
        ids = "&".join(f"policy={p.pk}" for p in policies)
        grid = "&".join(f"id={p.pk}" for p in policies)
        alert = Alert.objects.order_by("pk").first()
        return [
            reverse("alerts"), reverse("reorder"), reverse("policies"), f"{reverse('reorder-plan')}?{ids}",
            f"{reverse('policy-grid')}?{grid}", reverse("alert", args=[alert.pk]), reverse("home"),
        ]  # fmt: skip

    policies = [add(0)]
    one = [queries_of(client, url) for url in urls(policies)]
    policies += [add(n) for n in range(1, 5)]
    many = [queries_of(client, url) for url in urls(policies)]
    assert one == many
    assert Need.objects.count() == 5
    assert StockLevel.objects.count() == 5
    assert max(one) <= 30, one
