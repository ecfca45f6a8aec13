"""Change orders: each kind, what its preview shows and its submission does, and what is refused with which sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from core.models import OutboxEvent, OutgoingMail, TimelineEntry
from core.money import quantize
from core.refusals import Invalid, Refusal, Stale
from fulfillment.models import FulfillmentOrder, Shipment
from fulfillment.operations.consolidating import ship_together
from fulfillment.operations.picking import pick_line, start_picking
from fulfillment.operations.shipping import ship_fulfillment_order
from inventory.models import Reservation, StockLevel, StockMovement, Variant
from inventory.operations import adjust_stock
from oms.handlers import tell_customer_changed
from oms.integrity import check_integrity
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.changing import EffectMoved, parse_changes, preview_change, submit_change
from oms.orchestration.changing.changes import KINDS, to_json
from oms.orchestration.hold_order import hold_order
from oms.orchestration.place_order import place_order
from orders.events import OrderChanged
from orders.models import ChangeOrder, Hold, HoldLine, Order, OrderLine, TaxRate
from orders.operations import record_payment, record_refund
from reports.handlers import order_changed
from reports.models import DailyFigure, StaleDay
from reports.operations import refresh_figures
from tests.factories.bundles import make_bundle
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

pytestmark = pytest.mark.django_db
BERLIN = {
    "name": "Zofia Kowalska",
    "line1": "Lange Straße 5",
    "city": "Berlin",
    "postal_code": "10115",
    "country": "DE",
}


@pytest.fixture
def shop(db: None) -> dict[str, Any]:
    """Two places, Warsaw and Berlin, with nine of A-1, B-1 and C-1 each."""
    warsaw = make_location("Warsaw")
    berlin = make_location("Berlin", country="DE", latitude=52.5, longitude=13.4)
    for sku in ("A-1", "B-1", "C-1"):
        variant = make_variant(sku, title=f"Thing {sku}", price=Decimal("7.50"))
        give_stock(variant, warsaw, 9), give_stock(variant, berlin, 9)
    return {"warsaw": warsaw, "berlin": berlin, "channel": make_channel()}


def go(order: Order, *changes: dict[str, Any], key: str = "") -> ChangeOrder:
    """Preview, then submit what was shown; both must agree, and the shop must be whole."""
    order.refresh_from_db()
    wanted = parse_changes(list(changes))
    seen = preview_change(order_id=order.pk, changes=wanted, version=order.version, actor=ACTOR, now=NOW)
    assert seen.refused == [], seen.refused
    made = submit_change(
        order_id=order.pk, changes=wanted, version=seen.version, digest=seen.digest, key=key or f"v{seen.version}", actor=ACTOR, now=NOW
    )  # fmt: skip
    assert json.dumps(made.effect, sort_keys=True) == json.dumps(seen.effect.to_json(), sort_keys=True)
    assert check_integrity()[1] == []
    order.refresh_from_db()
    return made


def refused(order: Order, *changes: dict[str, Any]) -> Refusal:
    """Why it cannot be done; nothing may have happened."""
    order.refresh_from_db()
    before = order.version
    with pytest.raises(Refusal) as caught:
        submit_change(
            order_id=order.pk, changes=parse_changes(list(changes)), version=before, key="refused", actor=ACTOR, now=NOW
        )
    order.refresh_from_db()
    assert order.version == before and not order.changes.filter(key="refused").exists()
    return caught.value


def change(kind: str, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, **fields}


def line_of(order: Order, sku: str = "A-1") -> OrderLine:
    return order.lines.filter(sku=sku).order_by("position").first()  # type: ignore[return-value]


def left(order: Order) -> dict[str, int]:
    return {line.sku: line.ordered - line.cancelled for line in order.lines.order_by("position")}


# ---- quantities ------------------------------------------------------------------------------------------------------


def test_units_taken_out_give_back_their_stock_and_their_money(shop):
    order = make_order(shop["channel"], [("A-1", 3)])
    made = go(order, change("remove_units", line=line_of(order).pk, units=2))
    assert (left(order), order.current_total, order.owed_to_customer) == ({"A-1": 1}, 10, 20)
    assert StockLevel.objects.get(variant__sku="A-1", location=shop["warsaw"]).reserved == 1
    assert made.effect["stock"] == [{"sku": "A-1", "location": "Warsaw", "units": -2}]
    assert [(one["what"], one["before"], one["after"]) for one in made.effect["work"]] == [("changed", 3, 1)]
    assert (made.total_before, made.total_after) == (30, 10)


def test_goods_added_go_in_the_same_parcel(shop):
    order = make_order(shop["channel"], [("A-1", 2)])
    go(order, change("add_line", sku="B-1", quantity=2))
    work = FulfillmentOrder.objects.get(order=order, state="open")
    assert sorted(work.lines.values_list("order_line__sku", "quantity")) == [("A-1", 2), ("B-1", 2)]
    assert (order.current_total, order.owed_by_customer) == (35, 15)
    assert Order.objects.filter(search_text__contains="b1").exists()


def test_what_is_added_and_not_there_waits_and_moves_nothing_else(shop):
    order = make_order(shop["channel"], [("A-1", 2)])
    work = FulfillmentOrder.objects.get(order=order)
    make_variant("NONE")
    made = go(order, change("add_line", sku="NONE", quantity=4))
    assert order.backordered and line_of(order, "NONE").backordered == 4
    assert made.effect["work"] == [] and FulfillmentOrder.objects.get(order=order) == work


def test_more_of_a_line_is_more_on_the_line(shop):
    order = make_order(shop["channel"], [("A-1", 2)])
    go(order, change("set_quantity", line=line_of(order).pk, quantity=5))
    assert (left(order), order.lines.count(), line_of(order).allocated) == ({"A-1": 5}, 1, 5)


def test_more_of_a_line_that_lost_units_is_a_line_of_its_own(shop):
    order = make_order(shop["channel"], [("A-1", 3)])
    line = line_of(order)
    go(order, change("remove_units", line=line.pk, units=1))
    go(order, change("set_quantity", line=line.pk, quantity=4))
    assert list(order.lines.order_by("position").values_list("ordered", "cancelled")) == [(3, 1), (2, 0)]


def test_another_variant_at_the_price_of_the_first(shop):
    order = make_order(shop["channel"], [("A-1", 2)])
    go(order, change("swap_variant", line=line_of(order).pk, sku="B-1"))
    assert left(order) == {"A-1": 0, "B-1": 2} and order.current_total == 20 == order.captured_total
    assert sorted(StockLevel.objects.filter(reserved__gt=0).values_list("variant__sku", "reserved")) == [("B-1", 2)]
    assert refused(order, change("swap_variant", line=line_of(order, "B-1").pk, sku="B-1")).code == "same_sku"


def test_a_line_is_cut_in_two_where_its_units_lie(shop):
    order = make_order(shop["channel"], [("A-1", 3)])
    line = line_of(order)
    made = go(order, change("split_line", line=line.pk, units=1), change("reprice", line="new-1", price="4"))
    assert list(order.lines.order_by("position").values_list("ordered", "allocated", "unit_price")) == [
        (2, 2, 10),
        (1, 1, 4),
    ]
    assert made.effect["stock"] == [] and made.effect["work"] == []
    assert sorted(Reservation.objects.filter(quantity__gt=0).values_list("quantity", flat=True)) == [1, 2]
    assert order.current_total == 24
    assert refused(order, change("split_line", line=line.pk, units=2)).code == "nothing_stays"


def test_a_split_line_stays_held_on_both_sides(shop):
    order = make_order(shop["channel"], [("A-1", 3)])
    hold = hold_order(order_id=order.pk, kind="stock", lines=[line_of(order).pk], actor=ACTOR, now=NOW)
    go(order, change("split_line", line=line_of(order).pk, units=1))
    assert HoldLine.objects.filter(hold=hold).count() == 2


def test_taking_everything_away_is_cancelling(shop):
    order = make_order(shop["channel"], [("A-1", 3)])
    assert refused(order, change("set_quantity", line=line_of(order).pk, quantity=0)).code == "nothing_left"


def test_bundles_change_as_whole_sets(shop):
    parts = {Variant.objects.get(sku="A-1"): 1, Variant.objects.get(sku="B-1"): 2}
    make_bundle("SET", parts, title="A set", price=Decimal(30))
    order = make_order(shop["channel"], [("SET", 2)], price="30")
    bundle = order.bundles.get()
    reference = f"bundle-{bundle.pk}"
    go(order, change("set_quantity", line=reference, quantity=3))
    assert left(order) == {"A-1": 3, "B-1": 6} and order.current_total == 90
    go(order, change("remove_units", line=reference, units=1), change("discount_line", line=reference, amount="6.01"))
    assert left(order) == {"A-1": 2, "B-1": 4} and order.current_total == Decimal("53.99")
    go(order, change("set_quantity", line=reference, quantity=4))  # two more, as a bundle of their own
    assert sorted(order.bundles.values_list("quantity", flat=True)) == [2, 3]
    go(order, change("swap_variant", line=reference, sku="C-1", units=1))
    part = order.lines.filter(bundle=bundle).first()
    assert part is not None
    for asked in (
        change("remove_units", line=part.pk, units=1),
        change("reprice", line=part.pk, price="1"),
        change("discount_line", line=part.pk, amount="1"),
    ):
        assert refused(order, asked).code == "part_of_bundle"
    assert refused(order, change("reprice", line=reference, price="1")).code == "is_a_bundle"
    assert refused(order, change("split_line", line=reference, units=1)).code == "is_a_bundle"


def test_lines_that_are_not_shipped(shop):
    make_variant("GIFT", requires_shipping=False)
    order = make_order(shop["channel"], [("A-1", 1), ("GIFT", 2)])
    gift = line_of(order, "GIFT")
    made = go(
        order,
        change("remove_units", line=gift.pk, units=1),
        change("add_line", title="Engraving", quantity=2, price="3.25"),
        change("split_line", line="new-1", units=1),
    )
    assert made.effect["stock"] == [] and order.current_total == Decimal("26.50")
    assert all(line.shipped == line.ordered - line.cancelled for line in order.lines.filter(requires_shipping=False))


# ---- money -----------------------------------------------------------------------------------------------------------


def test_a_discount_on_what_is_left_is_exact_after_a_cancellation(shop):
    order = make_order(shop["channel"], [("A-1", 3)])
    line = line_of(order)
    go(order, change("remove_units", line=line.pk, units=1))
    go(order, change("discount_line", line=line.pk, amount="3.33"))
    assert order.current_total == Decimal("16.67")
    go(order, change("discount_line", line=line.pk, percent="10"))
    assert order.current_total == 18
    go(order, change("discount_order", amount="0.01"))
    assert order.current_total == Decimal("17.99")
    go(order, change("discount_order", percent="50"))
    assert order.current_total == Decimal("8.99") or order.current_total == Decimal("9.00")


@pytest.mark.parametrize(
    ("currency", "price", "total"), [("EUR", "9.99", "35.66"), ("JPY", "999", "3566"), ("KWD", "9.999", "35.696")]
)
def test_tax_on_top_in_every_number_of_decimals(shop, currency, price, total):
    channel = make_channel(currency=currency)
    order = _taxed(channel, price)
    go(order, change("set_quantity", line=line_of(order).pk, quantity=3))
    line = line_of(order)
    assert line.tax == _rounded(Decimal(price) * 3 * Decimal("0.19"), currency) and order.total == Decimal(total)


def _taxed(channel: Any, price: str, *, included: bool = False) -> Order:
    asked = new_order(channel, [("A-1", 2)], price=price, paid=False)
    net = Decimal(price) * 2
    tax = quantize(net * Decimal("0.19") / (Decimal("1.19") if included else 1), channel.currency)
    line = replace(asked.lines[0], tax=tax, tax_rate=Decimal("0.19"))
    placed = place_order(replace(asked, lines=(line,), tax_included=included, payments=()), actor=ACTOR, now=NOW)
    return Order.objects.get(pk=placed.order_id)


def _rounded(amount: Decimal, currency: str) -> Decimal:
    return quantize(amount, currency)


def test_tax_within_prices_changes_no_total(shop):
    order = _taxed(shop["channel"], "11.90", included=True)
    assert (order.total, order.tax_total) == (Decimal("23.80"), Decimal("3.80"))
    go(order, change("reprice", line=line_of(order).pk, price="23.80"))
    assert (order.total, order.tax_total) == (Decimal("47.60"), Decimal("7.60"))


def test_new_lines_are_taxed_as_said_else_at_the_rate_of_the_country(shop):
    TaxRate.objects.create(country="PL", name="VAT", rate=Decimal("0.23"))
    order = make_order(shop["channel"], [("A-1", 1)])
    go(order, change("add_line", sku="B-1", quantity=1, price="100"))
    assert line_of(order, "B-1").tax == 23 and line_of(order).tax == 0
    go(order, change("add_line", sku="C-1", quantity=1, price="100", tax_rate="0.08"))
    assert line_of(order, "C-1").tax == 8 and order.tax_total == 31
    go(order, change("add_line", title="Wrapping", quantity=1, price="10", tax="0.5"))
    assert order.tax_total == Decimal("31.5")


def test_tax_follows_to_another_country(shop):
    TaxRate.objects.create(country="PL", name="VAT", rate=Decimal("0.19"))
    TaxRate.objects.create(country="DE", name="MwSt", rate=Decimal("0.07"))
    order = _taxed(shop["channel"], "100")
    go(order, change("change_shipping", price="10"))
    assert order.tax_total == Decimal("39.90")
    go(order, change("change_address", address=BERLIN))
    assert (order.tax_total, line_of(order).tax_rate) == (Decimal("14.70"), Decimal("0.07"))


def test_the_channels_difference_stays_in_sight(shop):
    asked = replace(
        new_order(shop["channel"], [("A-1", 2)], price="10.005", paid=False), total=Decimal("18.50"), payments=()
    )
    order = Order.objects.get(pk=place_order(asked, actor=ACTOR, now=NOW).order_id)
    go(order, change("reprice", line=line_of(order).pk, price="11.0025"))
    assert order.total == Decimal("22.01") - Decimal("1.51")  # the goods rounded, less what the channel took off
    go(order, change("reprice", line=line_of(order).pk, price="10.005"))
    assert order.total == Decimal("18.50")


def test_what_was_given_back_stays_covered_by_the_line(shop):
    order = make_order(shop["channel"], [("A-1", 3)])
    line = line_of(order)
    record_refund(
        order_id=order.pk, amount=Decimal(10), reason="scratch", key="r", lines={line.pk: 1}, actor=ACTOR, now=NOW
    )
    assert refused(order, change("reprice", line=line.pk, price="3")).code == "refunded_already"
    assert refused(order, change("discount_line", line=line.pk, amount="25")).code == "refunded_already"
    go(order, change("reprice", line=line.pk, price="4"))
    assert order.refunded_total == 10 and order.owed_to_customer == 8
    assert refused(order, change("discount_order", amount="1")).code == "started"  # no other line could carry it


def test_an_order_that_costs_more_waits_where_its_channel_says_so(shop):
    careful, easy = make_channel(hold_unpaid=True), make_channel(hold_unpaid=False)
    for channel in (careful, easy):
        order = make_order(channel, [("A-1", 1)])
        go(order, change("add_line", sku="B-1", quantity=1))
        kinds = list(Hold.objects.filter(order=order, released_at=None).values_list("kind", flat=True))
        assert kinds == (["payment"] if channel == careful else [])
        assert FulfillmentOrder.objects.get(order=order, units=2).state == ("on_hold" if channel == careful else "open")
    order = Order.objects.get(channel=careful)
    go(order, change("remove_units", line=line_of(order, "B-1").pk, units=1))
    assert not order.on_hold and FulfillmentOrder.objects.filter(order=order, state="open").count() == 1


def test_held_orders_stay_held(shop):
    order = make_order(shop["channel"], [("A-1", 2)])
    hold_order(order_id=order.pk, kind="fraud", actor=ACTOR, now=NOW)
    go(order, change("add_line", sku="B-1", quantity=1), change("change_address", address=BERLIN))
    assert order.on_hold and {work.state for work in FulfillmentOrder.objects.filter(order=order, units__gt=0)} == {
        "on_hold"
    }


# ---- where, how, who -------------------------------------------------------------------------------------------------


def test_another_address_routes_again_what_nobody_has_in_hand(shop):
    order = make_order(shop["channel"], [("A-1", 2)])
    made = go(order, change("change_address", address=BERLIN))
    assert FulfillmentOrder.objects.get(order=order, state="open").location == shop["berlin"]
    assert {(one["sku"], one["location"], one["units"]) for one in made.effect["stock"]} == {
        ("A-1", "Warsaw", -2),
        ("A-1", "Berlin", 2),
    }
    assert (order.ship_country, order.ship_to.city) == ("DE", "Berlin")


def test_another_street_leaves_the_work_as_it_is_unless_its_label_is_bought(shop):
    order = make_order(shop["channel"], [("A-1", 2)])
    work = FulfillmentOrder.objects.get(order=order)
    street = order.shipping_address | {"line1": "ul. Krótka 1"}
    assert go(order, change("change_address", address=street)).effect["work"] == []
    Shipment.objects.create(
        fulfillment_order=work, order=order, reference="x", carrier="builtin", service="standard", state="label_requested", created_at=NOW
    )  # fmt: skip
    made = go(order, change("change_address", address=street | {"line1": "ul. Krótka 2"}))
    assert [one["what"] for one in made.effect["work"]] == ["cancelled", "created"]


def test_an_order_that_shares_a_parcel_leaves_it_for_another_address(shop):
    both = [make_order(shop["channel"], [("A-1", 1)], email="zofia@example.com") for _n in range(2)]
    works = [FulfillmentOrder.objects.get(order=order) for order in both]
    ship_together(fulfillment_order_ids=[work.pk for work in works], actor=ACTOR, now=NOW)
    made = go(both[0], change("change_address", address=both[0].shipping_address | {"line1": "ul. Krótka 1"}))
    assert [one["what"] for one in made.effect["work"]] == ["cancelled", "created"]
    assert FulfillmentOrder.objects.get(order=both[0], state="open").consolidation_id is None


def test_another_service_makes_new_work(shop):
    order = make_order(shop["channel"], [("A-1", 2)], shipping_method="standard")
    go(order, change("change_shipping", method="Express courier", price="19.90"))
    work = FulfillmentOrder.objects.get(order=order, state="open")
    assert (work.service, order.shipping_method, order.current_total) == (
        "express",
        "Express courier",
        Decimal("39.90"),
    )


def test_the_contact_of_the_order(shop):
    order = make_order(shop["channel"], [("A-1", 1)])
    go(order, change("change_contact", name="Anna Nowak", email="anna@example.com", phone="22 111"))
    assert (order.customer_name, order.email, order.phone) == ("Anna Nowak", "anna@example.com", "22 111")
    go(order, change("change_address", which="billing", address=BERLIN))
    assert order.billing_address["city"] == "Berlin" and order.ship_to.city == "Kraków"


# ---- once picking starts ---------------------------------------------------------------------------------------------


def test_what_is_in_hand_stays_and_says_who_has_it(shop):
    order = make_order(shop["channel"], [("A-1", 2)])
    make_variant("NONE")
    go(order, change("add_line", sku="NONE", quantity=3))
    work = FulfillmentOrder.objects.get(order=order, state="open")
    start_picking(fulfillment_order_id=work.pk, actor=ACTOR, now=NOW)
    line = line_of(order)
    for asked in (
        change("remove_units", line=line.pk, units=1),
        change("reprice", line=line.pk, price="1"),
        change("discount_line", line=line.pk, amount="1"),
        change("swap_variant", line=line.pk, sku="B-1"),
        change("split_line", line=line.pk, units=1),
    ):
        refusal = refused(order, asked)
        assert refusal.code == "started" and work.number in refusal.message and "picking it since" in refusal.message, (
            refusal
        )
    assert refused(order, change("change_address", address=BERLIN)).code == "parcel_in_hand"
    assert refused(order, change("change_shipping", method="express")).code == "parcel_in_hand"
    go(
        order,
        change("remove_units", line=line_of(order, "NONE").pk, units=2),
        change("add_line", sku="B-1", quantity=1),
    )
    go(order, change("change_shipping", price="5"))
    assert FulfillmentOrder.objects.get(pk=work.pk).version == FulfillmentOrder.objects.get(pk=work.pk).version
    pick_line(fulfillment_order_id=work.pk, line_id=work.lines.get().pk, actor=ACTOR, now=NOW)


def test_units_beside_those_in_hand_can_still_change(shop):
    order = make_order(shop["channel"], [("A-1", 12)])  # nine lie in Warsaw
    works = list(FulfillmentOrder.objects.filter(order=order).order_by("pk"))
    assert len(works) == 2
    start_picking(fulfillment_order_id=works[0].pk, actor=ACTOR, now=NOW)
    line = line_of(order)
    free = works[1].units
    assert refused(order, change("remove_units", line=line.pk, units=free + 1)).code == "started"
    go(order, change("split_line", line=line.pk, units=free), change("reprice", line="new-1", price="1"))
    go(order, change("remove_units", line=order.lines.get(unit_price=1).pk, units=1))


def test_what_has_left_is_told(shop):
    order = make_order(shop["channel"], [("A-1", 1), ("B-1", 1)])
    make_variant("NONE")
    go(order, change("add_line", sku="NONE", quantity=1))
    ship_fulfillment_order(
        fulfillment_order_id=FulfillmentOrder.objects.get(order=order, state="open").pk,
        fast_forward=True,
        actor=ACTOR,
        now=NOW,
    )
    refusal = refused(order, change("remove_units", line=line_of(order).pk, units=1))
    assert "1 unit of A-1 has left" in refusal.message
    go(order, change("change_address", address=BERLIN))  # what is still to come goes there
    assert refused(order, change("discount_order", amount="11")).code == "bad_discount"


# ---- preview and submit ----------------------------------------------------------------------------------------------


def test_a_preview_leaves_nothing_behind(shop, django_capture_on_commit_callbacks):
    order = make_order(make_channel(hold_unpaid=True), [("A-1", 2)])
    changes = parse_changes([change("add_line", sku="B-1", quantity=1), change("change_address", address=BERLIN)])

    def everything() -> list[Any]:
        models = (
            StockMovement,
            OutboxEvent,
            OutgoingMail,
            TimelineEntry,
            ChangeOrder,
            FulfillmentOrder,
            Hold,
            Reservation,
            OrderLine,
        )
        return [list(model.objects.order_by("pk").values()) for model in models] + [
            Order.objects.filter(pk=order.pk).values().get()
        ]

    before = everything()
    with django_capture_on_commit_callbacks() as callbacks:
        seen = preview_change(order_id=order.pk, changes=changes, actor=ACTOR, now=NOW)
    assert seen.effect.holds == {"before": [], "after": ["payment"]}
    assert everything() == before and callbacks == []


def test_a_preview_says_of_each_change_why_not_and_shows_the_others(shop):
    order = make_order(shop["channel"], [("A-1", 2)])
    asked = [
        change("remove_units", line=line_of(order).pk, units=5),
        change("add_line", sku="B-1", quantity=1),
        change("reprice", line=999999, price="1"),
    ]
    seen = preview_change(order_id=order.pk, changes=parse_changes(asked), actor=ACTOR, now=NOW)
    assert [(one.index, one.code, one.field) for one in seen.refused] == [
        (0, "started", "units"),
        (2, "no_such_line", "line"),
    ]
    assert seen.effect.amount("current_total") == (20, Decimal("27.50"))
    assert refused(order, *asked).field == "changes[0].units"


def test_an_old_preview_is_refused(shop):
    order = make_order(shop["channel"], [("A-1", 2)])
    changes = parse_changes([change("add_line", sku="B-1", quantity=9)])
    seen = preview_change(order_id=order.pk, changes=changes, actor=ACTOR, now=NOW)
    variant = Variant.objects.get(sku="B-1")
    for place in (shop["warsaw"], shop["berlin"]):
        adjust_stock(variant_id=variant.pk, location_id=place.pk, quantity=-7, reason="lost", actor=ACTOR, now=NOW)
    with pytest.raises(EffectMoved) as moved:
        submit_change(
            order_id=order.pk, changes=changes, version=seen.version, digest=seen.digest, key="k", actor=ACTOR, now=NOW
        )
    assert sum(one.units for one in moved.value.effect.stock if not one.location) == 5
    cancel_order(order_id=order.pk, units={line_of(order).pk: 1}, reason="", actor=ACTOR, now=NOW)
    with pytest.raises(Stale):
        submit_change(order_id=order.pk, changes=changes, version=seen.version, key="k", actor=ACTOR, now=NOW)
    assert not ChangeOrder.objects.exists()


def test_a_submission_happens_once(shop):
    order = make_order(shop["channel"], [("A-1", 2)])
    asked = change("add_line", sku="B-1", quantity=1)
    first = go(order, asked, key="one")
    again = submit_change(order_id=order.pk, changes=parse_changes([asked]), version=1, key="one", actor=ACTOR, now=NOW)
    assert again == first and order.lines.count() == 2
    assert OutboxEvent.objects.filter(name="order.changed").count() == 1
    second = go(order, asked)
    assert (first.position, second.position) == (1, 2)
    with pytest.raises(IntegrityError), transaction.atomic():
        ChangeOrder.objects.filter(pk=first.pk).update(reason="other")


def test_closed_orders_do_not_change(shop):
    order = make_order(shop["channel"], [("A-1", 1)])
    cancel_order(order_id=order.pk, reason="", actor=ACTOR, now=NOW)
    assert refused(order, change("add_line", sku="B-1", quantity=1)).code == "not_open"


def test_the_customer_hears_what_changed_and_what_is_to_be_paid(shop):
    order = make_order(shop["channel"], [("A-1", 2)])
    made = go(
        order,
        change("add_line", sku="B-1", quantity=1),
        change("set_quantity", line=line_of(order).pk, quantity=1),
        change("reprice", line=line_of(order).pk, price="20"),
    )
    for _n in range(2):
        tell_customer_changed(OrderChanged(order.pk, made.pk), actor=ACTOR, now=NOW)
    mail = OutgoingMail.objects.get(about=order.subject)
    assert "Thing A-1: 1 instead of 2" in mail.text and "New: 1 × Thing B-1" in mail.text
    assert "€27.50 now; it was €20.00" in mail.text and "€7.50 is still to be paid" in mail.text
    split = go(order, change("split_line", line=_two_of(order), units=1))
    tell_customer_changed(OrderChanged(order.pk, split.pk), actor=ACTOR, now=NOW)
    assert OutgoingMail.objects.filter(about=order.subject).count() == 2  # of the quantity, not of the split


def _two_of(order: Order) -> int:
    made = go(order, change("set_quantity", line=line_of(order, "B-1").pk, quantity=2))
    tell_customer_changed(OrderChanged(order.pk, made.pk), actor=ACTOR, now=NOW)
    return line_of(order, "B-1").pk


def test_a_change_is_no_new_order_in_the_figures(shop):
    order = make_order(shop["channel"], [("A-1", 2)], placed_at=NOW - timedelta(days=3))
    made = go(order, change("add_line", sku="B-1", quantity=1))
    order_changed(OrderChanged(order.pk, made.pk), actor=ACTOR, now=NOW)
    assert StaleDay.objects.get().day == (NOW - timedelta(days=3)).date()
    refresh_figures()
    assert DailyFigure.objects.values_list("orders", "revenue").get() == (1, Decimal("27.50"))


def test_what_is_paid_later_lets_the_order_go(shop):
    order = make_order(make_channel(hold_unpaid=True), [("A-1", 1)])
    go(order, change("reprice", line=line_of(order).pk, price="12"))
    record_payment(order_id=order.pk, amount=Decimal(2), method="card", key="rest", actor=ACTOR, now=NOW)
    order.refresh_from_db()
    assert (order.payment, order.owed_by_customer) == ("paid", 0)


# ---- what is asked for -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "changes"), ([], "changes"), (["x"], "changes[0].kind"), ([{"kind": "fly"}], "changes[0].kind"),
        ([{"kind": "remove_units", "line": "12"}], "changes[0].units"),
        ([{"kind": "remove_units", "line": "x; drop", "units": 1}], "changes[0].line"),
        ([{"kind": "remove_units", "line": True, "units": 1}], "changes[0].line"),
        ([{"kind": "remove_units", "line": 1, "units": 0}], "changes[0].units"),
        ([{"kind": "remove_units", "line": 1, "units": 1.5}], "changes[0].units"),
        ([{"kind": "reprice", "line": 1, "price": "-1"}], "changes[0].price"),
        ([{"kind": "reprice", "line": 1, "price": "NaN"}], "changes[0].price"),
        ([{"kind": "reprice", "line": 1, "price": "1e999999"}], "changes[0].price"),
        ([{"kind": "reprice", "line": 1, "price": "0.00001"}], "changes[0].price"),
        ([{"kind": "reprice", "line": 1, "price": "1", "colour": "red"}], "changes[0].colour"),
        ([{"kind": "add_line", "quantity": 1}], "changes[0].sku"),
        ([{"kind": "add_line", "quantity": 1, "title": "Words"}], "changes[0].price"),
        ([{"kind": "add_line", "quantity": 1, "sku": "A\x00"}], "changes[0].sku"),
        ([{"kind": "add_line", "quantity": 1, "sku": "A", "tax_rate": "19"}], "changes[0].tax_rate"),
        ([{"kind": "discount_order"}], "changes[0].amount"),
        ([{"kind": "discount_order", "amount": "1", "percent": "1"}], "changes[0].amount"),
        ([{"kind": "discount_line", "line": 1, "percent": "101"}], "changes[0].percent"),
        ([{"kind": "change_address", "address": "x"}], "changes[0].address"),
        ([{"kind": "change_address", "address": {"country": "XX"}}], "changes[0].address.country"),
        ([{"kind": "change_address", "address": {"planet": "Mars"}}], "changes[0].address.planet"),
        ([{"kind": "change_address", "address": {"country": "PL"}, "which": "home"}], "changes[0].which"),
        ([{"kind": "change_shipping"}], "changes[0].method"),
        ([{"kind": "change_contact", "email": "nobody"}], "changes[0].email"),
    ],
)  # fmt: skip
def test_wrong_input_names_its_field(data, field):
    with pytest.raises(Invalid) as invalid:
        parse_changes(data)
    assert invalid.value.field == field


def test_what_is_read_can_be_written_and_read_again():
    asked = [
        {"kind": "add_line", "sku": "A", "quantity": 2, "price": "1.50", "tax_rate": "0.19"},
        {"kind": "swap_variant", "line": "new-1", "sku": "B", "price": "0"}, {"kind": "set_quantity", "line": 7, "quantity": 0},
        {"kind": "change_address", "address": BERLIN}, {"kind": "change_shipping", "price": 4.9},
        {"kind": "remove_units", "line": "bundle-3", "units": "2"},
    ]  # fmt: skip
    read = parse_changes(asked)
    assert parse_changes([to_json(one) for one in read]) == read
    assert set(KINDS) == {kind.kind for kind in KINDS.values()}
