"""The page of all kinds, examples that can be imported, exports by role, commands."""

from __future__ import annotations

import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from channels.formats import open_table, reader
from channels.models import ImportRun
from core.jobs import run_job
from core.models import Job
from inventory.models import StockLevel
from oms.exchange.kinds import BY_SLUG, EXCHANGES
from tests.factories.exchange import rows_of
from tests.factories.shop import give_stock, make_location, make_variant

pytestmark = pytest.mark.django_db


def test_every_kind_is_shown_with_its_columns(client_as):
    page = client_as("operations").get(reverse("exchange")).content.decode()
    for one in EXCHANGES:
        assert escape(str(one.title)) in page
        assert reverse("exchange-example", args=[one.slug]) in page
        assert reverse("exchange-export", args=[one.slug]) in page
    assert "?kind=lots&amp;format=plain" in page


def test_the_page_costs_the_same_whatever_lies_there(client_as, django_assert_max_num_queries):
    client = client_as("operations")
    client.get(reverse("exchange"))
    with django_assert_max_num_queries(6):
        client.get(reverse("exchange"))


@pytest.mark.parametrize("slug", list(BY_SLUG))
def test_an_example_has_the_columns_that_its_import_reads(client_as, slug):
    one = BY_SLUG[slug]
    answer = client_as("viewer").get(reverse("exchange-example", args=[slug]))
    assert answer.status_code == 200 and "attachment" in answer["Content-Disposition"]
    rows = rows_of(answer.content)
    assert len(rows) == 2
    exported = one.source.header
    assert set(rows[0]) <= set(exported), "the example is in the columns of the export"
    if one.route == "import-new":
        found = reader(one.kind, one.format)
        with open_table(answer.content, known=found.known) as table:
            found.columns(table)
            assert all(meaning for _name, meaning in found.mapping(table))


@pytest.mark.parametrize(
    ("role", "slug", "status"),
    [
        ("viewer", "inventory", 302),
        ("warehouse", "suppliers", 403),
        ("warehouse", "purchases", 403),
        ("finance", "suppliers", 302),
    ],
)
def test_who_may_export_what(client_as, role, slug, status):
    client = client_as(role)
    answer = client.post(reverse("exchange-export", args=[slug]))
    assert answer.status_code == status
    assert Job.objects.exists() == (status == 302)
    assert (reverse("exchange-export", args=[slug]) in client.get(reverse("exchange")).content.decode()) == (
        status == 302
    )


def test_the_file_of_prices_is_not_for_everybody(client_as):
    client_as("owner").post(reverse("exchange-export", args=["suppliers"]))
    job = Job.objects.get()
    run_job(job.pk, clock=timezone.now)
    assert client_as("warehouse").get(reverse("job-output", args=[job.pk])).status_code == 403
    answer = client_as("owner").get(reverse("job-output", args=[job.pk]))
    assert answer.status_code == 200 and "suppliers-" in answer["Content-Disposition"]


def test_pressing_export_twice_is_one_job(client_as):
    client = client_as("operations")
    first, second = (client.post(reverse("exchange-export", args=["inventory"])).url for _ in range(2))
    assert first == second and Job.objects.count() == 1


def test_a_kind_that_is_none_is_not_found(client_as):
    client = client_as("operations")
    assert client.get(reverse("exchange-example", args=["nope"])).status_code == 404
    assert client.post(reverse("exchange-export", args=["nope"])).status_code == 404


def test_a_file_is_tried_and_then_imported_from_its_page(client_as):
    give_stock(make_variant("TEE"), make_location("Main"), 4)
    client = client_as("operations")
    upload = SimpleUploadedFile("stock.csv", b"sku,location,on_hand\nTEE,Main,9\n")
    answer = client.post(reverse("import-new"), {"kind": "inventory", "format": "plain", "file": upload})
    page = client.get(answer.url).content.decode()
    assert "See what would change" in page
    answer = client.post(
        answer.url, {"encoding": "", "delimiter": "", "decimal_mark": "", "time_zone": "", "trial": "1"}
    )
    run = ImportRun.objects.get()
    run_job(run.job_id, clock=timezone.now)
    page = client.get(answer.url).content.decode()
    assert "Nothing was changed" in page and "What would change" in page and "Import it now" in page
    assert StockLevel.objects.get().on_hand == 4
    assert client_as("warehouse").post(reverse("import-apply", args=[run.pk])).status_code == 403
    answers = {client.post(reverse("import-apply", args=[run.pk])).url for _ in range(2)}
    assert len(answers) == 1
    real = ImportRun.objects.get(trial=False)
    run_job(real.job_id, clock=timezone.now)
    assert StockLevel.objects.get().on_hand == 9
    assert "Import it now" not in client.get(reverse("import", args=[real.pk])).content.decode()


def test_orders_need_a_channel_and_cannot_be_tried(client_as):
    from tests.channels.files import orders_file
    from tests.factories.shop import make_channel

    make_channel()
    upload = SimpleUploadedFile("orders.csv", orders_file({}))
    assert client_as("operations").post(reverse("import-new"), {"kind": "orders", "file": upload}).status_code == 422


def test_the_commands_take_out_and_bring_back(tmp_path):
    give_stock(make_variant("TEE"), make_location("Main"), 4)
    path = tmp_path / "stock.csv"
    call_command("export_data", "inventory", str(path), stderr=io.StringIO())
    out = io.StringIO()
    call_command("import_data", "inventory", str(path), format="plain", json=True, stdout=out)
    report = json.loads(out.getvalue())
    assert (report["unchanged"], report["created"], report["updated"], report["refused"]) == (1, 0, 0, 0)
    path.write_bytes(path.read_bytes().replace(b",4,", b",5,"))
    out = io.StringIO()
    call_command("import_data", "inventory", str(path), format="plain", dry_run=True, stdout=out)
    assert "on_hand: 4 → 5" in out.getvalue() and StockLevel.objects.get().on_hand == 4
    call_command("import_data", "inventory", str(path), format="plain", stdout=io.StringIO())
    assert StockLevel.objects.get().on_hand == 5
    for kind in ("transfers", "suppliers", "policies", "availability"):
        path = tmp_path / f"{kind}.csv"
        call_command("export_data", kind, str(path), stderr=io.StringIO())
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with pytest.raises(CommandError):
        call_command("export_data", "lots", str(path), format="shopify")
    with pytest.raises(CommandError, match="channel"):
        call_command("import_data", "orders", str(path), json=True, stdout=io.StringIO())
