"""A file of products may say how each variant is followed."""

from __future__ import annotations

import pytest

from inventory.models import Variant
from inventory.operations.auditing import audit_stock
from tests.channels.files import bring_in, csv_file, errors
from tests.factories.shop import give_stock, make_location, make_variant
from tests.inventory.test_lots import counts, put

pytestmark = pytest.mark.django_db


def rows(**tracking: str) -> bytes:
    lines = [
        {"Handle": sku.lower(), "Title": sku, "Variant SKU": sku, "Variant Price": "1.00", "Followed by": value}
        for sku, value in tracking.items()
    ]
    return csv_file(*lines)


def tracking() -> dict[str, str]:
    return dict(Variant.objects.values_list("sku", "tracking"))


def test_new_and_known_variants_are_followed_as_the_file_says():
    bring_in("products", rows(MILK="Lot", PHONE="serial number", TEE="", MUG="none"))
    assert tracking() == {"MILK": "lot", "PHONE": "serial", "TEE": "none", "MUG": "none"}
    place = make_location()
    give_stock(Variant.objects.get(sku="TEE"), place, 3)
    bring_in("products", rows(TEE="lot", MILK=""))
    assert tracking()["TEE"] == "lot" and tracking()["MILK"] == "lot"
    assert counts(Variant.objects.get(sku="TEE"), place) == {"": 3} and audit_stock() == []


def test_a_file_does_not_make_lots_forgotten():
    bring_in("products", rows(MILK="lot"))
    put(Variant.objects.get(sku="MILK"), make_location(), "L-1", 2, 30)
    run = bring_in("products", rows(MILK="none", OTHER="magic"))
    told = " ".join(message for _line, _field, message in errors(run))
    assert "still holds units" in told and "magic" in told
    assert tracking() == {"MILK": "lot"}


def test_other_files_say_nothing_of_it():
    make_variant("KEPT", tracking="serial")
    bring_in("products", csv_file({"Handle": "a", "Title": "A", "Variant SKU": "NEW", "Variant Price": "1"}))
    assert tracking() == {"KEPT": "serial", "NEW": "none"}
