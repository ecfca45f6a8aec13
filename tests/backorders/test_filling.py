"""Who gets what: shown before it is done, and done as it was shown."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backorders.models import Strategy
from backorders.operations import recompute, save_settings
from core.models import TimelineEntry
from core.refusals import Refusal, Stale
from customers.models import Customer
from inventory.models import StockLevel
from inventory.operations.auditing import audit_stock
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.filling import fill_as_shown, plan_filling
from oms.orchestration.place_order import place_order
from orders.models import OrderLine
from tests.factories.bundles import make_bundle
from tests.factories.purchasing import make_purchase
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

HOW = {"actor": ACTOR, "now": NOW}


class Shop:
    """Nothing is here at first; orders of 6, 2 and 3 units wait, the last of them for another SKU as well."""

    def __init__(self) -> None:
        save_settings(values={"ask_first": True}, **HOW)
        self.place, self.channel = make_location(), make_channel()
        self.tee, self.mug = make_variant("TEE"), make_variant("MUG")
        self.big = self.order([("TEE", 6)], 0)
        self.small = self.order([("TEE", 2)], 1)
        self.mixed = self.order([("TEE", 3), ("MUG", 1)], 2)

    def order(self, lines, hours: int):
        return make_order(self.channel, lines, placed_at=NOW + timedelta(hours=hours))

    def arrive(self, units: int) -> None:
        give_stock(self.tee, self.place, units)

    def gets(self, strategy: str) -> dict[str, int]:
        [plan] = plan_filling(self.tee.pk, now=NOW, strategies=[strategy])
        return {share.number: share.gets for share in plan.shares if share.gets}

    def fill(self, strategy: str = "oldest", digest: str | None = None):
        if digest is None:
            [plan] = plan_filling(self.tee.pk, now=NOW, strategies=[strategy])
            digest = plan.digest
        return fill_as_shown(variant_id=self.tee.pk, strategy=strategy, digest=digest, **HOW)

    def allocated(self) -> dict[str, int]:
        lines = OrderLine.objects.filter(variant=self.tee, allocated__gt=0).select_related("order")
        return {line.order.number: line.allocated for line in lines}


@pytest.fixture
def shop(db) -> Shop:
    return Shop()


class TestPlans:
    def test_each_strategy_shares_in_its_way(self, shop) -> None:
        Customer.objects.filter(pk=shop.mixed.customer_id).update(priority=1)
        shop.arrive(5)
        big, small, mixed = shop.big.number, shop.small.number, shop.mixed.number
        assert shop.gets("oldest") == {big: 5}
        assert shop.gets("complete") == {small: 2, big: 3}
        assert shop.gets("priority") == {mixed: 3, big: 2}

    def test_earliest_promise_goes_by_the_first_promise(self, shop) -> None:
        purchase = make_purchase([(shop.tee, 6, "2")], location=shop.place)
        recompute([shop.tee.pk], now=NOW)
        assert purchase.outstanding == 6
        shop.arrive(2)
        assert shop.gets("promise") == {shop.big.number: 2}

    @pytest.mark.parametrize("strategy", Strategy.values)
    @pytest.mark.parametrize("units", [1, 4, 7, 30])
    def test_what_is_shown_is_what_is_done(self, shop, strategy: str, units: int) -> None:
        shop.arrive(units)
        shown = shop.gets(strategy)
        filled = shop.fill(strategy)
        assert shop.allocated() == shown
        assert (filled.units, filled.orders, filled.missed) == (sum(shown.values()), len(shown), [])
        assert audit_stock() == []

    def test_planning_changes_nothing(self, shop) -> None:
        shop.arrive(5)
        before = list(StockLevel.objects.values_list("reserved", flat=True)), TimelineEntry.objects.count()
        plan_filling(shop.tee.pk, now=NOW)
        assert (list(StockLevel.objects.values_list("reserved", flat=True)), TimelineEntry.objects.count()) == before

    def test_a_bundle_that_lacks_a_component_gets_none_of_the_other(self, shop) -> None:
        make_bundle("KIT", {shop.tee: 1, shop.mug: 1})
        kit = shop.order([("KIT", 1)], -5)
        shop.arrive(2)
        assert kit.number not in shop.gets("oldest")

    def test_a_fixed_number_of_statements(self, shop) -> None:
        shop.arrive(5)

        def statements() -> int:
            with CaptureQueriesContext(connection) as found:
                plan_filling(shop.tee.pk, now=NOW)
            return len(found)

        plan_filling(shop.tee.pk, now=NOW)
        few = statements()
        for n in range(6):
            shop.order([("TEE", 1)], 10 + n)
        assert statements() == few


class TestDoing:
    def test_a_plan_that_is_stale_is_refused(self, shop) -> None:
        shop.arrive(5)
        [plan] = plan_filling(shop.tee.pk, now=NOW, strategies=["complete"])
        cancel_order(order_id=shop.small.pk, reason="no", **HOW)
        with pytest.raises(Stale):
            shop.fill("complete", plan.digest)
        assert shop.allocated() == {}

    def test_the_plan_of_another_strategy_is_refused(self, shop) -> None:
        shop.arrive(5)
        [plan] = plan_filling(shop.tee.pk, now=NOW, strategies=["complete"])
        with pytest.raises(Stale):
            shop.fill("oldest", plan.digest)
        with pytest.raises(Refusal):
            shop.fill("whoever", plan.digest)

    def test_sent_twice_it_is_done_once(self, shop) -> None:
        shop.arrive(5)
        [plan] = plan_filling(shop.tee.pk, now=NOW, strategies=["oldest"])
        shop.fill("oldest", plan.digest)
        with pytest.raises(Stale):
            shop.fill("oldest", plan.digest)
        assert shop.allocated() == {shop.big.number: 5}
        assert TimelineEntry.objects.filter(kind="variant.shared").count() == 1


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_of_two_who_fill_at_once_nothing_is_given_twice(self, threads) -> None:
        shop = Shop()
        shop.arrive(5)
        digests = {plan.strategy: plan.digest for plan in plan_filling(shop.tee.pk, now=NOW)}
        results = threads(4, lambda i: shop.fill("oldest", digests["oldest"]))
        done = [r for r in results if not isinstance(r, Exception)]
        assert [r.units for r in done] == [5], results
        assert all(isinstance(r, (Refusal, Stale)) for r in results if r not in done)
        assert shop.allocated() == {shop.big.number: 5} and audit_stock() == []

    def test_filling_against_new_orders(self, threads) -> None:
        shop = Shop()
        shop.arrive(5)
        [plan] = plan_filling(shop.tee.pk, now=NOW, strategies=["oldest"])
        requests = [new_order(shop.channel, [("TEE", 1)]) for _ in range(6)]

        def act(i: int):
            return shop.fill("oldest", plan.digest) if i == 0 else place_order(requests[i - 1], **HOW)

        results = threads(7, act)
        assert all(not isinstance(r, Exception) for r in results[1:]), results
        assert sum(shop.allocated().values()) == 5 and StockLevel.objects.get(variant=shop.tee).available == 0
        assert audit_stock() == []

    def test_promises_computed_at_once_are_those_of_the_newest_facts(self, threads) -> None:
        shop = Shop()
        make_purchase([(shop.tee, 7, "2")], location=shop.place)
        results = threads(6, lambda i: recompute([shop.tee.pk, shop.mug.pk], now=NOW))
        assert all(isinstance(r, int) for r in results), results
        assert sum(r > 0 for r in results) == 1, "the others found it done"
