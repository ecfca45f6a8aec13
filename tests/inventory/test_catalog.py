"""Products, variants and locations as people write them."""

from __future__ import annotations

from datetime import time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.addresses import Address
from core.models import Place, TimelineEntry
from core.refusals import Invalid, NotFound, Refusal
from core.search import search
from core.timeline import entries_for
from core.timeline_text import lines_for
from inventory.gtin import check_digit, expected_check_digit
from inventory.models import Location, Product, Variant
from inventory.operations.catalog import delete_variant, save_product, save_variant
from inventory.operations.locations import save_location
from oms.orchestration.place_order import place_order
from routing.queries import load_sites
from tests.factories.shop import (
    ACTOR,
    NOW,
    give_stock,
    make_channel,
    make_location,
    make_order,
    make_variant,
    new_order,
)

pytestmark = pytest.mark.django_db


def product(**values) -> Product:
    return save_product(product_id=None, values={"title": "Żółta kurtka", **values}, actor=ACTOR, now=NOW)


def variant(of: Product, **values) -> Variant:
    values = {"sku": "KUR-M", "price": Decimal("12.50"), **values}
    return save_variant(variant_id=None, product_id=of.pk, values=values, actor=ACTOR, now=NOW)


def place(location: Location | None = None, **values) -> Location:
    if location is None:
        values = {"name": "Kraków", "code": "krk", "time_zone": "Europe/Warsaw", **values}
    return save_location(location_id=location.pk if location else None, values=values, actor=ACTOR, now=NOW)


def kinds(subject: str) -> list[str]:
    return [entry.kind for entry in entries_for(subject)][::-1]


# ---- products --------------------------------------------------------------------------------------------------------


def test_a_handle_is_made_of_the_title_and_is_free():
    assert [product().handle, product().handle, product().handle] == [
        "zolta-kurtka",
        "zolta-kurtka-2",
        "zolta-kurtka-3",
    ]
    assert product(title="کفش").handle == "کفش"
    assert product(title="!!!").handle == "product"


def test_a_change_keeps_its_difference_and_nothing_changed_keeps_nothing():
    found = product(tags=[" new ", "new", ""])
    assert found.tags == ["new"]
    for _n in range(2):
        save_product(product_id=found.pk, values={"vendor": "Acme", "active": False}, actor=ACTOR, now=NOW)
    assert kinds(found.subject) == ["product.added", "product.changed"]
    assert entries_for(found.subject)[0].data["changes"] == {"vendor": ["", "Acme"], "active": [True, False]}
    changes = lines_for(entries_for(found.subject))[0].changes
    assert {(one.field, one.before, one.after) for one in changes} == {("vendor", "—", "Acme"), ("active", "yes", "no")}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "  "),
        ("title", "x" * 256),
        ("handle", "a b"),
        ("handle", "taken"),
        ("handle", "-a"),
        ("tags", ["x" * 61]),
        ("tags", list("abcdefghijklmnopqrstuvwxyz" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ")),
    ],
)
def test_a_wrong_product_names_its_field_and_writes_nothing(field, value):
    product(title="Other", handle="taken")
    with pytest.raises(Invalid) as refused:
        product(**{field: value})
    assert refused.value.field == field
    assert Product.objects.count() == 1


def test_variants_that_were_called_after_the_product_follow_its_new_title():
    found = product()
    follows = variant(found, options={"Size": "M"})
    own = variant(found, sku="KUR-L", title="Own name")
    assert follows.title == "Żółta kurtka – M"
    save_product(product_id=found.pk, values={"title": "Blue coat"}, actor=ACTOR, now=NOW + timedelta(hours=1))
    follows.refresh_from_db()
    own.refresh_from_db()
    assert (follows.title, own.title) == ("Blue coat – M", "Own name")
    assert search(Variant.objects.all(), "coat").get() == follows
    assert not search(Variant.objects.all(), "kurtka").exists()
    assert kinds(follows.subject) == ["variant.added", "variant.changed"]
    assert kinds(own.subject) == ["variant.added"]


# ---- variants --------------------------------------------------------------------------------------------------------


def test_a_variant_is_found_by_sku_title_and_barcode_in_any_letter_form():
    found = variant(product(), sku="AB-12/c", barcode="5901234123457", options={"Renk": "Kırmızı"})
    for text in ("AB-12/c", "ab12c", "zolta", "KIRMIZI", "59012341"):
        assert search(Variant.objects.all(), text).get() == found
    save_variant(variant_id=found.pk, product_id=found.product_id, values={"sku": "ZZ-9"}, actor=ACTOR, now=NOW)
    assert not search(Variant.objects.all(), "ab12c").exists()
    assert search(Variant.objects.all(), "zz9").exists()


def test_a_taken_sku_says_whose_it_is():
    variant(product(), title="The first")
    with pytest.raises(Invalid) as refused:
        variant(product())
    assert (refused.value.code, refused.value.field) == ("sku_taken", "sku")
    assert str(refused.value) == "The SKU “KUR-M” is that of “The first”."


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sku", ""), ("sku", "\x00\n"), ("sku", "x" * 65), ("price", None), ("price", Decimal("-0.01")), ("price", Decimal("NaN")),
        ("price", Decimal("0.00001")), ("price", Decimal("1e10")), ("cost", Decimal(-1)), ("weight_grams", -1), ("length_mm", 2_000_000),
        ("hs_code", "12345"), ("hs_code", "6109x0"), ("origin_country", "XX"), ("options", {"": "M"}), ("options", {"Size": " "}),
        ("barcode", "1" * 65), ("title", "x" * 256),
    ],
)  # fmt: skip
def test_a_wrong_variant_names_its_field_and_writes_nothing(field, value):
    with pytest.raises(Invalid) as refused:
        variant(product(), **{field: value})
    assert refused.value.field == field
    assert not Variant.objects.exists()
    assert not TimelineEntry.objects.filter(kind="variant.added").exists()


def test_customs_data_is_written_one_way():
    found = variant(product(), hs_code="6109.10 00", origin_country="pl", cost=Decimal("3.1"))
    assert (found.hs_code, found.origin_country) == ("61091000", "PL")
    same = {"hs_code": "61091000", "cost": Decimal("3.1000"), "price": Decimal("12.5")}
    save_variant(variant_id=found.pk, product_id=found.product_id, values=same, actor=ACTOR, now=NOW)
    assert kinds(found.subject) == ["variant.added"]


def test_a_variant_of_another_product_is_not_found():
    found = variant(product())
    with pytest.raises(NotFound):
        save_variant(variant_id=found.pk, product_id=product().pk, values={"sku": "X"}, actor=ACTOR, now=NOW)


def test_what_nothing_speaks_of_can_be_deleted_and_what_was_used_cannot():
    unused = variant(product())
    delete_variant(variant_id=unused.pk, actor=ACTOR, now=NOW)
    assert not Variant.objects.exists()
    assert "variant.deleted" in kinds(unused.product.subject)
    stocked, sold = make_variant(), make_variant()
    give_stock(stocked, make_location(), 1)
    place_order(new_order(make_channel(), [(sold.sku, 1)]), actor=ACTOR, now=NOW)
    for used in (stocked, sold):
        with pytest.raises(Refusal, match="Switch it off") as refused:
            delete_variant(variant_id=used.pk, actor=ACTOR, now=NOW)
        assert refused.value.code == "variant_in_use"
    assert Variant.objects.count() == 2


@pytest.mark.parametrize(
    ("barcode", "digit"),
    [
        ("5901234123457", None),
        ("5901234123450", "7"),
        ("036000291452", None),
        ("036000291453", "2"),
        ("96385074", None),
        ("ABC", None),
        ("123", None),
        ("", None),
        ("٥٩٠١٢٣٤١٢٣٤٥٠", None),
    ],
)
def test_a_gtin_with_a_wrong_check_digit_is_told_from_a_code_of_ones_own(barcode, digit):
    assert expected_check_digit(barcode) == digit


@given(st.text("0123456789", min_size=12, max_size=12), st.integers(0, 12), st.integers(1, 9))
def test_the_check_digit_catches_every_single_wrong_digit(digits, at, by):
    code = digits + check_digit(digits)
    assert expected_check_digit(code) is None
    wrong = code[:at] + str((int(code[at]) + by) % 10) + code[at + 1 :]
    assert expected_check_digit(wrong) is not None


# ---- locations -------------------------------------------------------------------------------------------------------


def test_coordinates_that_are_left_empty_are_found_by_the_city():
    Place.objects.create(country="PL", key="rzeszow", latitude=50.04, longitude=22.0)
    found = place(address=Address(city="Rzeszów", country="PL"))
    assert (found.latitude, found.longitude, found.country, found.code) == (50.04, 22.0, "PL", "KRK")
    place(found, latitude=50.1, longitude=22.1)
    found.refresh_from_db()
    assert found.latitude == 50.1
    unknown = place(name="Elsewhere", code="E", address=Address(city="Nowhere at all", country="PL"))
    assert unknown.latitude is None


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", {"name": " "}), ("name", {"name": "Taken"}), ("code", {"code": "TK"}), ("code", {"code": "tk"}), ("code", {"code": ""}),
        ("code", {"code": "a b"}), ("code", {"code": "X" * 13}), ("kind", {"kind": "moon"}), ("time_zone", {"time_zone": "Mars/Olympus"}),
        ("time_zone", {"time_zone": "../etc/passwd"}), ("ships_to", {"ships_to": ["PL", "QQ"]}), ("longitude", {"latitude": 50.0}),
        ("latitude", {"longitude": 50.0}), ("latitude", {"latitude": 91.0, "longitude": 0.0}), ("longitude", {"latitude": 0.0, "longitude": float("nan")}),
        ("country", {"address": Address(country="QQ")}), ("postal_code", {"address": Address(country="PL", postal_code="12345")}),
        ("daily_capacity", {"daily_capacity": -1}), ("rank", {"rank": 40_000}), ("handling_days", {"handling_days": 400}),
    ],
)  # fmt: skip
def test_a_wrong_location_names_its_field_and_writes_nothing(field, values):
    make_location("Taken", code="TK")
    with pytest.raises(Invalid) as refused:
        place(**values)
    assert refused.value.field == field
    assert Location.objects.count() == 1


def test_a_change_of_a_location_reads_as_a_difference():
    found = place(address=Address(line1="Rynek 1", city="Kraków", country="PL"))
    place(
        found,
        ships_to=["pl", "DE"],
        cutoff=time(14, 0),
        channel_ids=[7, 3, 7],
        address=Address(line1="Rynek 2", city="Kraków", country="PL"),
    )
    changes = {one.field: (one.before, one.after) for one in lines_for(entries_for(found.subject))[0].changes}
    assert changes["ships to"] == ("everywhere", "DE, PL")
    assert changes["channels"] == ("all", "2 channels")
    assert changes["cut-off"] == ("—", "14:00:00")
    assert "Rynek 2" in changes["address"][1]


def test_a_location_in_use_is_switched_off_only_when_that_was_confirmed():
    variant_here, location = make_variant(), make_location("Busy")
    give_stock(variant_here, location, 5)
    make_order(lines=[(variant_here.sku, 2)])
    with pytest.raises(Refusal, match="Units at Busy: 5 on hand, 2 of them reserved") as refused:
        place(location, active=False)
    assert refused.value.code == "location_in_use"
    location.refresh_from_db()
    assert location.active
    save_location(location_id=location.pk, values={"active": False}, actor=ACTOR, now=NOW, confirmed=True)
    assert location.pk not in load_sites()
    assert place(make_location("Empty"), active=False).active is False


def test_routing_serves_only_the_channels_that_a_location_is_for():
    web, shop = make_channel(), make_channel()
    sold, location = make_variant(), make_location()
    give_stock(sold, location, 10)
    place(location, channel_ids=[web.pk])
    assert load_sites()[location.pk].channels == frozenset({web.pk})
    assert make_order(web, [(sold.sku, 1)]).lines.get().allocated == 1
    assert make_order(shop, [(sold.sku, 1)]).lines.get().allocated == 0
