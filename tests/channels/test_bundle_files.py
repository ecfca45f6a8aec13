"""Bundles from a file, and back into one."""

from __future__ import annotations

import pytest

from inventory.bundles import exported_bundles
from inventory.models import BundleComponent, Variant
from tests.channels.files import bring_in, counts, csv_file, errors
from tests.factories.bundles import make_bundle
from tests.factories.shop import give_stock, make_location, make_variant

pytestmark = pytest.mark.django_db


def bundles_file(*rows: tuple[str, str, object]) -> bytes:
    return csv_file(*({"bundle_sku": b, "component_sku": c, "quantity": str(n)} for b, c, n in rows))


@pytest.fixture
def shop(db):
    for sku in ("LAMP", "BULB", "SET", "PAIR"):
        make_variant(sku)


def test_bundles_come_in_once_and_only_changes_change_them(shop):
    rows = [("SET", "LAMP", 1), ("SET", "BULB", 2), ("PAIR", "BULB", 2)]
    assert counts(bring_in("bundles", bundles_file(*rows))) == (2, 0, 0, 0)
    assert list(exported_bundles()) == [("PAIR", "BULB", 2), ("SET", "LAMP", 1), ("SET", "BULB", 2)]
    assert counts(bring_in("bundles", bundles_file(*exported_bundles()))) == (0, 0, 2, 0)
    assert counts(bring_in("bundles", bundles_file(("SET", "BULB", 3), *rows[2:]))) == (0, 1, 1, 0)
    assert list(exported_bundles()) == [("PAIR", "BULB", 2), ("SET", "BULB", 3)]
    assert Variant.objects.get(sku="SET").is_bundle


def test_what_cannot_be_is_refused_by_line_and_the_rest_is_taken(shop):
    give_stock(make_variant("STOCKED"), make_location(), 1)
    make_bundle("NESTED", {Variant.objects.get(sku="LAMP"): 1})
    run = bring_in(
        "bundles",
        bundles_file(
            ("SET", "LAMP", 1), ("SET", "NOPE", 1),
            ("NO-SUCH", "LAMP", 1),
            ("STOCKED", "LAMP", 1),
            ("PAIR", "BULB", 0),
            ("SET2", "LAMP", "two"),
            ("LAMP", "BULB", 1),
            ("BULB", "NESTED", 1),
        ),
    )  # fmt: skip
    assert counts(run) == (0, 0, 0, 7)
    assert [(line, field) for line, field, _message in errors(run)] == [
        (3, "component_sku"), (4, "bundle_sku"), (5, ""), (6, "quantity"), (7, "quantity"), (8, ""), (9, "component_sku"),
    ]  # fmt: skip
    assert BundleComponent.objects.count() == 1


def test_a_component_named_twice_and_a_missing_column_are_named(shop):
    run = bring_in("bundles", bundles_file(("SET", "LAMP", 1), ("SET", "LAMP", 2)))
    assert counts(run) == (0, 0, 0, 1) and "line 2" in errors(run)[0][2]
    from channels.formats import FileRefused

    with pytest.raises(FileRefused) as refusal:
        bring_in("bundles", csv_file({"bundle_sku": "SET", "component_sku": "LAMP"}))
    assert "quantity" in refusal.value.message
