"""Pages of channels and imports."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from channels.models import ImportRun
from core.files import drop_expired
from core.jobs import run_job
from core.models import StoredFile
from orders.models import Channel, Order
from tests.channels.files import bring_in, counts, orders_file
from tests.factories.shop import give_stock, make_channel, make_location, make_variant

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    give_stock(make_variant("TEE"), make_location(), 10)
    return make_channel(name="Shop", time_zone="Europe/Warsaw")


def upload(client, channel, data, kind="orders"):
    file = SimpleUploadedFile("orders.csv", data)
    return client.post(reverse("import-new"), {"kind": kind, "channel": channel.pk, "file": file})


def test_a_file_is_looked_at_before_it_is_imported(client_as, shop):
    client = client_as("operations")
    answer = upload(client, shop, orders_file({}, {"Lineitem price": "x"}))
    page = client.get(answer.url)
    text = page.content.decode()
    assert "only ASCII" not in text
    assert "every byte is valid UTF-8" in text
    assert "Line: SKU" in text
    assert "“x” is no amount." in text
    assert not ImportRun.objects.exists()
    started = client.post(
        answer.url, {"encoding": "", "delimiter": "", "decimal_mark": "", "time_zone": "Europe/Warsaw"}
    )
    run = ImportRun.objects.get()
    assert started.url == reverse("import", args=[run.pk])
    run_job(run.job_id, clock=timezone.now)
    text = client.get(started.url).content.decode()
    assert "Lineitem price" in text
    assert Order.objects.count() == 1
    assert StoredFile.objects.count() == 1


def test_a_file_whose_encoding_is_open_asks_and_takes_the_answer(client_as, shop):
    client = client_as("operations")
    data = (
        orders_file({"Lineitem name": "São", "Shipping Country": "", "Shipping City": "", "Shipping Address1": ""})
        .decode()
        .encode("cp1252")
    )
    answer = upload(client, shop, data)
    page = client.get(answer.url).content.decode()
    assert "reads well in more than one" in page
    assert "Start the import" not in page
    refused = client.post(answer.url, {"encoding": "", "delimiter": "", "decimal_mark": "", "time_zone": "UTC"})
    assert refused.status_code == 422
    page = client.get(answer.url, {"encoding": "cp1252", "time_zone": "UTC"}).content.decode()
    assert "Start the import" in page
    assert "São" in page
    client.post(answer.url, {"encoding": "cp1252", "delimiter": "", "decimal_mark": "", "time_zone": "UTC"})
    assert ImportRun.objects.get().dialect["encoding"] == "cp1252"


def test_an_upload_belongs_to_the_person_who_brought_it(client_as, shop):
    answer = upload(client_as("operations"), shop, orders_file({}))
    assert client_as("owner").get(answer.url).status_code == 404
    assert client_as("operations").get(answer.url + "x").status_code == 404


def test_an_upload_that_is_never_started_is_gone_after_a_day(client_as, shop):
    answer = upload(client_as("operations"), shop, orders_file({}))
    assert drop_expired(now=timezone.now() + timedelta(hours=23)) == 0
    assert drop_expired(now=timezone.now() + timedelta(hours=25)) == 1
    assert client_as("operations").get(answer.url).status_code == 404


def test_a_wrong_upload_says_what_is_missing(client_as, shop):
    answer = client_as("operations").post(reverse("import-new"), {"kind": "orders", "channel": shop.pk})
    assert answer.status_code == 422


def test_without_a_channel_the_way_leads_there_first(client_as):
    assert client_as("operations").get(reverse("import-new")).url == reverse("channel-new")


@pytest.mark.parametrize("role", ["warehouse", "support", "finance", "viewer"])
def test_roles_without_the_right_import_nothing(client_as, shop, role):
    run = bring_in("orders", orders_file({}), shop)
    client = client_as(role)
    for name, args in (("import-new", []), ("imports", []), ("import", [run.pk]), ("import-refused", [run.pk])):
        assert client.get(reverse(name, args=args)).status_code == 403
    assert upload(client, shop, orders_file({})).status_code == 403


def test_refused_rows_come_in_their_own_columns_and_go_in_again_once_mended(client_as, shop):
    data = orders_file(
        {"Lineitem name": "=1+1", "Lineitem sku": "GONE", "Total": "20.00"}, {"Name": "#1", "Id": "", "Total": ""}, {}
    )
    run = bring_in("orders", data, shop)
    assert counts(run) == (1, 0, 0, 1)
    answer = client_as("operations").get(reverse("import-refused", args=[run.pk]))
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["Name"] for row in rows] == ["#1", "#1"]
    assert rows[0]["Lineitem name"] == "'=1+1"
    assert rows[0]["Refused because"] == "Line 1: there is no SKU “GONE”."
    assert rows[0]["Refused on line"] == "2"
    make_variant("GONE")
    assert counts(bring_in("orders", text.encode("utf-8-sig"), shop)) == (1, 0, 0, 0)
    assert Order.objects.get(number="#1").lines.get(position=1).title == "=1+1"


def test_the_list_of_imports_asks_the_same_number_of_questions_for_any_number(
    client_as, shop, django_assert_num_queries
):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = client_as("operations")
    asked = []
    for n in (1, 2):
        for k in range(n):
            bring_in("orders", orders_file({}) + b"\r\n" * (10 * n + k), shop)
        client.get(reverse("imports"))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert "orders.csv" in client.get(reverse("imports")).content.decode()
        asked.append(len(queries))
    assert asked[0] == asked[1]


def test_channels_are_added_and_changed_with_a_history(client_as):
    client = client_as("operations")
    values = {
        "name": "Web",
        "kind": "web",
        "currency": "eur",
        "time_zone": "Europe/Warsaw",
        "language": "en",
        "hold_unpaid": "on",
    }
    answer = client.post(reverse("channel-new"), values)
    channel = Channel.objects.get()
    assert answer.url == reverse("channel", args=[channel.pk])
    assert (channel.currency, channel.hold_unpaid, channel.active) == ("EUR", True, True)
    client.post(answer.url, values | {"name": "Web shop", "active": "on"})
    page = client.get(answer.url).content.decode()
    assert "Web shop" in page
    assert "<del><bdi>Web</bdi></del>" in page
    assert "Web shop" in client.get(reverse("channels")).content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", "Taken"), ("currency", "XYZ"), ("time_zone", "Mars/Olympus"), ("kind", "moon")],
)
def test_a_wrong_channel_names_its_field(client_as, field, value):
    make_channel(name="Taken")
    values = {"name": "Web", "kind": "web", "currency": "EUR", "time_zone": "Europe/Warsaw", "language": "en"} | {
        field: value
    }
    answer = client_as("operations").post(reverse("channel-new"), values)
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {field}
    assert Channel.objects.count() == 1


def test_channels_may_be_seen_by_more_than_may_change_them(client_as, shop):
    client = client_as("viewer")
    assert "Shop" in client.get(reverse("channels")).content.decode()
    assert client.get(reverse("channel", args=[shop.pk])).status_code == 403
    assert client.post(reverse("channel-new"), {"name": "X"}).status_code == 403
    assert client_as("warehouse").get(reverse("channels")).status_code == 403
