"""Two at once: one wins, the other is told, nothing is sold or given back twice."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import Sum

from core.refusals import Refusal
from drafts.models import DraftOrder, HeldStock
from drafts.operations import LineEdit, PaidInPerson, complete_draft, edit_draft, end_draft, hold_stock, send_draft
from drafts.operations.sweeping import end_due
from inventory.models import StockLevel
from oms.integrity import check_integrity
from oms.orchestration.place_order import place_order
from orders.models import Order, OrderLine
from tests.factories.drafts import make_draft
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_variant, new_order

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


def refused(results) -> list[Refusal]:
    assert not [r for r in results if isinstance(r, Exception) and not isinstance(r, Refusal)], results
    return [r for r in results if isinstance(r, Refusal)]


def test_placed_six_times_at_once_is_one_order(threads) -> None:
    tee = make_variant()
    give_stock(tee, make_location(), 5)
    draft = send_draft(draft_id=make_draft([(tee, 3)], held_for=DAY).pk, actor=ACTOR, now=NOW)
    ways = [("accept", None), ("place", None), ("paid", PaidInPerson(None, "Cash"))] * 2

    def act(i: int):
        return complete_draft(draft_id=draft.pk, action=ways[i][0], paid=ways[i][1], actor=ACTOR, now=NOW)

    assert len(refused(threads(6, act))) == 5
    assert Order.objects.count() == 1
    assert StockLevel.objects.get().reserved == 3
    assert check_integrity()[1] == []


def test_nobody_takes_held_units_while_they_become_an_order(threads) -> None:
    """Eight buyers wait for exactly the moment in which the hold is let go."""
    tee, channel = make_variant("TEE"), make_channel()
    places = [make_location(latitude=50.1), make_location(latitude=53.1)]
    for place in places:
        give_stock(tee, place, 4)
    drafts = [make_draft([(tee, 2)], held_for=DAY, channel=channel) for _n in range(4)]
    requests = [new_order(channel, [("TEE", 1)]) for _n in range(8)]

    def act(i: int):
        if i < 4:
            return complete_draft(draft_id=drafts[i].pk, action="place", actor=ACTOR, now=NOW)
        return place_order(requests[i - 4], actor=ACTOR, now=NOW)

    assert refused(threads(12, act)) == []
    of_drafts = OrderLine.objects.filter(order__draft__isnull=False).aggregate(a=Sum("allocated"), b=Sum("backordered"))
    others = OrderLine.objects.filter(order__draft__isnull=True).aggregate(a=Sum("allocated"), b=Sum("backordered"))
    assert (of_drafts, others) == ({"a": 8, "b": 0}, {"a": 0, "b": 8})
    assert not HeldStock.objects.exists()
    assert check_integrity()[1] == []


def test_an_order_against_its_own_expiry(threads) -> None:
    tee = make_variant()
    give_stock(tee, make_location(), 40)
    drafts = [make_draft([(tee, 2)], held_for=DAY, expires_at=NOW + DAY) for _n in range(6)]

    def act(i: int):
        if i % 2:
            return end_due(actor=ACTOR, now=NOW + DAY)
        return complete_draft(draft_id=drafts[i // 2].pk, action="place", actor=ACTOR, now=NOW)

    refused(threads(12, act))
    states = list(DraftOrder.objects.values_list("state", flat=True))
    assert set(states) <= {"completed", "expired"}
    assert Order.objects.count() == states.count("completed")
    assert StockLevel.objects.get().reserved == 2 * states.count("completed")
    assert check_integrity()[1] == []


def test_holds_and_buyers_share_what_there_is(threads) -> None:
    tee, channel = make_variant("TEE"), make_channel()
    give_stock(tee, make_location(latitude=50.1), 5), give_stock(tee, make_location(latitude=53.1), 5)
    drafts = [make_draft([(tee, 2)], channel=channel) for _n in range(6)]
    requests = [new_order(channel, [("TEE", 1)]) for _n in range(6)]

    def act(i: int):
        if i % 2:
            return place_order(requests[i // 2], actor=ACTOR, now=NOW)
        return hold_stock(draft_id=drafts[i // 2].pk, until=NOW + DAY, actor=ACTOR, now=NOW)

    refused(threads(12, act))
    taken = (HeldStock.objects.aggregate(n=Sum("quantity"))["n"] or 0) + OrderLine.objects.aggregate(
        n=Sum("allocated")
    )["n"]
    assert taken == 10 == StockLevel.objects.aggregate(n=Sum("reserved"))["n"]
    assert check_integrity()[1] == []


def test_a_change_against_a_cancel(threads) -> None:
    tee, mug, place = make_variant("B-TEE"), make_variant("A-MUG"), make_location()
    give_stock(tee, place, 50), give_stock(mug, place, 50)
    drafts = [make_draft([(tee, 2), (mug, 1)], held_for=DAY) for _n in range(4)]
    lines = [list(draft.lines.order_by("position")) for draft in drafts]

    def act(i: int):
        if i % 2:
            return end_draft(draft_id=drafts[i // 2].pk, action="cancel", actor=ACTOR, now=NOW)
        edits = [LineEdit(line.pk, 3, Decimal(1)) for line in lines[i // 2]]
        return edit_draft(draft_id=drafts[i // 2].pk, edits=edits, actor=ACTOR, now=NOW)

    refused(threads(8, act))
    assert set(DraftOrder.objects.values_list("state", flat=True)) == {"cancelled"}
    assert StockLevel.objects.aggregate(n=Sum("reserved"))["n"] == 0
    assert check_integrity()[1] == []
