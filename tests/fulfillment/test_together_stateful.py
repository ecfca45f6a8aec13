"""Any sequence of merging, undoing, splitting, joining, holding, cancelling, picking, packing and shipping keeps every invariant.

Refusals are allowed and change nothing; after each step stock and orders are audited as a whole, and what left is counted: each
unit once, one label for each parcel that went.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.db import connection
from django.db.models import Sum
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from core.refusals import Refusal
from fulfillment.carriers.base import TrackingUpdate
from fulfillment.models import FulfillmentLine, FulfillmentOrder, Shipment
from fulfillment.operations.consolidating import ship_separately, ship_together
from fulfillment.operations.labels import buy_label
from fulfillment.operations.packing import empty_parcel, pack_all, pack_scanned
from fulfillment.operations.picking import pick_scanned, start_picking
from fulfillment.operations.shipping import ship_fulfillment_order, ship_many
from fulfillment.operations.shortages import report_missing
from fulfillment.operations.splitting import join_work, open_due, split_work
from fulfillment.operations.tracking import record_tracking
from inventory.models import SerialNumber
from inventory.operations.auditing import audit_stock
from inventory.operations.lots import receive_lot, set_tracking
from inventory.operations.serials import receive_units
from oms.integrity import check_integrity
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.hold_order import hold_order, release_holds
from orders.models import Order
from tests.factories.bundles import make_bundle
from tests.factories.returns import make_shop
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order, make_variant
from tests.inventory.test_stock_stateful import TABLES

pytestmark = pytest.mark.django_db(transaction=True)
WHICH = st.integers(0, 15)
BASKETS = ([("PLAIN", 2), ("MILK", 1)], [("KIT", 1), ("PLAIN", 1)], [("PHONE", 1), ("MILK", 2)], [("PLAIN", 3)])


class ParcelsMachine(RuleBasedStateMachine):
    """Two customers, two locations; goods that are followed by lot, by serial number, in a bundle, and not at all."""

    seen: ClassVar[set[str]] = set()

    def __init__(self) -> None:
        super().__init__()
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {TABLES} CASCADE")
        make_shop()
        self.now = NOW
        self.channel = make_channel()
        near, far = make_location("Near"), make_location("Far", latitude=40.0)
        plain, milk, phone, cup = (make_variant(sku) for sku in ("PLAIN", "MILK", "PHONE", "CUP"))
        set_tracking(variant_id=milk.pk, tracking="lot", actor=ACTOR, now=NOW)
        set_tracking(variant_id=phone.pk, tracking="serial", actor=ACTOR, now=NOW)
        make_bundle("KIT", {cup: 2, plain: 1})
        for n, place in enumerate((near, far)):
            for variant in (plain, cup):
                give_stock(variant, place, 30)
            receive_lot(
                variant_id=milk.pk, location_id=place.pk, code=f"LOT-{n}", expires_on=None, units=20, key=f"{n:032x}",
                actor=ACTOR, now=NOW,
            )  # fmt: skip
            receive_units(
                variant_id=phone.pk, location_id=place.pk, serials=[f"IMEI-{n}{i}" for i in range(6)],
                key=f"{n + 7:032x}", actor=ACTOR, now=NOW,
            )  # fmt: skip
        self.places = [near.pk, far.pk]

    @initialize()
    def some_orders(self) -> None:
        for customer in (0, 0, 0, 1):
            self.place(customer, customer)
        self.merge_all_of_one_customer()
        self.undo(1, only=False)
        self.split(0, 0, 1, 0, later=False)
        self.join(1, 1)
        self.split(2, 0, 1, 1, later=True)
        self.merge_all_of_one_customer()

    def attempt(self, act: Callable[[], Any]) -> None:
        self.now += timedelta(minutes=7)
        before = self.facts()
        refused = ""
        try:
            act()
        except Refusal as refusal:
            refused = refusal.code
        if refused and refused != "left_parcel":  # what stayed behind stays behind
            assert self.facts() == before, f"{refused} changed something"

    def facts(self) -> list[Any]:
        return [
            list(
                FulfillmentOrder.objects.order_by("pk").values_list(
                    "pk", "state", "units", "consolidation_id", "location_id"
                )
            ),
            list(FulfillmentLine.objects.order_by("pk").values_list("pk", "quantity", "picked", "packed", "shipped")),
            list(Shipment.objects.filter(handed_over_at__isnull=False).order_by("pk").values_list("pk", "state")),
        ]

    def work(self, n: int) -> FulfillmentOrder:
        """One of all that was not cancelled; every other number means one of those that share a parcel, where there are any."""
        works = FulfillmentOrder.objects.exclude(state="cancelled").order_by("pk")
        shared = list(works.filter(consolidation__isnull=False, shipped_at__isnull=True)) if n % 2 else []
        found = shared or list(works) or list(FulfillmentOrder.objects.order_by("pk"))
        return found[n // 2 % len(found)]

    def common(self, n: int) -> dict[str, Any]:
        return {"fulfillment_order_id": self.work(n).pk, "actor": ACTOR, "now": self.now}

    @rule(customer=st.integers(0, 1), basket=st.integers(0, 3))
    def place(self, customer: int, basket: int) -> None:
        if Order.objects.count() < 9:
            make_order(self.channel, BASKETS[basket], email=f"c{customer}@example.com")

    @rule(one=WHICH, two=WHICH, three=st.none() | WHICH)
    def merge(self, one: int, two: int, three: int | None) -> None:
        ids = [self.work(n).pk for n in (one, two, three) if n is not None]
        self.attempt(lambda: ship_together(fulfillment_order_ids=ids, actor=ACTOR, now=self.now))

    @rule()
    def merge_all_of_one_customer(self) -> None:
        rows = FulfillmentOrder.objects.filter(state="open", order__email="c0@example.com", location=self.places[0])
        ids = list(dict(rows.order_by("-pk").values_list("order_id", "pk")).values())
        self.attempt(lambda: ship_together(fulfillment_order_ids=ids, actor=ACTOR, now=self.now))

    @rule(n=WHICH, only=st.booleans())
    def undo(self, n: int, only: bool) -> None:
        self.attempt(lambda: ship_separately(only=only, reason="undo", **self.common(n)))

    @rule(n=WHICH, line=st.integers(0, 2), units=st.integers(1, 2), place=st.integers(0, 1), later=st.booleans())
    def split(self, n: int, line: int, units: int, place: int, later: bool) -> None:
        lines = list(self.work(n).lines.filter(quantity__gt=0).order_by("pk"))
        if lines:
            chosen = {lines[line % len(lines)].pk: units}
            when = self.now + timedelta(hours=2) if later else None
            self.attempt(
                lambda: split_work(units=chosen, location_id=self.places[place], scheduled_for=when, **self.common(n))
            )

    @rule(n=WHICH, into=WHICH)
    def join(self, n: int, into: int) -> None:
        """Mostly two of one order."""
        parts = FulfillmentOrder.objects.exclude(state="cancelled").filter(number__endswith="-2").order_by("pk")
        own = parts[n % len(parts)] if parts and n % 3 else self.work(n)
        first = FulfillmentOrder.objects.filter(order=own.order_id).order_by("pk").first()
        into_id = first.pk if first is not None and into % 3 else self.work(into).pk
        self.attempt(lambda: join_work(fulfillment_order_id=own.pk, into_id=into_id, actor=ACTOR, now=self.now))

    @rule()
    def days_pass(self) -> None:
        self.now += timedelta(hours=3)
        open_due(actor=ACTOR, now=self.now)

    @rule()
    def hold_one_and_ship_the_others(self) -> None:
        works = list(FulfillmentOrder.objects.filter(consolidation__isnull=False, state="open").order_by("pk"))
        if len(works) > 2:
            self.attempt(
                lambda: hold_order(order_id=works[1].order_id, kind="fraud", reason="", actor=ACTOR, now=self.now)
            )
            ship_many(fulfillment_order_ids=[work.pk for work in works], actor=ACTOR, now=self.now)

    @rule(n=WHICH)
    def hold(self, n: int) -> None:
        self.attempt(
            lambda: hold_order(order_id=self.work(n).order_id, kind="operator", reason="", actor=ACTOR, now=self.now)
        )

    @rule(n=WHICH)
    def release(self, n: int) -> None:
        self.attempt(lambda: release_holds(order_id=self.work(n).order_id, actor=ACTOR, now=self.now))

    @rule(n=WHICH)
    def cancel(self, n: int) -> None:
        self.attempt(lambda: cancel_order(order_id=self.work(n).order_id, reason="", actor=ACTOR, now=self.now))

    @rule(n=WHICH)
    def begin(self, n: int) -> None:
        self.attempt(lambda: start_picking(**self.common(n)))

    def code(self, n: int, line: int) -> str:
        lines = list(self.work(n).lines.filter(quantity__gt=0).select_related("order_line").order_by("pk"))
        sku = lines[line % len(lines)].order_line.sku if lines else "PLAIN"
        if sku != "PHONE":
            return sku
        units = SerialNumber.objects.filter(location=self.work(n).location_id, state="in_stock", picked=False)
        return units.order_by("pk").values_list("serial", flat=True).first() or "PHONE"

    @rule(n=WHICH, line=st.integers(0, 2))
    def pick(self, n: int, line: int) -> None:
        self.attempt(lambda: pick_scanned(code=self.code(n, line), **self.common(n)))

    @rule(n=WHICH, line=st.integers(0, 2), times=st.integers(1, 3))
    def pack(self, n: int, line: int, times: int) -> None:
        for _time in range(times):
            self.attempt(lambda: pack_scanned(code=self.code(n, line), **self.common(n)))

    @rule(n=WHICH)
    def pack_the_rest(self, n: int) -> None:
        self.attempt(lambda: pack_all(**self.common(n)))

    @rule(n=WHICH)
    def empty(self, n: int) -> None:
        self.attempt(lambda: empty_parcel(**self.common(n)))

    @rule(n=WHICH)
    def miss(self, n: int) -> None:
        line = self.work(n).lines.filter(quantity__gt=0).order_by("pk").first()
        if line is not None:
            self.attempt(lambda: report_missing(line_id=line.pk, units=1, **self.common(n)))

    @rule(n=WHICH)
    def label(self, n: int) -> None:
        self.attempt(lambda: buy_label(**self.common(n)))

    @rule(n=WHICH)
    def ship(self, n: int) -> None:
        self.attempt(lambda: ship_fulfillment_order(**self.common(n)))

    @rule(n=WHICH)
    def ship_fast(self, n: int) -> None:
        ids = [self.work(n).pk, self.work(n + 1).pk]
        ship_many(fulfillment_order_ids=ids, actor=ACTOR, now=self.now)

    @rule(n=WHICH, code=st.sampled_from(["out_for_delivery", "exception", "delivered"]))
    def report(self, n: int, code: str) -> None:
        shipments = list(Shipment.objects.exclude(state="voided").order_by("pk"))
        if shipments:
            self.now += timedelta(minutes=1)
            updates = [TrackingUpdate(code, self.now)]
            record_tracking(shipment_id=shipments[n % len(shipments)].pk, updates=updates, actor=ACTOR, now=self.now)

    @invariant()
    def sound(self) -> None:
        assert audit_stock() == []
        _names, findings = check_integrity()
        assert findings == []

    @invariant()
    def remember(self) -> None:
        if Shipment.objects.filter(rides_with__isnull=False).exists():
            self.seen.add("rode along")

    @invariant()
    def each_order_has_its_facts(self) -> None:
        for order in Order.objects.prefetch_related("lines", "shipments"):
            gone = [one for one in order.shipments.all() if one.handed_over_at is not None]
            assert order.parcels == len(gone)
        left = FulfillmentOrder.objects.filter(shipped_at__isnull=False).aggregate(n=Sum("lines__shipped"))["n"] or 0
        assert left == sum(order.lines.aggregate(n=Sum("shipped"))["n"] for order in Order.objects.all())


def test_parcels_and_their_orders_stay_sound() -> None:
    run_state_machine_as_test(
        ParcelsMachine,
        settings=settings(
            max_examples=6, stateful_step_count=25, deadline=None, phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck), derandomize=True,
        ),
    )  # fmt: skip
    assert ParcelsMachine.seen, "no sequence came to a parcel that several orders share"
