"""The pages of products, the stock list and its bulk actions."""

from __future__ import annotations

import csv
import io
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.models import Shop
from inventory.models import Product, StockLevel, StockMovement, Variant
from inventory.operations import adjust_stock
from inventory.operations.auditing import audit_stock
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db
VARIANT = {"sku": "NEW-1", "price": "12.50", "weight_grams": "100", "requires_shipping": "on", "active": "on"}


def text_of(response) -> str:
    return response.content.decode()


def queries_of(client, url: str) -> int:
    client.get(url)  # what is remembered between requests is remembered now
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def skus(response) -> list[str]:
    return re.findall(r'href="/stock/\d+/"><bdi>([^<]+)</bdi>', text_of(response))


def rows_of(response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


# ---- products --------------------------------------------------------------------------------------------------------


def test_a_product_is_written_down_with_its_variants(client_as):
    client = client_as("operations")
    answer = client.post(reverse("product-new"), {"title": "Tent", "tags": "camp, new", "active": "on"})
    product = Product.objects.get()
    assert (product.handle, product.tags) == ("tent", ["camp", "new"])
    assert answer.url == reverse("variant-new", args=[product.pk])
    answer = client.post(
        answer.url, VARIANT | {"options": "Color: Moss\nSize: 2", "barcode": "5901234123450", "cost": ""}, follow=True
    )
    variant = Variant.objects.get()
    assert (variant.title, variant.options, variant.cost) == ("Tent – Moss / 2", {"Color": "Moss", "Size": "2"}, None)
    page = text_of(answer)
    assert "its check digit would be 7" in page
    assert "Check digit should be 7" in page
    assert "NEW-1 added." in page


def test_a_refused_form_names_its_field_and_keeps_what_was_written(client_as):
    make_variant("TAKEN", title="The tent")
    product = make_variant().product
    client = client_as("operations")
    answer = client.post(reverse("variant-new", args=[product.pk]), VARIANT | {"sku": "TAKEN", "hs_code": "630622"})
    assert answer.status_code == 422
    assert answer.context["form"].errors == {"sku": ["The SKU “TAKEN” is that of “The tent”."]}
    assert 'value="630622"' in text_of(answer)
    for field, value in (
        ("price", "-1"),
        ("price", "x"),
        ("hs_code", "1"),
        ("options", "no colon"),
        ("origin_country", "QQ"),
        ("weight_grams", "-1"),
    ):
        answer = client.post(reverse("variant-new", args=[product.pk]), VARIANT | {field: value})
        assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert Variant.objects.count() == 2


def test_a_variant_is_changed_and_its_page_keeps_the_name_while_the_form_is_wrong(client_as):
    variant = make_variant("OLD-1")
    url = reverse("variant", args=[variant.pk])
    client = client_as("operations")
    wrong = client.post(url, VARIANT | {"price": ""})
    assert wrong.status_code == 422
    assert "<h1><bdi>OLD-1</bdi></h1>" in text_of(wrong)
    assert client.post(url, VARIANT).url == reverse("product", args=[variant.product_id])
    variant.refresh_from_db()
    assert (variant.sku, str(variant.price), variant.active) == ("NEW-1", "12.5000", True)
    assert 'value="12.50"' in text_of(client.get(url))


def test_a_product_page_shows_measures_money_and_where_it_lies(client_as):
    Shop.objects.update_or_create(id=1, defaults={"name": "S", "currency": "PLN"})
    variant = make_variant(
        "TENT-1",
        weight_grams=2400,
        length_mm=600,
        width_mm=200,
        height_mm=150,
        hs_code="630622",
        origin_country="PL",
        barcode="5901234123457",
    )
    level = give_stock(variant, make_location("Main"), 7, bin="A-1")
    page = text_of(client_as("viewer").get(reverse("product", args=[variant.product_id])))
    for words in (
        "TENT-1",
        "2,400",
        "600 × 200 × 150",
        "630622",
        "PLN",
        "Main",
        "A-1",
        reverse("stock-level", args=[level.pk]),
    ):
        assert words in page
    assert "Check digit" not in page
    assert reverse("product-edit", args=[variant.product_id]) not in page


def test_products_are_switched_off_and_on_and_twice_is_once(client_as):
    variant = make_variant()
    client = client_as("operations")
    url = reverse("product-switch", args=[variant.product_id])
    for _n in range(2):
        client.post(url, {"active": "no"})
    assert not Product.objects.get().active
    assert text_of(client.get(reverse("products"))).count(f"/products/{variant.product_id}/") == 0
    assert str(variant.product.title) in text_of(client.get(reverse("products"), {"tab": "off"}))
    client.post(url, {"active": "yes"})
    assert Product.objects.get().active


def test_a_used_variant_is_not_deleted_but_an_unused_one_is(client_as):
    used, unused = make_variant("USED"), make_variant("UNUSED")
    give_stock(used, make_location(), 1)
    client = client_as("operations")
    assert "Switch it off instead" in text_of(client.get(reverse("variant", args=[used.pk])))
    assert client.post(reverse("variant-delete", args=[used.pk])).status_code == 409
    assert "Delete this variant" in text_of(client.get(reverse("variant", args=[unused.pk])))
    assert client.post(reverse("variant-delete", args=[unused.pk])).status_code == 302
    assert client.post(reverse("variant-delete", args=[unused.pk])).status_code == 404
    assert list(Variant.objects.values_list("sku", flat=True)) == ["USED"]


def test_products_are_found_by_title_sku_and_barcode_and_filtered_by_stock(client_as):
    tent, mug = make_variant("TENT-1", search_text="tent 1 tent1 590"), make_variant("MUG-1", search_text="mug 1 mug1")
    give_stock(mug, make_location(), 2)
    client = client_as("viewer")

    def shown(**words):
        return set(re.findall(r'href="/products/(\d+)/"><bdi>', text_of(client.get(reverse("products"), words))))

    assert shown(q="TENT-1") == shown(q="590") == shown(stock="none") == {str(tent.product_id)}
    assert shown(stock="some") == shown(q="mug") == {str(mug.product_id)}
    assert shown(q=tent.product.title) == {str(tent.product_id)}
    assert shown(q="nothing") == set()


def test_markup_in_names_is_shown_as_text(client_as):
    variant = make_variant("<b>&'\"", title="<script>alert(1)</script>", barcode="<i>")
    level = give_stock(variant, make_location("<u>loc</u>"), 1)
    client = client_as("owner")
    for url in (
        reverse("product", args=[variant.product_id]),
        reverse("stock"),
        reverse("stock-level", args=[level.pk]),
        reverse("variant", args=[variant.pk]),
        reverse("location", args=[level.location_id]),
    ):
        page = text_of(client.get(url))
        assert "<script>alert" not in page and "<u>loc" not in page and "<b>&" not in page


# ---- the stock list --------------------------------------------------------------------------------------------------


@pytest.fixture
def shelf():
    """Two places, five SKUs, each in another condition."""
    near, far = make_location("Near"), make_location("Far")
    full, reserved, damaged, negative, empty = (
        make_variant(sku, barcode=f"590{sku}") for sku in ("A-FULL", "B-RES", "C-DAM", "D-NEG", "E-NIL")
    )
    give_stock(full, near, 9, bin="A-01-1")
    give_stock(full, far, 4, bin="B-02-1")
    give_stock(reserved, near, 3)
    make_order(lines=[(reserved.sku, 2)])
    give_stock(damaged, near, 5)
    adjust_stock(
        variant_id=damaged.pk, location_id=near.pk, bucket="damaged", quantity=1, reason="damaged", actor=ACTOR, now=NOW
    )
    give_stock(negative, near, 2)
    adjust_stock(
        variant_id=negative.pk,
        location_id=near.pk,
        bucket="safety_stock",
        set_to=5,
        reason="safety",
        actor=ACTOR,
        now=NOW,
    )
    give_stock(empty, far, 6, bucket="incoming")
    return near, far


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({}, ["A-FULL", "A-FULL", "B-RES", "C-DAM", "D-NEG", "E-NIL"]),
        ({"sort": "-sku"}, ["E-NIL", "D-NEG", "C-DAM", "B-RES", "A-FULL", "A-FULL"]),
        ({"tab": "available"}, ["A-FULL", "A-FULL", "B-RES", "C-DAM"]),
        ({"tab": "out"}, ["D-NEG", "E-NIL"]),
        ({"tab": "reserved"}, ["B-RES"]),
        ({"tab": "set-aside"}, ["C-DAM"]),
        ({"tab": "incoming"}, ["E-NIL"]),
        ({"q": "a-f"}, ["A-FULL", "A-FULL"]),
        ({"sku": "A-FULL"}, ["A-FULL", "A-FULL"]),
        ({"sku": "590C-DAM"}, ["C-DAM"]),
        ({"sku": "A-FUL"}, []),
        ({"bin": "A-01"}, ["A-FULL"]),
        ({"condition": "reserved"}, ["B-RES"]),
        ({"condition": "negative"}, ["D-NEG"]),
        ({"condition": "out"}, ["D-NEG", "E-NIL"]),
        ({"condition": "safety"}, ["D-NEG"]),
        ({"condition": "empty"}, ["E-NIL"]),
        ({"condition": "set_aside"}, ["C-DAM"]),
        ({"available_to": "0"}, ["D-NEG", "E-NIL"]),
        ({"available_to": "1"}, ["B-RES", "D-NEG", "E-NIL"]),
        ({"available_from": "4", "available_to": "4"}, ["A-FULL", "C-DAM"]),
    ],
)
def test_the_stock_list_finds_what_is_asked_for(client_as, shelf, words, expected):
    Variant.objects.filter(sku="A-FULL").update(search_text="a full afull")
    assert skus(client_as("viewer").get(reverse("stock"), words)) == expected


def test_the_stock_list_is_narrowed_to_a_location(client_as, shelf):
    _near, far = shelf
    assert skus(client_as("viewer").get(reverse("stock"), {"location": far.pk})) == ["A-FULL", "E-NIL"]


def test_cursor_pages_by_sku_give_every_level_once_forwards_and_backwards(client_as, monkeypatch):
    from inventory.views.stock import stock_list

    monkeypatch.setattr(stock_list.list_page, "page_size", 4, raising=False)
    places = [make_location() for _n in range(3)]
    for sku in ("C", "A", "B", "D"):
        variant = make_variant(sku)
        for place in places:
            give_stock(variant, place, 1)
    client = client_as("viewer")

    def walk(url, rel):
        seen = []
        while url:
            page = client.get(url)
            seen.append(re.findall(r'href="/stock/(\d+)/"><bdi>', text_of(page)))
            found = re.search(rf'rel="{rel}" href="([^"]+)"', text_of(page))
            last, url = url, found and found[1].replace("&amp;", "&")
        return seen, last

    forwards, last = walk(reverse("stock"), "next")
    expected = list(StockLevel.objects.order_by("variant__sku", "location_id").values_list("pk", flat=True))
    assert [int(pk) for page in forwards for pk in page] == expected
    assert len(forwards) == 3
    backwards, _first = walk(last, "prev")
    assert [int(pk) for page in reversed(backwards) for pk in page] == expected


def test_a_page_far_down_by_sku_begins_at_the_index():
    from core.listing.keyset import Keyset

    level = give_stock(make_variant("M"), make_location(), 1)
    keyset = Keyset(("variant__sku", "location_id", "id"))
    cursor = keyset.cursor(level)
    with CaptureQueriesContext(connection) as queries:
        keyset.page(StockLevel.objects.select_related("variant"), size=2, after=cursor)
    assert '"inventory_variant"."sku" >= \'M\'' in queries[0]["sql"]


@pytest.mark.parametrize("name", ["products", "stock", "locations"])
def test_lists_ask_the_same_number_of_questions_for_any_number_of_rows(client_as, name):
    client = client_as("owner")
    counts = []
    for n in (1, 4):
        for _k in range(n):
            give_stock(make_variant(), make_location(daily_capacity=9), 3)
        counts.append(queries_of(client, reverse(name)))
    assert counts[0] == counts[1]


def test_product_and_location_pages_ask_the_same_number_of_questions_for_any_number_of_rows(client_as):
    client = client_as("owner")
    place = make_location()
    variant = make_variant()
    counts = []
    for n in (1, 4):
        for _k in range(n):
            more = make_variant()
            Variant.objects.filter(pk=more.pk).update(product=variant.product)
            give_stock(more, place, 2)
            give_stock(more, make_location(), 2)
        counts.append(
            (
                queries_of(client, reverse("product", args=[variant.product_id])),
                queries_of(client, reverse("location", args=[place.pk])),
            )
        )
    assert counts[0] == counts[1]


def test_stock_is_exported_with_every_bucket_and_without_formulas(client_as, shelf):
    variant = make_variant("=1+1")
    give_stock(variant, shelf[0], 1, bin="@bin")
    rows = rows_of(client_as("warehouse").get(reverse("stock"), {"export": "csv", "location": shelf[0].pk}))
    by_sku = {row["SKU"]: row for row in rows}
    assert by_sku["D-NEG"]["Available"] == "-3"
    assert by_sku["B-RES"]["Reserved"] == "2"
    assert by_sku["'=1+1"]["Bin"] == "'@bin"
    sheet = client_as("warehouse").get(reverse("stock"), {"export": "xlsx"})
    assert b"".join(sheet.streaming_content)[:2] == b"PK"


# ---- many rows at once -----------------------------------------------------------------------------------------------


def act(client, action: str, ids, **fields):
    return client.post(reverse("stock"), {"action": action, "id": list(ids), "confirmed": "1", **fields})


def test_safety_stock_is_set_on_many_levels_through_the_ledger_and_twice_is_once(client_as, shelf):
    client = client_as("warehouse")
    ids = list(StockLevel.objects.filter(variant__sku="A-FULL").values_list("pk", flat=True))
    before = StockMovement.objects.count()
    for _n in range(2):
        assert "2 rows done" in text_of(act(client, "safety", ids, set_to="3"))
    assert set(StockLevel.objects.filter(pk__in=ids).values_list("safety_stock", flat=True)) == {3}
    assert StockMovement.objects.count() == before + 2
    assert not audit_stock()


def test_a_count_that_cannot_be_is_refused_by_row_and_the_others_are_set(client_as, shelf):
    ids = list(StockLevel.objects.filter(variant__sku__in=["A-FULL", "B-RES"]).values_list("pk", flat=True))
    page = text_of(
        act(client_as("warehouse"), "count", ids, bucket="on_hand", set_to="1", reason="counted", note="shelf")
    )
    assert "2 rows done, 1 refused" in page
    assert "B-RES · Near" in page
    assert "2 units are reserved or set aside" in page
    assert sorted(StockLevel.objects.filter(pk__in=ids).values_list("on_hand", flat=True)) == [1, 1, 3]
    assert not audit_stock()


def test_bins_are_set_on_many_levels_with_their_history(client_as, shelf):
    client = client_as("warehouse")
    level = StockLevel.objects.get(variant__sku="B-RES")
    assert "1 row done" in text_of(act(client, "bin", [level.pk], bin_name=" C-03  1 "))
    level.refresh_from_db()
    assert level.bin == "C-03 1"
    assert "Bin changed from — to C-03 1." in text_of(client.get(reverse("stock-level", args=[level.pk])))


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("safety", {"set_to": "-1"}),
        ("safety", {}),
        ("count", {"bucket": "reserved", "set_to": "1", "reason": "counted"}),
        ("count", {"bucket": "on_hand", "set_to": "1", "reason": "shipped"}),
        ("bin", {"bin_name": "x" * 41}),
    ],
)
def test_a_wrong_bulk_form_asks_again_and_changes_nothing(client_as, shelf, action, fields):
    level = StockLevel.objects.get(variant__sku="B-RES")
    before = StockMovement.objects.count()
    act(client_as("warehouse"), action, [level.pk], **fields)
    level.refresh_from_db()
    assert (level.on_hand, level.safety_stock, level.bin, StockMovement.objects.count()) == (3, 0, "", before)


def test_many_levels_take_the_same_number_of_statements(client_as):
    from inventory.operations.many_levels import adjust_many

    counts = []
    for n in (1, 6):
        levels = [give_stock(make_variant(), make_location(), 1) for _k in range(n)]
        keys = [(level.variant_id, level.location_id) for level in levels]
        with CaptureQueriesContext(connection) as queries:
            adjust_many(keys=keys, bucket="on_hand", set_to=9, reason="counted", actor=ACTOR, now=NOW)
        counts.append(len([q for q in queries if "SAVEPOINT" not in q["sql"]]))
    assert counts[0] == counts[1]
