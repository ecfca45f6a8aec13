"""Files as shops and spreadsheets really write them. They are no part of the project; without their folder these tests are skipped."""

from __future__ import annotations

import json
import os
from collections import Counter
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from channels.formats import FileRefused, Parsed, ReadSettings, RowError, open_table, reader

DATA = Path(os.environ.get("OMS_REAL_DATA", "../shared/data"))
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="no folder of real files (OMS_REAL_DATA)")
BERLIN = ZoneInfo("Europe/Berlin")


def read(kind: str, name: str, *, currency: str = "EUR", zone: ZoneInfo | None = BERLIN, **options):
    found = reader(kind, "shopify")
    table = open_table((DATA / name).read_bytes(), known=found.known, **options)
    return table, list(found.read(table, ReadSettings(currency, zone)))


@pytest.mark.parametrize(
    "name",
    [
        "comma_in_quotes",
        "empty",
        "empty_crlf",
        "escaped_quotes",
        "json",
        "newlines",
        "newlines_crlf",
        "quotes_and_newlines",
        "simple",
        "simple_crlf",
        "utf8",
    ],
)
def test_csv_spectrum_is_read_as_its_authors_expect(name):
    folder = DATA / "nasty" / "csv-spectrum"
    table = open_table((folder / "csvs" / f"{name}.csv").read_bytes())
    found = [dict(zip(table.header, row.cells, strict=True)) for row in table.rows()]
    assert found == json.loads((folder / "json" / f"{name}.json").read_bytes())


@pytest.mark.parametrize(
    ("kind", "count"),
    [("products", 5460), ("locations", 12), ("inventory", 15751), ("orders", 1843)],
)
def test_a_real_shop_is_read_without_a_refusal(kind, count):
    table, items = read(kind, f"olist/{kind}.csv", currency="BRL")
    assert table.dialect.sure
    assert all(isinstance(item, Parsed) for item in items)
    assert len(items) == count


def test_the_real_shops_orders_add_up():
    _table, items = read("orders", "olist/orders.csv", currency="BRL", zone=None)
    orders = [item.record for item in items]
    assert sum(order.total for order in orders) == Decimal("333790.43")
    assert sum(len(order.lines) for order in orders) == 1909
    assert Counter((order.finished, order.voided) for order in orders) == {
        (True, False): 1588,
        (True, True): 110,
        (False, False): 145,
    }
    assert all(
        order.total
        == order.subtotal - order.discount_total + order.shipping_total + order.tax_total + order.adjustment_total
        for order in orders
    )


@pytest.mark.parametrize(
    ("name", "encoding", "delimiter", "title"),
    [
        ("cp1250_polish", "cp1250", ",", "Łódź żółw"),
        ("cp1254", "cp1254", ",", 'Çaydanlık "İnce" ş'),
        ("cp1256_persian", "cp1256", ",", "قوري چاي"),
        ("utf16_bom", "utf-16", ",", 'Çaydanlık "İnce" ş'),
        ("utf8_bom", "utf-8-sig", ",", 'Çaydanlık "İnce" ş'),
        ("utf8_persian", "utf-8", ",", "قوری چای\u200cخوری"),
        ("semicolon_decimal_comma", "utf-8", ";", "Tee"),
    ],
)
def test_encodings_and_delimiters_of_real_files_are_found(name, encoding, delimiter, title):
    table, items = read("orders", f"nasty/orders_{name}.csv")
    assert (table.dialect.encoding, table.dialect.delimiter) == (encoding, delimiter)
    assert [item.record.lines[0].title for item in items] == [title]


def test_persian_digits_dates_and_decimal_marks():
    _table, (item,) = read("orders", "nasty/orders_utf8_persian.csv", zone=ZoneInfo("Asia/Tehran"))
    assert item.record.placed_at.isoformat() == "2026-11-21T20:30:00+00:00"
    assert (item.record.total, item.record.lines[0].quantity) == (Decimal("21.00"), 2)


def test_what_a_spreadsheet_damaged_is_refused_with_the_reason():
    _table, items = read("orders", "nasty/orders_excel_damage.csv")
    assert [(item.line, item.field) for item in items] == [
        (2, "Created at"),
        (3, "Created at"),
        (4, "Created at"),
    ]
    assert all(isinstance(item, RowError) for item in items)
    assert "Lineitem sku: “1E+05”" in items[0].message
    assert "leading zero" in items[0].message
    assert "“8.20983E+17” is a number that a spreadsheet has shortened" in items[1].message
    assert "“1-Mar” is a date" in items[2].message


def test_formulas_are_text_like_any_other():
    _table, items = read("orders", "nasty/orders_formula_injection.csv")
    assert [item.record.customer_name for item in items][:3] == ["=1+1", "+1+1", "-1+1"]


def test_bytes_of_two_encodings_and_nul_spoil_only_their_row():
    table, (good, bad) = read("orders", "nasty/orders_mixed_encoding_nul.csv")
    assert not table.dialect.sure
    assert good.record.lines[0].title == "Çay"
    assert (bad.line, bad.reference) == (3, "#2")


def test_a_header_with_doubles_is_refused():
    with pytest.raises(FileRefused, match="more than once"):
        read("orders", "nasty/orders_ragged_dup_header.csv")


def test_the_full_header_of_shopifys_order_export_is_known():
    table, items = read("orders", "exports/shopify_orders_export_header.csv")
    assert items == []
    assert len(table.header) == 79
    unread = {name for name, meaning in reader("orders", "shopify").mapping(table) if not meaning}
    assert not unread & {
        "Name",
        "Email",
        "Total",
        "Created at",
        "Lineitem sku",
        "Refunded Amount",
        "Outstanding Balance",
        "Id",
    }


def test_shopifys_own_inventory_sample():
    _table, items = read("inventory", "exports/shopify_inventory_export_sample.csv")
    assert [(item.record.sku, item.record.location, item.record.on_hand) for item in items] == [
        ("MUG-L", "Ottawa", 7),
        ("MUG-L", "New York", 3),
        ("BOWL", "Ottawa", 40),
    ]


@pytest.mark.parametrize("name", ["apparel", "home-and-garden", "jewelery"])
def test_products_without_skus_are_refused_row_by_row(name):
    _table, items = read("products", f"shopify/product_csvs/{name}.csv")
    assert items
    assert {(item.field, item.message) for item in items} == {
        ("Variant SKU", "is empty; goods are known by their SKU.")
    }


@pytest.mark.parametrize("name", ["amazon_orders_report.txt", "ebay_paid_and_posted_AU.csv", "etsy_sold_orders.csv"])
def test_exports_of_other_marketplaces_are_refused_with_the_columns_that_are_missing(name):
    with pytest.raises(FileRefused, match="lacks the columns: Name"):
        read("orders", f"exports/{name}")
