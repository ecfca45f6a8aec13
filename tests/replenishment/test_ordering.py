"""From needs to drafts: by supplier and pack, from other locations, by itself once a day."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from core.refusals import Invalid, Refusal
from inventory.models import LocationKind
from purchasing.models import PurchaseLine, PurchaseOrder
from replenishment.models import Need
from replenishment.operations import evaluate_all
from replenishment.operations.ordering import (
    Choice,
    order_automatically,
    order_for,
    suggested_units,
    transfer_for,
    transfer_suggestions,
)
from replenishment.operations.preferences import save_settings
from replenishment.queries import listed_needs, main_location, policies_with_needs
from tests.factories.purchasing import make_item, make_supplier
from tests.factories.returns import make_shop
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order, make_variant
from tests.replenishment.stock import set_point
from transfers.models import Transfer

pytestmark = pytest.mark.django_db


def lines() -> dict[str, int]:
    return dict(PurchaseLine.objects.values_list("variant__sku", "ordered"))


def ask(*policies, units: int = 10, supplier=None):
    choices = [Choice(policy.pk, units, supplier.pk if supplier else None) for policy in policies]
    return order_for(choices, actor=ACTOR, now=NOW)


class TestPurchaseOrders:
    def test_drafts_by_supplier_in_packs_that_wait_for_approval(self):
        place, first, second = make_location(), make_supplier("First"), make_supplier("Second")
        a, b, c = make_variant("A"), make_variant("B"), make_variant("C")
        make_item(first, a, preferred=True, pack_size=6)
        make_item(second, a, price="1")
        make_item(first, b)
        make_item(second, c)
        made, plan = ask(*(set_point(variant, place, 5, 10) for variant in (a, b, c)))
        assert [order.supplier.name for order in made] == ["First", "Second"]
        assert all(order.awaits_approval and order.location == place for order in made)
        assert lines() == {"A": 12, "B": 10, "C": 10}
        assert not plan.left

    def test_another_supplier_may_be_chosen(self):
        preferred, other, variant = make_supplier(), make_supplier(), make_variant("A")
        make_item(preferred, variant, preferred=True)
        make_item(other, variant, price="9")
        [order], _plan = ask(set_point(variant, make_location(), 5), supplier=other)
        assert order.supplier == other
        assert order.total == Decimal(90)

    def test_the_same_need_is_ordered_once(self):
        variant, place = make_variant("A"), make_location()
        make_item(make_supplier(), variant)
        policy = set_point(variant, place, 5, 10)
        assert len(ask(policy)[0]) == 1
        made, plan = ask(policy)
        assert made == []
        assert [left.why for left in plan.left] == ["on_draft"]
        [need] = listed_needs(today=NOW.date())
        assert (need.quantity, need.drafted) == (10, 10)
        assert len(ask(policy, units=13)[0]) == 1
        assert sorted(PurchaseLine.objects.values_list("ordered", flat=True)) == [3, 10]

    def test_a_total_goes_to_the_main_location_and_never_doubles_what_places_order(self):
        store = make_location("Store", kind=LocationKind.STORE, rank=1)
        make_location("Later", rank=50)
        warehouse = make_location("Hall", rank=10)
        make_location("Dropship", kind=LocationKind.SUPPLIER, rank=0)
        assert main_location() == warehouse
        variant = make_variant("A")
        make_item(make_supplier(), variant)
        total, local = set_point(variant, None, 10, 30), set_point(variant, store, 5, 12)
        policies = policies_with_needs([total.pk, local.pk])
        assert suggested_units(policies) == {total.pk: 18, local.pk: 12}
        made, _plan = order_for(
            [Choice(pk, units) for pk, units in suggested_units(policies).items()], actor=ACTOR, now=NOW
        )
        assert {order.location.name: order.units for order in made} == {"Hall": 18, "Store": 12}
        assert suggested_units(policies_with_needs([total.pk])) == {total.pk: 18}  # the store's draft is taken off

    def test_back_ordered_units_are_ordered_too(self):
        place, other = make_location(rank=1), make_location(rank=2)
        variant = make_variant("A")
        policies = [set_point(variant, place, 5, 10), set_point(variant, other, 5, 10)]
        make_order(make_channel(), [("A", 7)])
        evaluate_all(now=NOW)
        needs = {need.policy_id: (need.waiting, need.quantity) for need in Need.objects.all()}
        assert needs == {policies[0].pk: (7, 17), policies[1].pk: (0, 10)}

    def test_wrong_units_and_no_place(self):
        policy = set_point(make_variant(), None, 5)
        with pytest.raises(Invalid) as refused:
            ask(policy, units=-1)
        assert refused.value.code == "bad_units"
        with pytest.raises(Invalid) as refused:
            ask(policy)
        assert refused.value.code == "no_location"


class TestTransfers:
    def test_what_another_location_has_too_much_of(self):
        here, far, near = make_location("Here"), make_location("Far"), make_location("Near")
        variant = make_variant("A")
        policy = set_point(variant, here, 5, 20)
        for place, units in ((far, 22), (near, 35)):
            give_stock(variant, place, units)
            set_point(variant, place, 5, 20)
        suggestions = transfer_suggestions(policies_with_needs([policy.pk]))
        assert [(s.origin_id, s.quantity) for s in suggestions[policy.pk]] == [(far.pk, 2), (near.pk, 15)]
        made = transfer_for(suggestions[policy.pk], key="a" * 32, actor=ACTOR, now=NOW)
        assert transfer_for(suggestions[policy.pk], key="a" * 32, actor=ACTOR, now=NOW) == made
        assert Transfer.objects.count() == 2
        with pytest.raises(Refusal):
            transfer_for([], key="b" * 32, actor=ACTOR, now=NOW)

    def test_never_more_than_can_be_spared(self, client_as):
        here, far, variant = make_location("Here"), make_location("Far"), make_variant("A")
        policy = set_point(variant, here, 5, 20)
        give_stock(variant, far, 25)
        set_point(variant, far, 5, 20)
        client, url = client_as("warehouse"), reverse("reorder-plan")
        page = client.get(f"{url}?policy={policy.pk}").content.decode()
        assert f'name="move-{policy.pk}"' in page
        data = {"policy": policy.pk, f"move-{policy.pk}": "999", "action": "move", "key": "f" * 32}
        for _n in range(2):
            assert client.post(url, data).status_code == 302
        transfer = Transfer.objects.get()
        assert (transfer.origin, transfer.destination, transfer.units) == (far, here, 5)
        none = client.post(url, data | {f"move-{policy.pk}": "0", "key": "e" * 32})
        assert none.status_code == 409


class TestByItself:
    def low(self) -> None:
        variant = make_variant("A")
        make_item(make_supplier(), variant)
        set_point(variant, make_location(), 5, 10)

    def test_off_until_it_is_switched_on(self):
        self.low()
        assert order_automatically(actor=ACTOR, now=NOW) == 0
        save_settings(values={"automatic_orders": True, "automatic_hour": 12}, actor=ACTOR, now=NOW)
        assert order_automatically(actor=ACTOR, now=NOW) == 0  # it is ten o'clock
        assert order_automatically(actor=ACTOR, now=NOW + timedelta(hours=2)) == 1
        order = PurchaseOrder.objects.get()
        assert order.automatic
        assert order.awaits_approval

    def test_once_a_day_and_never_twice_for_the_same_need(self):
        make_shop(time_zone="Asia/Tehran")
        self.low()
        save_settings(values={"automatic_orders": True, "automatic_hour": 6}, actor=ACTOR, now=NOW)
        moments = [NOW + timedelta(hours=3 * n) for n in range(24)]
        assert sum(order_automatically(actor=ACTOR, now=at) for at in moments) == 1
        PurchaseOrder.objects.update(state="cancelled")
        assert order_automatically(actor=ACTOR, now=NOW + timedelta(days=4)) == 1

    def test_two_runs_at_once_order_once(self, committed, threads):
        self.low()
        save_settings(values={"automatic_orders": True, "automatic_hour": 0}, actor=ACTOR, now=NOW)
        assert sorted(threads(4, lambda i: order_automatically(actor=ACTOR, now=NOW))) == [0, 0, 0, 1]
