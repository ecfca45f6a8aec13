"""The pages: what they show, what they refuse, who may, and how many statements they need."""

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

from availability.models import AvailabilityRule, ChannelAvailability, Endpoint, LocationPool, WebhookPost
from core.jobs import run_job
from core.models import Job
from inventory.models import Product
from tests.availability.shop import bundle_of, rule_for, settle, shown_of
from tests.factories.shop import give_stock, make_channel, make_location, make_variant

pytestmark = pytest.mark.django_db


def text_of(response) -> str:
    return response.content.decode()


def queries_of(client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


@pytest.fixture
def kit():
    """A bundle of A (12 there) and two of B (16 there), on one channel that keeps 20 % back."""
    channel, location = make_channel(name="Web"), make_location("Main")
    a, b = make_variant("A"), make_variant("B")
    bundle = bundle_of("KIT", (a, 1), (b, 2))
    give_stock(a, location, 12)
    give_stock(b, location, 16)
    rule_for(channel, scope="sku", sku="KIT", buffer="percent", value=20, note="for the shop window")
    settle(timezone.now())
    return ChannelAvailability.objects.get(channel=channel, variant=bundle)


def rule_data(shop_channel, **changes) -> dict:
    return {"channel": shop_channel.pk, "scope": "channel", "buffer": "none", "active": "on", **changes}


# ---- the list and the receipt ----------------------------------------------------------------------------------------


def test_the_list_shows_why_in_short_and_its_statements_do_not_grow(client_as, kit):
    client = client_as("viewer")
    page = text_of(client.get(reverse("availability")))
    assert "8 available − 2 kept back" in page and "SKU KIT" in page
    assert ">A</bdi>" in page
    assert ">A</bdi>" not in text_of(client.get(reverse("availability") + "?q=kit"))
    assert ">A</bdi>" not in text_of(client.get(reverse("availability") + "?sku=KIT"))
    assert ">KIT</bdi>" not in text_of(client.get(reverse("availability") + "?scope=none"))
    few = queries_of(client, reverse("availability"))
    for n in range(12):
        give_stock(make_variant(f"M-{n}"), make_location(), 3)
    settle(timezone.now())
    assert queries_of(client, reverse("availability")) == few


def test_the_receipt_draws_every_step_with_links_to_the_ledger(client_as, kit):
    client = client_as("viewer")
    page = text_of(client.get(reverse("availability-receipt", args=[kit.pk])))
    assert "6 shown = min(A 12/1, B 16/2) − 2 kept back (20 %)." in page
    assert "Limits the bundle" in page and "Speaks" in page and "for the shop window" in page
    assert page.count('href="/stock/') >= 2
    few = queries_of(client, reverse("availability-receipt", args=[kit.pk]))
    for n in range(4):
        give_stock(make_variant(f"X-{n}"), make_location(), 3)
    for variant_sku in ("A", "B"):
        from inventory.models import Variant

        for _ in range(3):
            give_stock(Variant.objects.get(sku=variant_sku), make_location(), 2)
    assert queries_of(client, reverse("availability-receipt", args=[kit.pk])) == few


def test_the_receipt_tells_of_overselling_and_of_what_is_on_its_way(client_as):
    channel, variant, location = make_channel(), make_variant("A"), make_location()
    until = timezone.now().date() + timedelta(days=3)
    rule_for(channel, scope="sku", sku="A", budget=5, budget_until=until, now=timezone.now())
    give_stock(variant, location, 2)
    settle(timezone.now())
    row = ChannelAvailability.objects.get()
    page = text_of(client_as("viewer").get(reverse("availability-receipt", args=[row.pk])))
    assert "7 shown = 2 available + 5 of the oversell budget; 5 of them oversold by budget." in page
    assert "oversold by budget: whoever orders them waits" in page
    give_stock(variant, location, 1)
    page = text_of(client_as("viewer").get(reverse("availability-receipt", args=[row.pk])))
    assert "The channel was told <bdi>7</bdi>; it is <bdi>8</bdi> now" in page


def test_what_if_works_a_number_out_and_changes_nothing(client_as, kit):
    url = reverse("availability-receipt", args=[kit.pk])
    asked = client_as("viewer").get(url + "?try=1&change=-2&buffer=units&value=1&maximum=4&budget=3")
    assert asked.context["other"]["shown"] == 4
    assert "4 shown = min(A 10/1, B 14/2) − 1 kept back + 3 of the oversell budget; never more than 4." in text_of(asked)  # fmt: skip
    assert client_as("viewer").get(url + "?try=1&buffer=nonsense").status_code == 422
    assert ChannelAvailability.objects.get(pk=kit.pk).shown == 6


def test_the_product_page_leads_to_what_channels_are_shown(client_as, kit):
    page = text_of(client_as("viewer").get(reverse("product", args=[kit.variant.product_id])))
    assert f"{reverse('availability')}?sku=KIT" in page


# ---- rules -----------------------------------------------------------------------------------------------------------


def test_a_rule_is_previewed_then_saved_then_followed(client_as):
    channel, location = make_channel(), make_location()
    make_variant("S-0")
    for n in (1, 2):
        give_stock(make_variant(f"S-{n}"), location, 10 * n)
    settle(timezone.now())
    client, url = client_as("operations"), reverse("availability-rule-new")
    data = rule_data(channel, buffer="percent", value="10")
    previewed = client.post(url, data | {"step": "preview"})
    page = text_of(previewed)
    assert "Would change 2 SKUs" in page
    assert "<bdi>S-1</bdi>: <bdi>10</bdi> → <bdi>9</bdi>, <bdi>S-2</bdi>: <bdi>20</bdi> → <bdi>18</bdi>" in page
    assert not AvailabilityRule.objects.exists()
    assert client.post(url, data).status_code == 302
    [told] = settle(timezone.now())
    assert sorted(item[1] for item in told["items"]) == [0, 9, 18], "also the one of which nothing was told yet"
    rule = AvailabilityRule.objects.get()
    changed = client.post(reverse("availability-rule", args=[rule.pk]), data | {"value": "50", "version": 1})
    assert changed.status_code == 302
    stale = client.post(reverse("availability-rule", args=[rule.pk]), data | {"value": "60", "version": 1})
    assert stale.status_code == 422 and "Somebody has changed this rule" in text_of(stale)
    assert client.post(reverse("availability-rule-delete", args=[rule.pk])).status_code == 302
    settle(timezone.now())
    assert sorted(ChannelAvailability.objects.values_list("shown", flat=True)) == [0, 10, 20]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"buffer": "units", "value": ""}, "value"),
        ({"buffer": "units", "value": "1.5"}, "value"),
        ({"buffer": "percent", "value": "101"}, "value"),
        ({"buffer": "days", "value": "-1"}, "value"),
        ({"buffer": "nonsense"}, "buffer"),
        ({"scope": "tag"}, "target"),
        ({"scope": "sku", "sku": "NOPE"}, "sku"),
        ({"budget": "5"}, "budget_until"),
        ({"budget": "5", "budget_until": "2020-01-01"}, "budget_until"),
        ({"maximum": "-1"}, "maximum"),
        ({"pool": "999"}, "pool"),
        ({"channel": "999"}, "channel"),
    ],
)
def test_a_wrong_rule_names_its_field(client_as, changes, field):
    answer = client_as("operations").post(reverse("availability-rule-new"), rule_data(make_channel(), **changes))
    assert answer.status_code == 422 and field in answer.context["form"].errors
    assert not AvailabilityRule.objects.exists()


def test_a_second_rule_for_the_same_is_refused_and_looking_is_not_changing(client_as):
    channel = make_channel()
    rule = rule_for(channel)
    answer = client_as("operations").post(reverse("availability-rule-new"), rule_data(channel))
    assert answer.context["form"].errors == {"scope": ["There is a rule for this already."]}
    viewer = client_as("viewer")
    assert viewer.get(reverse("availability-rule", args=[rule.pk])).status_code == 200
    assert viewer.post(reverse("availability-rule", args=[rule.pk]), rule_data(channel, never="on")).status_code == 403
    assert viewer.get(reverse("availability-rule-new")).status_code == 403


def test_the_most_specific_rule_speaks_alone(client_as):
    channel, location = make_channel(), make_location()
    variant = make_variant("A")
    Product.objects.filter(pk=variant.product_id).update(product_type="Tents", tags=["sale", "camp"])
    give_stock(variant, location, 100)
    numbers = []
    for values in (
        {"scope": "channel", "buffer": "units", "value": 1},
        {"scope": "type", "target": "Tents", "buffer": "units", "value": 2},
        {"scope": "tag", "target": "sale", "buffer": "units", "value": 3},
        {"scope": "tag", "target": "camp", "buffer": "units", "value": 30},
        {"scope": "sku", "sku": "A", "maximum": 50},
    ):
        rule_for(channel, **values)
        settle(timezone.now())
        numbers.append(shown_of(channel, variant)[0])
    assert numbers == [99, 98, 97, 97, 50]
    row = ChannelAvailability.objects.get()
    page = text_of(client_as("viewer").get(reverse("availability-receipt", args=[row.pk])))
    assert page.count("Overruled") == 4 and page.index("SKU A") < page.index("Overruled")


def test_pools_choose_whose_stock_counts(client_as):
    channel, variant = make_channel(), make_variant("A")
    main, shelf = make_location("Main"), make_location("Shelf", ships_online=False)
    give_stock(variant, main, 10)
    give_stock(variant, shelf, 4)
    client = client_as("operations")
    assert client.post(reverse("availability-pool-new"), {"name": "Shelves"}).status_code == 422
    assert client.post(reverse("availability-pool-new"), {"name": "Shelves", "locations": [shelf.pk]}).status_code == 302  # fmt: skip
    pool = LocationPool.objects.get()
    rule_for(channel, pool_id=pool.pk)
    settle(timezone.now())
    assert shown_of(channel, variant)[0] == 4
    url = reverse("availability-pool", args=[pool.pk])
    assert client.post(url, {"name": "Shelves", "locations": [shelf.pk, main.pk]}).status_code == 302
    settle(timezone.now())
    assert shown_of(channel, variant)[0] == 14
    client.post(reverse("availability-pool-delete", args=[pool.pk]))
    assert LocationPool.objects.exists(), "a pool in use stays"
    assert "Shelves" in text_of(client_as("viewer").get(reverse("availability-pools")))


def test_rules_go_out_as_a_file_and_come_back_unchanged(client_as):
    channel, variant = make_channel(name="=Web"), make_variant("A-1")
    give_stock(variant, make_location(), 10)
    rule_for(channel, buffer="percent", value="12.5", note='said "so", twice')
    rule_for(
        channel, scope="sku", sku="A-1", budget=4, budget_until=timezone.now().date() + timedelta(days=9), maximum=0
    )
    client = client_as("operations")
    data = b"".join(client.get(reverse("availability-rules-file")).streaming_content)
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert [row["channel"] for row in rows] == ["'=Web", "'=Web"]
    again = client.post(reverse("availability-rules-import"), {"file": SimpleUploadedFile("rules.csv", data)})
    job = Job.objects.get(kind="availability-rules")
    assert again.url == reverse("job", args=[job.pk])
    run_job(job.pk, clock=timezone.now)
    job.refresh_from_db()
    assert (job.state, job.done, job.failed) == ("done", 2, 0)
    assert list(AvailabilityRule.objects.order_by("pk").values_list("version", flat=True)) == [1, 1]


def test_a_file_with_wrong_rows_takes_the_others(client_as):
    channel, variant = make_channel(name="Web"), make_variant("A-1")
    give_stock(variant, make_location(), 10)
    lines = [
        "channel;scope;target;buffer;value;maximum;note",
        'Web;sku;A-1;units;2;;"two\nlines"',
        "Web;channel;;percent;10;;",
        "Web;sku;NOPE;units;2;;",
        "Nowhere;channel;;;;;",
        "Web;tag;sale;units;many;;",
        "Web;type;Tents;;;x;",
        "",
    ]
    upload = SimpleUploadedFile("rules.csv", "\r\n".join(lines).encode())
    client_as("operations").post(reverse("availability-rules-import"), {"file": upload})
    job = Job.objects.get(kind="availability-rules")
    run_job(job.pk, clock=timezone.now)
    job.refresh_from_db()
    assert (job.state, job.done, job.failed, job.total) == ("done_with_errors", 2, 4, 6)
    assert list(job.errors.order_by("line").values_list("line", "field")) == [
        (4, "sku"), (5, "channel"), (6, "value"), (7, "maximum"),
    ]  # fmt: skip
    wide = Job.objects.get(kind="availability")
    run_job(wide.pk, clock=timezone.now)
    settle(timezone.now())
    assert shown_of(channel, variant)[0] == 8
    bad = client_as("operations").post(
        reverse("availability-rules-import"), {"file": SimpleUploadedFile("x.csv", b"a,b\n1,2\n")}
    )
    assert bad.status_code == 422 and "file" in bad.context["form"].errors


def test_the_rule_list_finds_and_switches(client_as):
    channel, variant = make_channel(), make_variant("A-1")
    give_stock(variant, make_location(), 10)
    rule = rule_for(channel, scope="sku", sku="A-1", never=True)
    rule_for(channel, scope="tag", target="sale", buffer="units", value=3)
    settle(timezone.now())
    client = client_as("operations")
    page = text_of(client.get(reverse("availability-rules") + "?q=a-1"))
    assert "SKU A-1" in page and "sale" not in page
    client.post(reverse("availability-rules"), {"action": "switch_off", "id": [rule.pk], "confirmed": "1"})
    settle(timezone.now())
    assert shown_of(channel, variant)[0] == 10
    few = queries_of(client, reverse("availability-rules"))
    for n in range(8):
        rule_for(channel, scope="sku", sku=make_variant(f"N-{n}").sku, buffer="days", value=1)
    assert queries_of(client, reverse("availability-rules")) == few


# ---- webhooks --------------------------------------------------------------------------------------------------------


def test_an_endpoint_shows_its_key_once_and_keeps_it_sealed(client_as):
    channel = make_channel(name="Web")
    client, url = client_as("operations"), reverse("availability-webhook", args=[channel.pk])
    made = client.post(url, {"url": "https://shop.example/hook", "active": "on"})
    assert made.status_code == 200 and made["Cache-Control"] == "no-store"
    key = made.context["secret"]
    endpoint = Endpoint.objects.get()
    assert key.startswith("whsec_") and key in text_of(made) and key not in endpoint.secret
    assert key not in text_of(client.get(url))
    assert Job.objects.filter(kind="availability", params__anyway=True).count() == 1
    mark = client.get(url).context["mark"]
    first = client.post(reverse("availability-webhook-key", args=[channel.pk]), {"mark": mark})
    second = client.post(reverse("availability-webhook-key", args=[channel.pk]), {"mark": mark})
    assert first.context["secret"] != key and second.status_code == 302
    refused = client.post(url, {"url": "http://10.0.0.8/hook", "active": "on"})
    assert refused.status_code == 422 and "url" in refused.context["form"].errors
    viewer = client_as("viewer")
    assert viewer.get(url).status_code == 200
    for name in ("test", "key", "send"):
        assert viewer.post(reverse(f"availability-webhook-{name}", args=[channel.pk])).status_code == 403
    assert viewer.post(url, {"url": "https://evil.example/"}).status_code == 403


def test_the_pages_of_channels_and_messages_need_few_statements(client_as):
    client = client_as("viewer")
    channels = [make_channel() for _ in range(2)]
    endpoint = Endpoint.objects.create(channel=channels[0], url="https://x.example/", secret="x", created_at=timezone.now())  # fmt: skip

    def message(n: int) -> None:
        WebhookPost.objects.create(endpoint=endpoint, message_id=f"m{n}", body="{}", created_at=timezone.now(), attempted_at=timezone.now())  # fmt: skip

    message(0)
    urls = [reverse("availability-channels"), reverse("availability-webhook", args=[channels[0].pk])]
    few = [queries_of(client, url) for url in urls]
    for n in range(1, 40):
        message(n)
    for _ in range(3):
        make_channel()
    assert [queries_of(client, url) for url in urls] == few
    older = client.get(urls[1]).context["next"]
    assert len(client.get(f"{urls[1]}?after={older}").context["posts"]) == 15
    assert client.get(f"{urls[1]}?after=nonsense").status_code == 200
