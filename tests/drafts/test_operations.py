"""Drafts from the first line to the order: what is held, what is placed, what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from core.models import OutboxEvent, Shop
from core.refusals import Invalid, Refusal, Stale
from currencies.models import ExchangeRate
from drafts.models import DraftOrder, HeldStock
from drafts.operations import (
    LineEdit,
    NewLine,
    PaidInPerson,
    begin_draft,
    complete_draft,
    duplicate_draft,
    edit_draft,
    end_draft,
    hold_stock,
    release_stock,
    send_draft,
    take_customer,
)
from drafts.operations.sweeping import end_due
from drafts.totals import Discount
from fulfillment.models import FulfillmentOrder
from inventory.models import LocationKind, Reservation, StockLevel
from oms.integrity import check_integrity
from oms.orchestration.hold_order import release_if_paid
from orders.models import Order, TaxRate
from tests.factories.bundles import make_bundle
from tests.factories.drafts import HOME, make_draft
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def done(draft: DraftOrder, action: str = "place", **more) -> Order:
    return complete_draft(draft_id=draft.pk, action=action, actor=ACTOR, now=NOW, **more)


def audits_are_clean() -> None:
    assert check_integrity()[1] == []


class TestComposing:
    def test_a_scenario_presets_channel_tax_and_terms(self) -> None:
        phone, pos, b2b = (make_channel(kind=kind) for kind in ("phone", "pos", "b2b"))
        store = make_location("Old Town", kind=LocationKind.STORE)
        made = {s: begin_draft(scenario=s, actor=ACTOR, now=NOW) for s in ("phone", "counter", "wholesale")}
        assert [made[s].channel for s in made] == [phone, pos, b2b]
        assert (made["phone"].terms, made["wholesale"].terms) == ("advance", "net30")
        assert (made["phone"].location, made["counter"].location) == (None, store)
        assert made["wholesale"].tax_included is False

    def test_a_scan_of_what_stands_there_adds_a_unit(self) -> None:
        tee = make_variant("TEE", price=Decimal("12.50"))
        draft = make_draft([(tee, 1)])
        edit_draft(draft_id=draft.pk, added=[NewLine(1, tee.pk)], merge=True, actor=ACTOR, now=NOW)
        line = draft.lines.get()
        assert (line.quantity, line.unit_price) == (2, Decimal("12.50"))
        assert DraftOrder.objects.get().total == 25

    def test_a_save_that_changes_nothing_is_no_change(self) -> None:
        draft = make_draft([(make_variant(), 1)])
        again = edit_draft(draft_id=draft.pk, head={"email": draft.email}, actor=ACTOR, now=NOW)
        assert again.version == draft.version

    def test_two_people_who_save_are_told(self) -> None:
        draft = make_draft([(make_variant(), 1)])
        edit_draft(draft_id=draft.pk, head={"note": "one"}, version=draft.version, actor=ACTOR, now=NOW)
        with pytest.raises(Stale):
            edit_draft(draft_id=draft.pk, head={"note": "two"}, version=draft.version, actor=ACTOR, now=NOW)

    def test_tax_is_that_of_the_country(self) -> None:
        TaxRate.objects.create(country="PL", name="VAT", rate=Decimal("0.23"))
        draft = make_draft([(make_variant(price=Decimal(100)), 1)], shipping_total=Decimal(10))
        assert (draft.tax_total, draft.total) == (Decimal("25.30"), Decimal("135.30"))
        assert edit_draft(draft_id=draft.pk, head={"tax_exempt": True}, actor=ACTOR, now=NOW).total == 110

    @pytest.mark.parametrize(
        ("field", "edit"),
        [
            ("quantity-", {"quantity": 2_000_000}),
            ("price-", {"unit_price": Decimal("0.00001")}),
            ("discount-", {"discount": Discount("percent", Decimal(101))}),
            ("discount-", {"discount": Discount("amount", Decimal("0.001"))}),
            ("tax-", {"tax_rate": Decimal(1)}),
            ("title-", {"title": " "}),
        ],
    )
    def test_what_cannot_be_is_refused_at_its_field(self, field, edit) -> None:
        draft = make_draft(custom=[("Engraving", "5")])
        line = draft.lines.get()
        values = {"quantity": 1, "unit_price": Decimal(1), "title": "Engraving"} | edit
        with pytest.raises(Invalid) as refused:
            edit_draft(draft_id=draft.pk, edits=[LineEdit(line.pk, **values)], actor=ACTOR, now=NOW)
        assert refused.value.field == f"{field}{line.pk}"

    def test_a_customer_brings_name_address_and_language(self) -> None:
        order = make_order(make_channel(language="pl"))
        draft = make_draft(email="", customer_name="")
        draft = take_customer(draft_id=draft.pk, customer_id=order.customer_id, actor=ACTOR, now=NOW)
        assert (draft.email, draft.customer_name, draft.language) == (order.email, "Zofia Kowalska", "pl")
        assert draft.ship_to.city == "Kraków"

    def test_more_than_an_order_can_come_to_is_refused(self) -> None:
        draft = make_draft([(make_variant(), 1)])
        line = draft.lines.get()
        with pytest.raises(Invalid):
            edit_draft(draft_id=draft.pk, edits=[LineEdit(line.pk, 1_000_000, Decimal(10) ** 9)], actor=ACTOR, now=NOW)

    def test_a_price_is_converted_at_the_rate_of_the_day(self) -> None:
        Shop.objects.update_or_create(id=1, defaults={"name": "Shop", "currency": "EUR"})
        ExchangeRate.objects.create(base="EUR", quote="JPY", day=NOW.date(), rate=Decimal("161.37"), source="manual")
        jars = [
            make_draft([(make_variant(price=Decimal("12.50")), 1)], currency=currency) for currency in ("JPY", "TRY")
        ]
        assert [draft.lines.get().unit_price for draft in jars] == [2017, Decimal("12.50")]

    def test_a_copy_is_open_and_holds_nothing(self) -> None:
        tee = make_variant()
        give_stock(tee, make_location(), 5)
        draft = make_draft([(tee, 2)], custom=[("Gift wrap", "3")], held_for=DAY)
        copy = duplicate_draft(draft_id=draft.pk, actor=ACTOR, now=NOW)
        assert copy.number != draft.number
        assert (copy.total, copy.state, copy.hold_until) == (draft.total, "open", None)
        assert HeldStock.objects.filter(line__draft=copy).count() == 0
        audits_are_clean()


class TestHolding:
    def test_held_stock_is_nobody_elses_until_its_day(self) -> None:
        tee = make_variant("TEE")
        give_stock(tee, make_location(), 5)
        draft = make_draft([(tee, 4)], held_for=DAY)
        order = make_order(lines=[("TEE", 3)])
        assert (order.lines.get().allocated, order.lines.get().backordered) == (1, 2)
        audits_are_clean()
        assert end_due(actor=ACTOR, now=NOW + DAY / 2) == 0
        end_due(actor=ACTOR, now=NOW + DAY)
        assert DraftOrder.objects.get(pk=draft.pk).hold_until is None
        assert StockLevel.objects.get().reserved == 1
        assert OutboxEvent.objects.filter(name="stock.increased").exists()
        audits_are_clean()

    def test_a_hold_takes_what_there_is(self) -> None:
        tee, mug = make_variant("TEE"), make_variant("MUG")
        give_stock(tee, make_location(), 2)
        make_draft([(tee, 5), (mug, 1)], held_for=DAY)
        assert HeldStock.objects.get().quantity == 2
        with pytest.raises(Refusal) as refused:
            make_draft([(mug, 1)], held_for=DAY)
        assert refused.value.code == "nothing_to_hold"

    def test_a_hold_follows_the_lines(self) -> None:
        tee, mug, place = make_variant("TEE"), make_variant("MUG"), make_location()
        give_stock(tee, place, 5), give_stock(mug, place, 5)
        draft = make_draft([(tee, 2)], held_for=DAY)
        line = draft.lines.get()
        edit_draft(
            draft_id=draft.pk,
            edits=[LineEdit(line.pk, 5, line.unit_price)],
            added=[NewLine(1, mug.pk)],
            actor=ACTOR,
            now=NOW,
        )
        assert dict(HeldStock.objects.values_list("variant__sku", "quantity")) == {"TEE": 5, "MUG": 1}
        edit_draft(draft_id=draft.pk, edits=[LineEdit(line.pk, 0, line.unit_price)], actor=ACTOR, now=NOW)
        assert dict(HeldStock.objects.values_list("variant__sku", "quantity")) == {"MUG": 1}
        audits_are_clean()
        last = draft.lines.get()
        emptied = edit_draft(draft_id=draft.pk, edits=[LineEdit(last.pk, 0, last.unit_price)], actor=ACTOR, now=NOW)
        assert emptied.hold_until is None
        assert StockLevel.objects.filter(reserved__gt=0).count() == 0
        audits_are_clean()

    def test_a_bundle_holds_its_components_in_whole_sets(self) -> None:
        place = make_location()
        a, b = make_variant("A"), make_variant("B")
        kit = make_bundle("KIT", {a: 1, b: 2})
        give_stock(a, place, 5), give_stock(b, place, 5)
        make_draft([(kit, 3)], held_for=DAY)
        assert dict(HeldStock.objects.values_list("variant__sku", "quantity")) == {"A": 2, "B": 4}
        audits_are_clean()

    @pytest.mark.parametrize("action", ["cancel", "expire"])
    def test_what_ends_holds_nothing(self, action) -> None:
        tee = make_variant()
        give_stock(tee, make_location(), 5)
        draft = make_draft([(tee, 2)], held_for=DAY)
        ended = end_draft(draft_id=draft.pk, action=action, actor=ACTOR, now=NOW)
        assert (ended.hold_until, StockLevel.objects.get().reserved) == (None, 0)
        audits_are_clean()

    def test_released_by_hand(self) -> None:
        tee = make_variant()
        give_stock(tee, make_location(), 5)
        draft = make_draft([(tee, 2)], held_for=DAY)
        release_stock(draft_id=draft.pk, actor=ACTOR, now=NOW)
        assert StockLevel.objects.get().reserved == 0
        with pytest.raises(Refusal):
            release_stock(draft_id=draft.pk, actor=ACTOR, now=NOW)

    def test_a_day_that_has_passed_is_refused(self) -> None:
        with pytest.raises(Invalid):
            hold_stock(draft_id=make_draft([(make_variant(), 1)]).pk, until=NOW, actor=ACTOR, now=NOW)

    def test_an_offer_ends_by_itself(self) -> None:
        draft = make_draft([(make_variant(), 1)])
        end_due(actor=ACTOR, now=NOW + 31 * DAY)
        draft.refresh_from_db()
        assert draft.state == "expired"
        assert end_draft(draft_id=draft.pk, action="reopen", actor=ACTOR, now=NOW + 40 * DAY).state == "open"


class TestCompleting:
    def test_the_order_takes_the_held_units(self) -> None:
        tee = make_variant("TEE")
        give_stock(tee, make_location(), 4)
        draft = make_draft([(tee, 4)], held_for=DAY, custom=[("Gift wrap", "3.50")], po_number="PO-7", tags=["vip"])
        order = done(draft)
        tees = order.lines.get(sku="TEE")
        assert (tees.allocated, tees.backordered, order.total) == (4, 0, draft.total)
        assert (order.po_number, order.tags, order.payment_due_on) == ("PO-7", ["vip"], None)
        assert order.holds.filter(kind="payment", released_at__isnull=True).exists()
        assert set(Reservation.objects.filter(quantity__gt=0).values_list("owner", flat=True)) == {
            tees.reservation_owner
        }
        draft.refresh_from_db()
        assert (draft.state, draft.order) == ("completed", order)
        audits_are_clean()

    def test_paid_in_person_goes_on_at_once(self) -> None:
        tee = make_variant()
        give_stock(tee, make_location(), 4)
        draft = make_draft([(tee, 2)])
        order = done(draft, "paid", paid=PaidInPerson(Decimal(20), "Cash"))
        assert (order.payment, order.on_hold, order.captured_total) == ("paid", False, 20)
        assert FulfillmentOrder.objects.get().state == "open"
        audits_are_clean()

    def test_paid_in_part_waits_for_the_rest(self) -> None:
        tee = make_variant()
        give_stock(tee, make_location(), 4)
        order = done(make_draft([(tee, 2)]), "paid", paid=PaidInPerson(Decimal(5), "Card terminal"))
        assert (order.payment, order.on_hold, order.owed_by_customer) == ("partially_paid", True, 15)
        assert not release_if_paid(order_id=order.pk, actor=ACTOR, now=NOW)

    @pytest.mark.parametrize("amount", ["0", "20.001", "20.01", "-1"])
    def test_an_amount_that_cannot_be_is_refused_and_nothing_is_placed(self, amount) -> None:
        draft = make_draft([(make_variant(), 2)])
        with pytest.raises(Invalid) as refused:
            done(draft, "paid", paid=PaidInPerson(Decimal(amount), "Cash"))
        assert refused.value.field == "amount"
        assert not Order.objects.exists()

    @pytest.mark.parametrize(
        ("terms", "due"), [("receipt", date(2026, 11, 20)), ("net30", date(2026, 12, 20)), ("eom", date(2026, 11, 30))]
    )
    def test_on_terms_it_is_due_on_a_day_and_waits_for_nothing(self, terms, due) -> None:
        tee = make_variant()
        give_stock(tee, make_location(), 4)
        order = done(make_draft([(tee, 2)], scenario="wholesale", terms=terms), "terms")
        assert (order.payment_due_on, order.payment, order.on_hold) == (due, "unpaid", False)

    def test_terms_in_advance_are_no_terms(self) -> None:
        with pytest.raises(Refusal):
            done(make_draft([(make_variant(), 2)]), "terms")

    def test_twice_is_one_order(self) -> None:
        draft = make_draft([(make_variant(), 2)])
        done(draft)
        with pytest.raises(Refusal) as refused:
            done(draft)
        assert refused.value.code == "wrong_state"
        assert Order.objects.count() == 1

    def test_a_customer_accepts_what_was_sent_only(self) -> None:
        draft = make_draft([(make_variant(), 2)])
        with pytest.raises(Refusal):
            done(draft, "accept")
        sent = send_draft(draft_id=draft.pk, actor=ACTOR, now=NOW)
        assert not sent.changed_since_sent
        assert OutboxEvent.objects.filter(name="draft.sent").count() == 1
        assert done(draft, "accept", version=sent.version).holds.filter(kind="payment").exists()

    def test_nothing_is_sent_without_an_address(self) -> None:
        draft = make_draft([(make_variant(), 2)], email="")
        with pytest.raises(Invalid):
            send_draft(draft_id=draft.pk, actor=ACTOR, now=NOW)
        assert send_draft(draft_id=draft.pk, mail=False, actor=ACTOR, now=NOW).state == "sent"

    @pytest.mark.parametrize("part", ["line1", "city", "country"])
    def test_goods_that_are_shipped_need_an_address(self, part) -> None:
        draft = make_draft([(make_variant(), 1)], shipping_address=replace(HOME, **{part: ""}))
        for act in (lambda: done(draft), lambda: send_draft(draft_id=draft.pk, actor=ACTOR, now=NOW)):
            with pytest.raises(Invalid) as refused:
                act()
            assert refused.value.field == "ship_line1"
        words = make_draft(custom=[("Advice", "30")], shipping_address=replace(HOME, **{part: ""}))
        assert done(words).total == 30

    def test_a_refused_order_leaves_draft_and_hold_as_they_were(self) -> None:
        tee, channel = make_variant(), make_channel()
        give_stock(tee, make_location(), 4)
        draft = make_draft([(tee, 2)], channel=channel, held_for=DAY)
        channel.active = False
        channel.save()
        with pytest.raises(Invalid):
            done(draft)
        draft.refresh_from_db()
        assert (draft.state, HeldStock.objects.get().quantity) == ("open", 2)
        audits_are_clean()


class TestCounter:
    def test_goods_leave_with_the_payment(self) -> None:
        store, tee = make_location("Old Town", kind=LocationKind.STORE), make_variant("TEE")
        give_stock(tee, store, 3), give_stock(tee, make_location("Main"), 9)
        draft = make_draft([(tee, 2)], scenario="counter", custom=[("Bag", "1")], held_for=DAY)
        order = done(draft, "paid", paid=PaidInPerson(Decimal(21), "Cash"))
        level = StockLevel.objects.get(location=store)
        assert (level.on_hand, level.reserved) == (1, 0)
        assert (order.lifecycle, order.fulfillment, order.payment, order.historic) == (
            "completed",
            "fulfilled",
            "paid",
            False,
        )
        assert not FulfillmentOrder.objects.exists()
        audits_are_clean()

    def test_nothing_leaves_that_is_not_there_or_not_paid(self) -> None:
        store, tee = make_location("Old Town", kind=LocationKind.STORE), make_variant("TEE")
        give_stock(tee, store, 1), give_stock(tee, make_location("Main"), 9)
        draft = make_draft([(tee, 2)], scenario="counter")
        for paid in (Decimal(20), Decimal(5)):
            with pytest.raises(Refusal):
                done(draft, "paid", paid=PaidInPerson(paid, "Cash"))
        assert not Order.objects.exists()
        assert StockLevel.objects.get(location=store).on_hand == 1

    def test_what_has_serial_numbers_is_shipped(self) -> None:
        store, camera = make_location("Old Town", kind=LocationKind.STORE), make_variant("CAM", tracking="serial")
        draft = make_draft([(camera, 1)], scenario="counter")
        with pytest.raises(Refusal) as refused:
            done(draft, "paid", paid=PaidInPerson(Decimal(10), "Cash"))
        assert refused.value.code == "serial_at_the_counter"
        assert store.pk == draft.location_id
