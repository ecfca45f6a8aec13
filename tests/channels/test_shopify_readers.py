"""Shopify's exports as records."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from channels.formats import FileRefused, Parsed, ReadSettings, RowError, open_table, reader

ORDER_COLUMNS = [
    "Name", "Email", "Financial Status", "Fulfillment Status", "Currency", "Subtotal", "Shipping", "Taxes", "Total", "Discount Amount", "Created at",
    "Lineitem quantity", "Lineitem name", "Lineitem price", "Lineitem sku", "Lineitem fulfillment status", "Lineitem discount", "Shipping Name",
    "Shipping Zip", "Shipping Country", "Cancelled at", "Refunded Amount", "Outstanding Balance", "Id",
]  # fmt: skip
FIRST = {
    "Name": "#1", "Email": "a@example.test", "Financial Status": "paid", "Fulfillment Status": "unfulfilled", "Currency": "EUR",
    "Total": "10.00", "Created at": "2026-11-22 10:00:00 +0100", "Lineitem quantity": "1", "Lineitem name": "Tee", "Lineitem price": "10.00",
    "Lineitem sku": "T-1", "Shipping Name": "Ana", "Shipping Zip": "'01067", "Shipping Country": "DE", "Id": "500",
}  # fmt: skip
MORE = {
    "Name": "#1",
    "Lineitem quantity": "2",
    "Lineitem name": "Cap",
    "Lineitem price": "5.00",
    "Lineitem sku": "C-1",
}


def table(columns, *rows, **options):
    lines = [columns, *[[row.get(column, "") for column in columns] for row in rows]]
    return open_table("\n".join(",".join(cell for cell in line) for line in lines).encode(), **options)


def read(kind, columns, *rows, currency="EUR"):
    return list(reader(kind, "shopify").read(table(columns, *rows), ReadSettings(currency, ZoneInfo("Europe/Berlin"))))


def order(first=None, *more, **changes):
    (item,) = read("orders", ORDER_COLUMNS, {**FIRST, **(first or {}), **changes}, *more)
    assert isinstance(item, Parsed), item
    return item.record


def refusal(*rows) -> RowError:
    (item,) = read("orders", ORDER_COLUMNS, *rows)
    assert isinstance(item, RowError), item
    return item


def test_the_lines_of_an_order_come_together_with_their_place_in_the_file():
    items = read(
        "orders",
        ORDER_COLUMNS,
        FIRST | {"Total": "20.00"},
        MORE,
        FIRST | {"Name": "#2", "Id": "501"},
    )
    first, second = items
    assert (first.line_from, first.line_to, second.line_from, second.line_to) == (2, 3, 4, 4)
    assert [(line.line, line.sku, line.quantity, line.unit_price) for line in first.record.lines] == [
        (2, "T-1", 1, Decimal(10)),
        (3, "C-1", 2, Decimal(5)),
    ]
    assert first.record.external_id == "500"
    assert first.record.number == "#1"
    assert first.record.placed_at == dt.datetime(2026, 11, 22, 9, tzinfo=dt.UTC)
    assert first.record.shipping_address.postal_code == "01067"
    assert len(first.raw) == 2


def test_without_an_id_the_name_is_the_external_id():
    assert order(Id="").external_id == "#1"


def test_a_total_that_differs_from_the_lines_stays_visible():
    record = order(Total="12.34", Shipping="2.00")
    assert record.adjustment_total == Decimal("0.34")
    assert record.total == record.subtotal - record.discount_total + record.shipping_total + record.adjustment_total


@pytest.mark.parametrize(
    ("total", "included", "adjustment"),
    [
        ("10.00", True, "0.00"),
        ("11.90", False, "0.00"),
        ("11.50", False, "-0.40"),
        ("9.00", True, "-1.00"),
    ],
)
def test_whether_tax_is_included_follows_from_the_total(total, included, adjustment):
    record = order(Total=total, Taxes="1.90")
    assert (record.tax_included, record.adjustment_total) == (included, Decimal(adjustment))


def test_a_discount_that_repeats_those_of_the_lines_counts_once():
    changes = {"Lineitem discount": "2.00", "Discount Amount": "2.00"}
    assert order(Total="8.00", Subtotal="8.00", **changes).discount_total == Decimal(2)
    assert order(Total="6.00", Subtotal="6.00", **changes).discount_total == Decimal(4)


@pytest.mark.parametrize(
    ("changes", "authorized", "captured", "refunded", "voided"),
    [
        ({"Financial Status": "paid"}, 0, 10, 0, False),
        ({"Financial Status": "pending"}, 0, 0, 0, False),
        ({"Financial Status": "authorized"}, 10, 0, 0, False),
        ({"Financial Status": "partially_paid", "Outstanding Balance": "4.00"}, 0, 6, 0, False),
        ({"Financial Status": "partially_refunded", "Refunded Amount": "3.00"}, 0, 10, 3, False),
        ({"Financial Status": "refunded", "Refunded Amount": "10.00"}, 0, 10, 10, False),
        ({"Financial Status": "voided"}, 0, 0, 0, True),
    ],
)
def test_payments_follow_the_financial_status(changes, authorized, captured, refunded, voided):
    record = order(changes)
    assert (record.authorized, record.captured, record.refunded, record.voided) == (
        authorized,
        captured,
        refunded,
        voided,
    )


@pytest.mark.parametrize(
    ("changes", "shipped", "cancelled"),
    [
        ({}, 0, 0),
        ({"Fulfillment Status": "fulfilled", "Lineitem fulfillment status": "fulfilled"}, 1, 0),
        (
            {"Cancelled at": "2026-11-23 10:00:00 +0100", "Lineitem fulfillment status": "pending"},
            0,
            1,
        ),
        (
            {
                "Cancelled at": "2026-11-23 10:00:00 +0100",
                "Lineitem fulfillment status": "fulfilled",
            },
            1,
            0,
        ),
        ({"Financial Status": "refunded", "Lineitem fulfillment status": "pending"}, 0, 1),
        ({"Fulfillment Status": "fulfilled", "Lineitem fulfillment status": "pending"}, 0, 1),
        ({"Fulfillment Status": "restocked", "Lineitem fulfillment status": "restocked"}, 0, 1),
    ],
)
def test_how_far_a_line_is_follows_the_statuses(changes, shipped, cancelled):
    (line,) = order(changes).lines
    assert (line.shipped, line.cancelled) == (shipped, cancelled)
    assert order(changes).finished == bool(shipped + cancelled)


def test_an_order_shipped_in_part_keeps_its_open_lines():
    changes = {
        "Fulfillment Status": "partial",
        "Lineitem fulfillment status": "fulfilled",
        "Total": "20.00",
    }
    record = order(changes, MORE | {"Lineitem fulfillment status": "pending"})
    assert [line.open for line in record.lines] == [0, 2]
    assert record.started
    assert not record.finished


@pytest.mark.parametrize(
    ("rows", "line", "field", "reason"),
    [
        ([FIRST | {"Created at": "11/2/2026"}], 2, "Created at", "may be"),
        ([FIRST | {"Lineitem sku": "1E+05"}], 2, "Lineitem sku", "shortened"),
        ([FIRST, MORE | {"Lineitem price": "x"}], 3, "Lineitem price", "no amount"),
        ([FIRST, MORE | {"Lineitem quantity": "0"}], 3, "Lineitem quantity", "between 1"),
        ([FIRST, MORE | {"Total": "11.00"}], 3, "Total", "differs"),
        ([FIRST | {"Id": "8.20983E+17"}], 2, "Id", "digits are lost"),
        ([FIRST | {"Shipping Zip": "1067"}], 2, "Shipping Zip", "leading zero"),
        ([FIRST | {"Shipping Country": "Atlantis"}], 2, "Shipping Country", "no country"),
        ([FIRST | {"Currency": "XYZ"}], 2, "Currency", "no currency"),
        ([FIRST | {"Financial Status": "maybe"}], 2, "Financial Status", "payment status"),
        (
            [FIRST | {"Financial Status": "partially_paid"}],
            2,
            "Outstanding Balance",
            "not known how much",
        ),
        ([FIRST | {"Refunded Amount": "11.00"}], 2, "Refunded Amount", "only 10.00"),
        ([FIRST | {"Fulfillment Status": "half"}], 2, "Fulfillment Status", "fulfillment status"),
        (
            [FIRST | {"Lineitem quantity": "3", "Lineitem fulfillment status": "partial"}],
            2,
            "Lineitem fulfillment status",
            "how many",
        ),
        ([FIRST | {"Lineitem discount": "11.00"}], 2, "Lineitem discount", "more than the line"),
        ([MORE], 2, "Created at", "no date"),
        ([FIRST | {"Name": ""}], 2, "Name", "empty"),
    ],
)
def test_a_wrong_value_refuses_the_order_and_names_line_and_field(rows, line, field, reason):
    error = refusal(*rows)
    assert (error.line, error.field) == (line, field)
    assert reason in error.message
    assert len(error.raw) == len(rows)


def test_all_that_is_wrong_in_an_order_is_told_at_once():
    error = refusal(FIRST | {"Created at": "11/2/2026", "Lineitem sku": "1E+05"}, MORE | {"Lineitem price": "x"})
    assert (error.line, error.field) == (2, "Created at")
    assert "line 2, Lineitem sku: “1E+05” is a number that a spreadsheet has shortened" in error.message
    assert "line 3, Lineitem price: “x” is no amount." in error.message


def test_an_order_whose_rows_are_scattered_is_refused_wherever_it_comes():
    items = read("orders", ORDER_COLUMNS, FIRST, FIRST | {"Name": "#2", "Id": "501"}, MORE)
    assert [type(item) for item in items] == [RowError, Parsed, RowError]
    assert "line 4" in items[0].message


def test_an_order_with_a_row_that_cannot_be_read_is_refused_as_a_whole():
    good = ",".join(FIRST.get(column, "") for column in ORDER_COLUMNS)
    data = ",".join(ORDER_COLUMNS) + f"\n{good}\n#1,too,short\n" + good.replace("#1", "#2").replace("500", "501") + "\n"
    items = list(reader("orders", "shopify").read(open_table(data.encode()), ReadSettings("EUR")))
    assert [type(item) for item in items] == [RowError, Parsed]
    assert (items[0].line, items[0].reference) == (3, "#1")


def test_two_orders_with_one_id_are_told():
    items = read("orders", ORDER_COLUMNS, FIRST, FIRST | {"Name": "#2"})
    assert isinstance(items[1], RowError)
    assert "line 2" in items[1].message


def test_missing_columns_are_named():
    with pytest.raises(FileRefused) as refused:
        read("orders", ["Name", "Email", "Total"], FIRST)
    assert refused.value.params["columns"] == [
        "Created at",
        "Lineitem quantity",
        "Lineitem price",
        "Lineitem sku",
    ]
    for kind in ("products", "locations", "inventory"):
        with pytest.raises(FileRefused, match="lacks the columns"):
            read(kind, ["Email", "Total"], FIRST)


def test_amounts_of_a_file_saved_anew_by_a_spreadsheet():
    data = "Name;Created at;Lineitem quantity;Lineitem price;Lineitem sku;Total\n#1;22.11.2026;1;1.234,56;T-1;1.234,56\n#2;22.11.2026;1;1.234;T-1;1.234\n"
    first, second = reader("orders", "shopify").read(
        open_table(data.encode()), ReadSettings("EUR", ZoneInfo("Europe/Berlin"))
    )
    assert first.record.total == Decimal("1234.56")
    assert isinstance(second, RowError)
    table_ = open_table(data.encode())
    told = list(
        reader("orders", "shopify").read(table_, ReadSettings("EUR", ZoneInfo("Europe/Berlin"), decimal_mark=","))
    )
    assert told[1].record.total == Decimal(1234)


# Products -----------------------------------------------------------------------------------------------------------------

OLD = [
    "Handle",
    "Title",
    "Vendor",
    "Type",
    "Tags",
    "Status",
    "Option1 Name",
    "Option1 Value",
    "Variant SKU",
    "Variant Price",
    "Variant Grams",
    "Image Src",
]
NEW = [
    "URL handle",
    "Title",
    "Vendor",
    "Type",
    "Tags",
    "Status",
    "Option1 name",
    "Option1 value",
    "SKU",
    "Price",
    "Weight value (grams)",
    "Product image URL",
]


@pytest.mark.parametrize("columns", [OLD, NEW])
def test_old_and_new_column_names_of_products(columns):
    rows = [
        [
            "shirt",
            "Shirt",
            "ACME",
            "Tops",
            "men",
            "active",
            "Size",
            "M",
            "S-M",
            "19.90",
            "200",
            "a.jpg",
        ],
        ["shirt", "", "", "", "", "", "", "L", "S-L", "19.90", "210", ""],
        ["shirt", "", "", "", "", "", "", "", "", "", "", "b.jpg"],
        ["mug", "Mug", "ACME", "", "", "draft", "Title", "Default Title", "M-1", "5.00", "", ""],
    ]
    shirt, mug = read("products", columns, *[dict(zip(columns, row, strict=True)) for row in rows])
    assert [(v.sku, v.title, v.options, v.weight_grams) for v in shirt.record.variants] == [
        ("S-M", "Shirt – M", (("Size", "M"),), 200),
        ("S-L", "Shirt – L", (("Size", "L"),), 210),
    ]
    assert (shirt.line_from, shirt.line_to) == (2, 4)
    assert (shirt.record.active, mug.record.active) == (True, False)
    assert (mug.record.variants[0].title, mug.record.variants[0].options) == ("Mug", ())
    assert mug.record.variants[0].cost is None


def test_a_variant_that_cannot_be_read_does_not_hold_up_the_others():
    rows = [
        {
            "Handle": "shirt",
            "Title": "Shirt",
            "Variant SKU": "S-M",
            "Variant Price": "1.00",
            "Option1 Value": "M",
        },
        {"Handle": "shirt", "Variant SKU": "1E+05", "Variant Price": "1.00", "Option1 Value": "L"},
        {"Handle": "shirt", "Variant SKU": "S-M", "Variant Price": "1.00", "Option1 Value": "XL"},
        {"Handle": "shirt", "Variant SKU": "", "Variant Price": "1.00", "Option1 Value": "XXL"},
    ]
    *errors, parsed = read("products", OLD, *rows)
    assert [(error.line, error.field) for error in errors] == [
        (3, "Variant SKU"),
        (4, "Variant SKU"),
        (5, "Variant SKU"),
    ]
    assert [variant.sku for variant in parsed.record.variants] == ["S-M"]


def test_a_product_without_title_is_refused():
    (error,) = read("products", OLD, {"Handle": "shirt", "Variant SKU": "S-M"})
    assert (error.line, error.field) == (2, "Title")


# Locations and inventory ----------------------------------------------------------------------------------------------------

PLACES = [
    "Name",
    "Kind",
    "Address1",
    "City",
    "Zip",
    "Country",
    "Latitude",
    "Longitude",
    "Time zone",
    "Cut-off",
]


def test_a_location():
    row = {
        "Name": "Curitiba",
        "Kind": "3PL",
        "Zip": "'80240",
        "Country": "BR",
        "Latitude": "-25.4",
        "Longitude": "-49.2",
        "Cut-off": "14:30",
    }
    (item,) = read("locations", PLACES, row)
    record = item.record
    assert (record.kind, record.address.postal_code, record.latitude, record.cutoff) == (
        "3pl",
        "80240",
        Decimal("-25.4"),
        dt.time(14, 30),
    )
    assert (record.time_zone, record.active) == (None, None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"Name": "", "Kind": "store"}, "Name"), ({"Kind": "moon"}, "Kind"), ({"Latitude": "91", "Longitude": "0"}, "Latitude"), ({"Latitude": "1"}, "Latitude"),
        ({"Time zone": "Mars/Olympus"}, "Time zone"), ({"Time zone": "../etc/passwd"}, "Time zone"), ({"Cut-off": "25:00"}, "Cut-off"),
    ],
)  # fmt: skip
def test_a_wrong_location_names_its_field(changes, field):
    (error,) = read("locations", PLACES, {"Name": "Here", **changes})
    assert (error.line, error.field) == (2, field)


STOCK = [
    "SKU",
    "Location",
    "Bin name",
    "Unavailable (not editable)",
    "On hand (current)",
    "On hand (new)",
]


def test_what_a_merchant_has_filled_in_counts_before_the_current_count():
    rows = [
        {
            "SKU": "A",
            "Location": "X",
            "Bin name": "A-1",
            "Unavailable (not editable)": "1",
            "On hand (current)": "5",
        },
        {"SKU": "A", "Location": "Y", "On hand (current)": "5", "On hand (new)": "7"},
        {"SKU": "B", "Location": "X", "On hand (current)": "not stocked"},
    ]
    items = [item.record for item in read("inventory", STOCK, *rows)]
    assert [(item.location, item.on_hand, item.unavailable, item.bin) for item in items] == [
        ("X", 5, 1, "A-1"),
        ("Y", 7, None, ""),
        ("X", None, None, ""),
    ]


def test_wrong_counts_and_repeated_rows_are_refused():
    rows = [
        {"SKU": "A", "Location": "X", "On hand (current)": "5"},
        {"SKU": "A", "Location": "X", "On hand (current)": "6"},
        {"SKU": "A", "Location": "Y", "On hand (current)": "1.5"},
        {"SKU": "A", "Location": "Z", "On hand (current)": "-1"},
        {"SKU": "", "Location": "Z", "On hand (current)": "1"},
        {"SKU": "B", "Location": "Z", "On hand (current)": ""},
        {"SKU": "C", "Location": "Z", "Unavailable (not editable)": "6", "On hand (current)": "5"},
    ]
    items = read("inventory", STOCK, *rows)
    assert isinstance(items[0], Parsed)
    assert [(item.line, item.field) for item in items[1:]] == [
        (3, "SKU"), (4, "On hand (current)"), (5, "On hand (current)"), (6, "SKU"), (7, "On hand (current)"), (8, "Unavailable (not editable)"),
    ]  # fmt: skip


def test_older_exports_have_one_column_for_each_location():
    columns = ["Handle", "Title", "SKU", "HS Code", "COO", "Ottawa", "New York"]
    rows = [
        {"Handle": "mug", "SKU": "M", "Ottawa": "4", "New York": "not stocked"},
        {"Handle": "cap", "SKU": "C", "Ottawa": "x", "New York": "2"},
    ]
    items = read("inventory", columns, *rows)
    assert [(item.record.location, item.record.on_hand) for item in items if isinstance(item, Parsed)] == [
        ("Ottawa", 4),
        ("New York", None),
        ("New York", 2),
    ]
    assert [(item.line, item.field) for item in items if isinstance(item, RowError)] == [(3, "Ottawa")]
    assert ("Ottawa", "location") in reader("inventory", "shopify").mapping(table(columns))


def test_on_hand_is_added_up_where_only_its_parts_are_given():
    columns = ["SKU", "Location", "Available", "Committed", "Unavailable"]
    (item,) = read(
        "inventory",
        columns,
        {"SKU": "A", "Location": "X", "Available": "5", "Committed": "2", "Unavailable": "1"},
    )
    assert (item.record.on_hand, item.record.unavailable) == (8, 1)


def test_there_is_no_reader_for_what_is_unknown():
    with pytest.raises(LookupError):
        reader("orders", "papyrus")
