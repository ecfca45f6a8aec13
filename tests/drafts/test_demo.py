"""The demo shop has a draft to look at in each state, and its audits stay clean."""

from __future__ import annotations

import pytest

from drafts.models import DraftOrder
from inventory.models import LocationKind
from oms.demo.drafts import seed_drafts
from oms.integrity import check_integrity
from orders.models import TaxRate
from tests.factories.shop import NOW, give_stock, make_channel, make_location, make_variant

pytestmark = pytest.mark.django_db


def test_a_draft_in_each_state() -> None:
    make_channel(kind="phone", name="Phone")
    store, place = make_location("Berlin store", kind=LocationKind.STORE, country="DE"), make_location()
    for _n in range(12):
        variant = make_variant()
        give_stock(variant, place, 20), give_stock(variant, store, 3)
    for _again in range(2):
        seed_drafts(now=NOW)
    states = DraftOrder.objects.order_by("pk").values_list("scenario", "state")
    assert list(states) == [
        ("phone", "open"), ("phone", "sent"), ("wholesale", "open"), ("counter", "completed"), ("phone", "expired"),
    ]  # fmt: skip
    assert DraftOrder.objects.get(state="sent").hold_until is not None
    assert TaxRate.objects.filter(country="PL").exists()
    assert check_integrity()[1] == []
