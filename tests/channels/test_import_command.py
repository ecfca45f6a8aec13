"""manage.py import_data: its report and its exit code."""

from __future__ import annotations

import io
import json
import os
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum

from channels.models import ImportRun
from inventory.models import Location, StockLevel, StockMovement, Variant
from inventory.operations.auditing import audit_stock
from orders.models import Channel, Order
from tests.channels.files import orders_file
from tests.factories.shop import give_stock, make_location, make_variant

pytestmark = pytest.mark.django_db
DATA = Path(os.environ.get("OMS_REAL_DATA", "../shared/data"))


def run(kind, path, **options):
    """(report, what was written to stderr)."""
    out, err = io.StringIO(), io.StringIO()
    call_command("import_data", kind, str(path), channel="Shop", json=True, stdout=out, stderr=err, **options)
    return json.loads(out.getvalue()), err.getvalue()


@pytest.fixture
def orders(tmp_path):
    give_stock(make_variant("TEE"), make_location(), 10)
    path = tmp_path / "orders.csv"
    path.write_bytes(orders_file({}, {"Lineitem sku": "GONE"}))
    return path


def test_rows_that_are_refused_are_reported_and_the_command_succeeds(orders):
    report, notes = run("orders", orders)
    assert (report["created"], report["refused"], report["state"]) == (1, 1, "done_with_errors")
    assert report["errors"] == [
        {"line": 3, "field": "Lineitem sku", "reference": "#2", "message": "Line 1: there is no SKU “GONE”."}
    ]
    assert report["dialect"]["encoding"] == "utf-8"
    assert "was added (EUR, UTC)" in notes


def test_a_channel_takes_the_files_currency_and_the_zone_that_is_told(orders):
    orders.write_bytes(orders.read_bytes().replace(b"EUR", b"PLN"))
    run("orders", orders, timezone="Europe/Warsaw")
    channel = Channel.objects.get()
    assert (channel.name, channel.currency, channel.time_zone) == ("Shop", "PLN", "Europe/Warsaw")
    _report, notes = run("orders", orders)
    assert notes == ""


def test_the_report_reads_as_text_too(orders):
    out = io.StringIO()
    call_command("import_data", "orders", str(orders), channel="Shop", stdout=out, stderr=io.StringIO())
    assert "created 1, updated 0, unchanged 0, refused 1" in out.getvalue()
    assert "line 3 · #2 · Lineitem sku: Line 1: there is no SKU “GONE”." in out.getvalue()


@pytest.mark.parametrize(
    ("data", "options", "reason"),
    [
        (b"", {}, "empty"),
        (b"Name,Total\n#1,5\n", {}, "lacks the columns: Created at"),
        (b"Name,Email,Name\n", {}, "more than once"),
        ("Name,Lineitem name,x\n#1,São,y\n".encode("cp1252"), {}, "encoding"),
        (b"Name,Total\n#1,5\n", {"encoding": "klingon"}, "is not an encoding"),
        (b"Name,Total\n#1,5\n", {"delimiter": "dash"}, "is no delimiter"),
        (b"Name,Total\n#1,5\n", {"timezone": "Mars/Olympus"}, "is no time zone"),
    ],
)
def test_a_file_that_cannot_be_read_fails_and_leaves_nothing(tmp_path, data, options, reason):
    path = tmp_path / "file.csv"
    path.write_bytes(data)
    out = io.StringIO()
    with pytest.raises(CommandError, match=reason):
        call_command("import_data", "orders", str(path), channel="Shop", json=True, stdout=out, **options)
    assert reason in json.loads(out.getvalue())["message"]
    assert not Channel.objects.exists()
    assert not ImportRun.objects.exists()


def test_a_file_that_is_not_there_fails(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_data", "orders", str(tmp_path / "none.csv"), channel="Shop")


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "olist").is_dir(), reason="no folder of real files (OMS_REAL_DATA)")
def test_a_real_shop_comes_in_whole_and_the_second_time_nothing_changes():
    expected = {"products": 5460, "locations": 12, "inventory": 15751, "orders": 1843}
    for kind, count in expected.items():
        report, _notes = run(kind, DATA / "olist" / f"{kind}.csv", timezone="America/Sao_Paulo")
        assert (report["created"], report["updated"], report["unchanged"], report["refused"]) == (count, 0, 0, 0)
    assert (Variant.objects.count(), Location.objects.count(), Order.objects.count()) == (5460, 12, 1843)
    assert Order.objects.aggregate(total=Sum("total"))["total"] == Decimal("333790.43")
    assert Order.objects.filter(historic=True).count() == 1698
    assert StockLevel.objects.aggregate(units=Sum("on_hand"))["units"] == 38447
    assert set(StockMovement.objects.values_list("reason", flat=True).distinct()) == {"imported", "reserved"}
    movements = StockMovement.objects.count()
    assert audit_stock() == []
    for kind, count in expected.items():
        report, _notes = run(kind, DATA / "olist" / f"{kind}.csv")
        assert (report["created"], report["updated"], report["unchanged"], report["refused"]) == (0, 0, count, 0)
    assert StockMovement.objects.count() == movements
