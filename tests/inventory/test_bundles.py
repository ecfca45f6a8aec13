"""Bundles in the catalogue: what they are made of, what is refused, and what can be promised of them."""

from __future__ import annotations

from collections import Counter
from threading import Barrier
from time import sleep

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.models import TimelineEntry
from core.refusals import Invalid, Refusal
from inventory.bundles import available_as_bundles, bundle_availability, bundles_with, products_with_bundles
from inventory.models import Location, Product, StockLevel, Variant
from inventory.operations import adjust_stock
from inventory.operations.auditing import audit_stock
from inventory.operations.bundles import set_components
from inventory.operations.levels import create_levels, lock_levels
from oms.orchestration.change_bundle import change_bundle
from tests.factories.bundles import make_bundle
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db
BY = {"actor": ACTOR, "now": NOW}


def test_a_bundle_is_made_changed_and_undone_with_its_history():
    lamp, bulb, kit = make_variant("LAMP"), make_variant("BULB"), make_variant("KIT")
    assert set_components(variant_id=kit.pk, components={lamp.pk: 1, bulb.pk: 2}, **BY).is_bundle
    set_components(variant_id=kit.pk, components={lamp.pk: 1, bulb.pk: 3}, **BY)
    set_components(variant_id=kit.pk, components={lamp.pk: 1, bulb.pk: 3}, **BY)
    assert [(part.component, part.quantity) for part in kit.components.order_by("id")] == [(lamp, 1), (bulb, 3)]
    assert bundles_with([bulb.pk])[bulb.pk][0][0] == kit and bundles_with([bulb.pk])[bulb.pk][0][1] == 3
    assert not set_components(variant_id=kit.pk, components={}, **BY).is_bundle
    told = TimelineEntry.objects.filter(subject=kit.subject).order_by("id")
    assert list(told.values_list("kind", flat=True)) == ["bundle.made", "bundle.changed", "bundle.undone"]
    assert told[1].data["before"] == ["1 × LAMP", "2 × BULB"] and told[1].data["after"] == ["1 × LAMP", "3 × BULB"]


def test_what_cannot_be_a_bundle_or_a_component():
    lamp, kit, off = make_variant("LAMP"), make_variant("KIT"), make_variant("OFF", active=False)
    followed = make_variant("LOTS", tracking="lot")
    bundle = make_bundle("SET", {lamp: 1})
    cases = [
        (kit, {bundle.pk: 1}, "nested_bundle"),
        (lamp, {kit.pk: 1}, "nested_bundle"),
        (kit, {kit.pk: 1}, "own_component"),
        (kit, {off.pk: 1}, "component_off"),
        (kit, {lamp.pk: 0}, "bad_quantity"),
        (kit, {lamp.pk + 1000: 1}, "no_such_component"),
        (followed, {lamp.pk: 1}, "bundle_is_tracked"),
    ]
    for variant, components, code in cases:
        with pytest.raises(Refusal) as refusal:
            set_components(variant_id=variant.pk, components=components, **BY)
        assert refusal.value.code == code
        if isinstance(refusal.value, Invalid):
            assert refusal.value.field == f"component-{next(iter(components))}"


def test_what_is_stocked_is_no_bundle_and_a_bundle_is_not_stocked():
    lamp, kit, place = make_variant("LAMP"), make_variant("KIT"), make_location()
    give_stock(kit, place, 2)
    with pytest.raises(Refusal, match="stocked"):
        set_components(variant_id=kit.pk, components={lamp.pk: 1}, **BY)
    adjust_stock(variant_id=kit.pk, location_id=place.pk, set_to=0, reason="counted", **BY)
    set_components(variant_id=kit.pk, components={lamp.pk: 1}, **BY)
    assert not StockLevel.objects.filter(variant=kit).exists()
    with pytest.raises(Refusal) as refusal:
        adjust_stock(variant_id=kit.pk, location_id=place.pk, quantity=1, reason="counted", **BY)
    assert refusal.value.code == "bundle_is_not_stocked"
    with pytest.raises(IntegrityError, match="bundle_holds_no_stock"), transaction.atomic():
        StockLevel.objects.create(variant=kit, location=place)
    assert audit_stock() == []


def test_what_open_orders_wait_for_is_not_made_a_bundle():
    lamp, kit = make_variant("LAMP"), make_variant("KIT")
    make_location()
    order = make_order(lines=[("KIT", 1)])
    with pytest.raises(Refusal) as refusal:
        change_bundle(variant_id=kit.pk, components={lamp.pk: 1}, **BY)
    assert refusal.value.code == "bundle_is_waited_for" and order.number in refusal.value.message
    kit.refresh_from_db()
    assert not kit.is_bundle


def test_orders_keep_what_they_were_sold_with():
    lamp, bulb = make_variant("LAMP"), make_variant("BULB")
    kit, place = make_bundle("KIT", {lamp: 1}), make_location()
    give_stock(lamp, place, 5), give_stock(bulb, place, 5)
    first = make_order(lines=[("KIT", 1)])
    change_bundle(variant_id=kit.pk, components={bulb.pk: 2}, **BY)
    second = make_order(lines=[("KIT", 1)])
    change_bundle(variant_id=kit.pk, components={}, **BY)
    assert [list(order.lines.values_list("sku", "ordered")) for order in (first, second)] == [
        [("LAMP", 1)],
        [("BULB", 2)],
    ]
    assert first.bundles.get().sku == "KIT"


def test_availability_is_exact_at_each_location_and_in_total(django_assert_num_queries):
    lamp, bulb, paper = make_variant("LAMP"), make_variant("BULB"), make_variant("PAPER", requires_shipping=False)
    here, there, closed = make_location(), make_location(), make_location(active=False)
    kit, empty = make_bundle("KIT", {lamp: 1, bulb: 2, paper: 1}), make_bundle("EMPTY", {paper: 1})
    give_stock(lamp, here, 4), give_stock(bulb, here, 5), give_stock(lamp, there, 1), give_stock(bulb, there, 1)
    give_stock(lamp, closed, 50), give_stock(bulb, closed, 50)
    with django_assert_num_queries(1):
        found = bundle_availability([kit.pk, empty.pk])
    assert found[kit.pk].places == {here.pk: 2} and found[kit.pk].together == 2
    assert found[kit.pk].total == 3 and found[kit.pk].limits == {lamp.pk: 5, bulb.pk: 3}
    assert found[empty.pk].total is None and found[empty.pk].places == {}
    assert Product.objects.annotate(sets=available_as_bundles()).get(pk=kit.product_id).sets == 3
    assert list(products_with_bundles(available=True)) == [kit.product]


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_availability_is_what_a_packer_would_count(data):
    with transaction.atomic():
        variants = [make_variant() for _n in range(4)]
        places = [make_location() for _n in range(3)]
        stock: Counter[tuple[int, int]] = Counter()
        for variant in variants:
            for place in places:
                if units := data.draw(st.integers(0, 12)):
                    give_stock(variant, place, units)
                    stock[variant.pk, place.pk] = units
        recipes = {}
        for n in range(2):
            parts = data.draw(st.dictionaries(st.sampled_from(range(4)), st.integers(1, 4), min_size=1))
            bundle = make_bundle("", {variants[i]: q for i, q in parts.items()})
            recipes[bundle.pk] = {variants[i].pk: q for i, q in parts.items()}
            del n
        found = bundle_availability(recipes)
        for pk, recipe in recipes.items():
            everywhere: Counter[int] = Counter()
            for (variant_id, _place), units in stock.items():
                everywhere[variant_id] += units
            assert found[pk].total == _packed(everywhere, recipe)
            for place in places:
                here = Counter({v: stock[v, place.pk] for v in recipe})
                assert found[pk].places.get(place.pk, 0) == _packed(here, recipe)
        transaction.set_rollback(True)
    assert Location.objects.count() == 0


def _packed(units: Counter[int], recipe: dict[int, int]) -> int:
    """Pack one bundle after the other until something is missing."""
    left, packed = Counter(units), 0
    while all(left[variant] >= quantity for variant, quantity in recipe.items()):
        left.subtract(recipe)
        packed += 1
    return packed


def test_what_moves_to_a_new_place_while_it_becomes_a_bundle_goes_on(committed, threads) -> None:
    """The mover refers to the variant's row and then wants its levels; the maker of the bundle has those and wants the row."""
    part, moving = make_variant(), make_variant()
    old, new = make_location(), make_location()
    StockLevel.objects.create(variant=moving, location=old)
    referred, begun = Barrier(2, timeout=20), Barrier(2, timeout=20)

    def move() -> str:
        with transaction.atomic():
            create_levels([(moving.pk, old.pk), (moving.pk, new.pk)])
            referred.wait()
            begun.wait()
            sleep(0.1)  # the other has the levels by now, and waits for the row
            lock_levels([(moving.pk, old.pk), (moving.pk, new.pk)])
        return "moved"

    def make() -> str:
        referred.wait()
        begun.wait()
        try:
            set_components(variant_id=moving.pk, components={part.pk: 1}, actor=ACTOR, now=NOW)
        except Refusal as refusal:
            return refusal.code
        return "made"

    assert threads(2, lambda n: (move, make)[n]()) == ["moved", "stock_is_moving"]
    assert not Variant.objects.get(pk=moving.pk).is_bundle
    set_components(variant_id=moving.pk, components={part.pk: 1}, actor=ACTOR, now=NOW)
