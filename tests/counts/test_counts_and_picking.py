"""What a picker holds is not missing from its bin."""

from __future__ import annotations

import pytest

from counts.operations import create_count, finish_count, post_count, record_line
from counts.operations.creating import CountScope, CountSettings
from fulfillment.operations.picking import pick_scanned, start_picking
from inventory.models import StockLevel
from tests.factories.fulfillment import make_work
from tests.factories.shop import ACTOR, NOW, make_variant

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("found", "on_hand"), [(4, 5), (3, 4), (6, 7)])
def test_units_in_a_tote_are_not_looked_for_in_their_bin(found: int, on_hand: int) -> None:
    """Of five units on hand a picker holds one, so four should lie in the bin."""
    variant = make_variant("TOTE-1")
    work = make_work([(variant.sku, 2)])
    acts = {"fulfillment_order_id": work.pk, "actor": ACTOR, "now": NOW}
    start_picking(**acts)
    pick_scanned(code=variant.sku, **acts)
    level = StockLevel.objects.get(variant=variant)
    scope, settings = CountScope("bins", bins=(level.bin,)), CountSettings(blind=False, tolerance_units=9)
    count = create_count(location_id=level.location_id, scope=scope, settings=settings, actor=ACTOR, now=NOW)
    where = {"count_id": count.pk, "variant_id": variant.pk, "bin_name": level.bin}
    assert record_line(**where, quantity=found, done=True, actor=ACTOR, now=NOW).expected == 4
    finish_count(count_id=count.pk, actor=ACTOR, now=NOW)
    post_count(count_id=count.pk, unlisted="leave", actor=ACTOR, now=NOW)
    assert StockLevel.objects.get(variant=variant).on_hand == on_hand
