"""Promises follow what is on its way, and customers hear of it once."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from backorders.handlers import purchase_dates_changed
from backorders.models import LinePromise, PromisePart
from backorders.operations import recompute, recompute_all, save_settings
from core.models import OutboxEvent, OutgoingMail
from customers.models import Customer
from inventory.models import Variant
from inventory.operations.releases import release_due
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.route_order import fill_backorders
from orders.models import OrderLine
from purchasing.events import PurchaseDatesChanged
from purchasing.models import PurchaseOrder
from purchasing.operations import cancel_purchase_order
from purchasing.operations.sending import Confirmation, confirm_purchase_order
from tests.factories.purchasing import make_purchase, receive
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db
TODAY = NOW.date()


class Shop:
    """A variant of which two are here, a purchase order of ten, and customers."""

    def __init__(self) -> None:
        self.place, self.channel = make_location(handling_days=1), make_channel(language="en")
        self.tee = make_variant("TEE")
        give_stock(self.tee, self.place, 2)

    def buy(self, units: int, *, days: int = 7) -> PurchaseOrder:
        purchase = make_purchase([(self.tee, units, "3")], location=self.place)
        PurchaseOrder.objects.filter(pk=purchase.pk).update(expected_on=TODAY + timedelta(days))
        return purchase

    def order(self, units: int, *, hours: int = 0, **fields):
        return make_order(self.channel, [("TEE", units)], placed_at=NOW + timedelta(hours=hours), **fields)

    def confirm(self, purchase: PurchaseOrder, day: date) -> None:
        line = purchase.lines.get()
        confirm_purchase_order(
            order_id=purchase.pk, lines=[Confirmation(line.pk, line.ordered, day)], actor=ACTOR, now=NOW
        )
        purchase_dates_changed(PurchaseDatesChanged(purchase.pk), actor=ACTOR, now=NOW)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def promised(order) -> date | None:
    return LinePromise.objects.get(order=order).promised_on


def parts(order) -> list[tuple[str, int]]:
    found = PromisePart.objects.filter(promise__order=order).order_by("promised_on", "source")
    return [(part.source.partition(":")[0], part.units) for part in found]


class TestPromises:
    def test_a_line_waits_for_what_is_on_its_way(self, shop) -> None:
        shop.buy(4)
        order = shop.order(5)
        assert OrderLine.objects.get().backordered == 3
        assert recompute([shop.tee.pk], now=NOW) == 1
        assert parts(order) == [("purchase_line", 3)]
        assert promised(order) == TODAY + timedelta(8), "the day it comes, and a day to unpack it"
        assert recompute([shop.tee.pk], now=NOW) == 0, "nothing changes by looking again"

    def test_what_is_promised_to_one_is_not_promised_to_another(self, shop) -> None:
        shop.buy(4)
        later = shop.buy(2, days=20)
        first, second = shop.order(5), shop.order(3, hours=1)
        recompute([shop.tee.pk], now=NOW)
        assert parts(first) == [("purchase_line", 3)]
        assert parts(second) == [("purchase_line", 1), ("purchase_line", 2)]
        assert promised(second) == TODAY + timedelta(21)
        cancel_purchase_order(order_id=later.pk, reason="no more", actor=ACTOR, now=NOW)
        recompute([shop.tee.pk], now=NOW)
        assert promised(second) is None and sorted(parts(second)) == [("", 2), ("purchase_line", 1)]

    def test_what_nobody_waits_for_any_more_is_there_for_the_next(self, shop) -> None:
        shop.buy(3)
        first, second = shop.order(5), shop.order(3, hours=1)
        recompute([shop.tee.pk], now=NOW)
        assert (promised(first), promised(second)) == (TODAY + timedelta(8), None)
        cancel_order(order_id=first.pk, reason="changed mind", actor=ACTOR, now=NOW)
        recompute([shop.tee.pk], now=NOW)
        assert not LinePromise.objects.filter(order=first).exists()
        assert (parts(second), promised(second)) == ([("stock", 2), ("purchase_line", 1)], TODAY + timedelta(8))

    def test_goods_that_should_have_come_come_tomorrow_at_the_earliest(self, shop) -> None:
        shop.buy(4, days=-3)
        order = shop.order(3)
        recompute([shop.tee.pk], now=NOW)
        assert promised(order) == TODAY + timedelta(2)
        recompute_all(now=NOW + timedelta(days=5))
        assert promised(order) == TODAY + timedelta(7)

    def test_a_promise_goes_when_its_line_is_filled(self, shop) -> None:
        purchase = shop.buy(4)
        shop.order(5)
        recompute([shop.tee.pk], now=NOW)
        receive(purchase, 4)
        assert fill_backorders(variant_ids=[shop.tee.pk], actor=ACTOR, now=NOW) == 1
        recompute([shop.tee.pk], now=NOW)
        assert not LinePromise.objects.exists()

    def test_placing_tells_of_it_by_the_usual_event(self, shop) -> None:
        from backorders.handlers import orders_placed
        from orders.events import OrdersPlaced

        order = shop.order(3)
        orders_placed(OrdersPlaced([order.pk]), actor=ACTOR, now=NOW)
        assert parts(order) == [("", 1)]

    def test_goods_at_a_place_that_does_not_ship_there_are_no_promise(self, shop) -> None:
        far = make_location("Far", ships_to=["IR"])
        shop.buy(1)
        order = shop.order(5)
        give_stock(shop.tee, far, 9)
        make_purchase([(shop.tee, 9, "3")], location=far)
        recompute([shop.tee.pk], now=NOW)
        assert sorted(parts(order)) == [("", 2), ("purchase_line", 1)]


class TestTelling:
    def test_a_late_purchase_order_is_told_once(self, shop) -> None:
        purchase = shop.buy(4)
        order = shop.order(5)
        recompute([shop.tee.pk], now=NOW)
        assert not OutgoingMail.objects.exists(), "the first promise stands on the customer's page"
        shop.confirm(purchase, TODAY + timedelta(20))
        assert OutboxEvent.objects.filter(name="purchase.dates_changed").count() == 1
        mail = OutgoingMail.objects.get()
        assert (mail.to, mail.about) == (order.email, order.subject)
        assert "takes longer" in mail.subject and "3 × Product" in mail.text and "Dec 11, 2026" in mail.text
        shop.confirm(purchase, TODAY + timedelta(20))
        recompute_all(now=NOW)
        assert OutgoingMail.objects.count() == 1

    def test_a_day_or_two_are_not_worth_a_mail_but_add_up(self, shop) -> None:
        purchase = shop.buy(4)
        shop.order(5)
        recompute([shop.tee.pk], now=NOW)
        for days, mails in ((8, 0), (9, 0), (10, 1), (9, 1), (7, 2)):
            shop.confirm(purchase, TODAY + timedelta(days))
            assert OutgoingMail.objects.count() == mails, days
        assert "leaves earlier" in OutgoingMail.objects.order_by("-id")[0].subject

    def test_back_and_forth_each_is_told(self, shop) -> None:
        purchase = shop.buy(4)
        shop.order(5)
        recompute([shop.tee.pk], now=NOW)
        for n, days in enumerate((20, 7, 20, 7), start=1):
            shop.confirm(purchase, TODAY + timedelta(days))
            assert OutgoingMail.objects.count() == n

    def test_it_is_told_in_the_customers_language(self, shop) -> None:
        purchase = shop.buy(4)
        shop.order(5, language="pl")
        recompute([shop.tee.pk], now=NOW)
        shop.confirm(purchase, TODAY + timedelta(20))
        assert "11 gru 2026" in OutgoingMail.objects.get().text

    def test_the_first_promise_is_mailed_where_the_shop_wants_it(self, shop) -> None:
        save_settings(values={"tell_first": True}, actor=ACTOR, now=NOW)
        shop.buy(4)
        shop.order(5)
        recompute([shop.tee.pk], now=NOW)
        assert "When your order" in OutgoingMail.objects.get().subject

    def test_a_lost_day_is_told(self, shop) -> None:
        purchase = shop.buy(4)
        shop.order(5)
        recompute([shop.tee.pk], now=NOW)
        cancel_purchase_order(order_id=purchase.pk, reason="no more", actor=ACTOR, now=NOW)
        recompute([shop.tee.pk], now=NOW)
        assert "we do not know the new day yet" in OutgoingMail.objects.get().text


class TestPreOrders:
    def pre_order(self, shop, units: int = 1, *, days: int = 10):
        Variant.objects.filter(pk=shop.tee.pk).update(released_on=TODAY + timedelta(days), awaits_release=True)
        order = shop.order(units)
        recompute([shop.tee.pk], now=NOW)
        return order

    def test_its_units_wait_though_they_are_here(self, shop) -> None:
        order = self.pre_order(shop)
        line = order.lines.get()
        assert (line.allocated, line.backordered, order.needs_routing) == (0, 1, False)
        assert promised(order) == TODAY + timedelta(10)
        assert fill_backorders(actor=ACTOR, now=NOW) == 0

    def test_what_is_neither_here_nor_ordered_is_promised_for_the_day_all_the_same(self, shop) -> None:
        order = self.pre_order(shop, 5)
        assert promised(order) == TODAY + timedelta(10)
        assert sorted(parts(order)) == [("release", 3), ("stock", 2)]

    def test_goods_that_come_after_the_day_are_promised_for_then(self, shop) -> None:
        shop.buy(10, days=30)
        assert promised(self.pre_order(shop, 5)) == TODAY + timedelta(31)

    def test_on_the_day_they_are_given_in_the_order_of_service(self, shop) -> None:
        save_settings(values={"strategy": "priority"}, actor=ACTOR, now=NOW)
        first, second = self.pre_order(shop, 2), shop.order(2, hours=1)
        Customer.objects.filter(pk=second.customer_id).update(priority=5)
        assert release_due(actor=ACTOR, now=NOW + timedelta(days=9)) == 0
        on_the_day = NOW + timedelta(days=10)
        assert release_due(actor=ACTOR, now=on_the_day) == 1
        assert release_due(actor=ACTOR, now=on_the_day) == 0
        event = OutboxEvent.objects.filter(name="stock.increased").latest("id")
        assert event.payload == {"variant_ids": [shop.tee.pk]}
        fill_backorders(variant_ids=[shop.tee.pk], actor=ACTOR, now=on_the_day)
        assert [order.lines.get().allocated for order in (first, second)] == [0, 2]

    def test_a_day_set_and_taken_back_by_hand(self, shop) -> None:
        from inventory.operations.catalog import save_variant

        def save(day: date | None) -> Variant:
            return save_variant(
                variant_id=shop.tee.pk,
                product_id=shop.tee.product_id,
                values={"released_on": day},
                actor=ACTOR,
                now=NOW,
            )

        assert save(TODAY + timedelta(3)).awaits_release is True
        before = OutboxEvent.objects.filter(name="stock.increased").count()
        assert save(None).awaits_release is False
        assert OutboxEvent.objects.filter(name="stock.increased").count() == before + 1
        assert save(TODAY).awaits_release is False

    def test_the_rest_of_the_cart_leaves_at_once(self, shop) -> None:
        mug = make_variant("MUG")
        give_stock(mug, shop.place, 3)
        Variant.objects.filter(pk=shop.tee.pk).update(released_on=TODAY + timedelta(9), awaits_release=True)
        order = make_order(shop.channel, [("TEE", 1), ("MUG", 1)])
        assert [line.allocated for line in order.lines.order_by("position")] == [0, 1]
        assert order.backordered


class TestFillingOrder:
    def test_the_strategy_says_who_gets_the_goods(self, shop) -> None:
        big, small = shop.order(6), shop.order(2, hours=1)
        third = shop.order(1, hours=2)
        give = {"actor": ACTOR, "now": NOW}
        assert big.lines.get().backordered == 4
        save_settings(values={"strategy": "complete"}, **give)
        give_stock(shop.tee, shop.place, 3)
        fill_backorders(variant_ids=[shop.tee.pk], **give)
        waiting = [order.lines.get().backordered for order in (big, small, third)]
        assert waiting == [4, 0, 0]

    def test_asked_first_nothing_is_given_by_itself(self, shop) -> None:
        order = shop.order(3)
        save_settings(values={"ask_first": True}, actor=ACTOR, now=NOW)
        give_stock(shop.tee, shop.place, 3)
        assert fill_backorders(actor=ACTOR, now=NOW) == 0
        assert order.lines.get().backordered == 1
