"""Goods come back: what receipt and inspection do to stock, and that every count is explained by the ledger."""

from __future__ import annotations

from collections import Counter

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Sum

from core.models import OutboxEvent
from core.refusals import Invalid, NotFound, Refusal, Stale
from inventory.models import StockLevel, StockMovement
from orders.models import Order
from orders.states import Returning
from returns.models import Inspection, Return, ReturnLine
from returns.operations import (
    Received,
    Verdict,
    approve_return,
    finish_inspection,
    inspect_return,
    keep_goods,
    mark_in_transit,
    receive_return,
)
from tests.factories.returns import ask, make_shop, sent_order
from tests.factories.shop import ACTOR, NOW

BUCKETS = ("on_hand", "reserved", "damaged", "quality_control", "safety_stock", "incoming")


@pytest.fixture
def approved(db: None) -> Return:
    make_shop()
    return ask(sent_order(5), 4)


def receive(made: Return, units: int) -> Return:
    return receive_return(return_id=made.pk, lines=[Received(made.lines.get().pk, units)], actor=ACTOR, now=NOW)


def inspect(made: Return, disposition: str, units: int) -> Return:
    return inspect_return(
        return_id=made.pk, verdicts=[Verdict(made.lines.get().pk, disposition, units)], actor=ACTOR, now=NOW
    )


def level_of(made: Return) -> StockLevel:
    return StockLevel.objects.get(variant=made.lines.get().order_line.variant, location=made.location)


def assert_ledger_explains_everything() -> None:
    rows = StockMovement.objects.values_list("variant_id", "location_id", "bucket").annotate(total=Sum("quantity"))
    explained = {(variant, location, bucket): total for variant, location, bucket, total in rows}
    for level in StockLevel.objects.all():
        for bucket in BUCKETS:
            assert getattr(level, bucket) == explained.get((level.variant_id, level.location_id, bucket), 0)


class TestReceipt:
    def test_what_arrives_is_on_hand_and_cannot_be_sold_yet(self, approved: Return) -> None:
        before = level_of(approved)
        found = receive(approved, 3)
        after = level_of(approved)
        assert (after.on_hand - before.on_hand, after.quality_control, after.available) == (3, 3, before.available)
        assert (found.state, found.received) == ("received", 3)
        assert_ledger_explains_everything()

    def test_it_arrives_in_parts(self, approved: Return) -> None:
        receive(approved, 1)
        found = receive(approved, 3)
        assert found.received == 4
        assert found.lines.get().order_line.returned == 4
        assert OutboxEvent.objects.filter(name="return.received").count() == 1

    def test_more_than_is_expected_is_refused(self, approved: Return) -> None:
        with pytest.raises(Invalid) as refused:
            receive(approved, 5)
        assert refused.value.field == f"quantity-{approved.lines.get().pk}"
        assert level_of(approved).quality_control == 0

    def test_a_line_of_another_return_is_refused(self, approved: Return) -> None:
        other = ask(sent_order(2), 1)
        with pytest.raises(NotFound):
            receive_return(return_id=approved.pk, lines=[Received(other.lines.get().pk, 1)], actor=ACTOR, now=NOW)

    def test_nothing_is_received_before_the_decision(self, db: None) -> None:
        make_shop(auto_approve_returns=False)
        made = ask(sent_order(1), 1)
        with pytest.raises(Refusal) as refused:
            receive(made, 1)
        assert refused.value.code == "wrong_state"

    def test_on_its_way_is_told_once_and_never_after_the_receipt(self, approved: Return) -> None:
        assert mark_in_transit(return_id=approved.pk, actor=ACTOR, now=NOW).state == "in_transit"
        assert mark_in_transit(return_id=approved.pk, actor=ACTOR, now=NOW).state == "in_transit"
        receive(approved, 1)
        assert mark_in_transit(return_id=approved.pk, actor=ACTOR, now=NOW).state == "received"

    def test_eight_hands_that_receive_the_last_unit_count_it_once(self, committed: None, threads) -> None:
        make_shop()
        made = ask(sent_order(1), 1)
        results = threads(8, lambda i: receive(made, 1))
        assert Counter(type(result).__name__ for result in results) == {"Return": 1, "Refusal": 7}
        assert level_of(made).quality_control == 1
        assert_ledger_explains_everything()


class TestInspection:
    @pytest.mark.parametrize(
        ("disposition", "on_hand", "damaged", "quality_control", "available"),
        [("restock", 2, 0, 0, 2), ("refurbish", 2, 2, 0, 0), ("quarantine", 2, 0, 2, 0), ("scrap", 0, 0, 0, 0)],
    )
    def test_each_disposition_moves_stock_its_own_way(
        self, approved: Return, disposition: str, on_hand: int, damaged: int, quality_control: int, available: int
    ) -> None:
        before = level_of(approved)
        receive(approved, 2)
        inspect(approved, disposition, 2)
        after = level_of(approved)
        assert after.on_hand - before.on_hand == on_hand
        assert after.damaged - before.damaged == damaged
        assert after.quality_control - before.quality_control == quality_control
        assert after.available - before.available == available
        assert_ledger_explains_everything()

    def test_restocked_units_are_told_to_those_who_wait(self, approved: Return) -> None:
        receive(approved, 2)
        OutboxEvent.objects.all().delete()
        inspect(approved, "quarantine", 1)
        assert not OutboxEvent.objects.filter(name="stock.increased").exists()
        inspect(approved, "restock", 1)
        event = OutboxEvent.objects.get(name="stock.increased")
        assert event.payload == {"variant_ids": [approved.lines.get().order_line.variant_id]}

    def test_one_line_may_have_several_verdicts(self, approved: Return) -> None:
        receive(approved, 4)
        line = approved.lines.get().pk
        verdicts = [Verdict(line, "restock", 2), Verdict(line, "scrap", 1, "torn"), Verdict(line, "refurbish", 1)]
        found = inspect_return(return_id=approved.pk, verdicts=verdicts, actor=ACTOR, now=NOW)
        assert (found.state, found.inspected) == ("inspected", 4)
        assert Inspection.objects.filter(line_id=line).count() == 3
        assert_ledger_explains_everything()

    def test_more_than_arrived_is_refused_as_a_whole(self, approved: Return) -> None:
        receive(approved, 2)
        line = approved.lines.get().pk
        with pytest.raises(Invalid):
            inspect_return(
                return_id=approved.pk,
                verdicts=[Verdict(line, "restock", 2), Verdict(line, "scrap", 1)],
                actor=ACTOR,
                now=NOW,
            )
        assert level_of(approved).quality_control == 2
        assert not Inspection.objects.exists()

    @pytest.mark.parametrize("disposition", ["keep_it", "burn", ""])
    def test_a_verdict_that_makes_no_sense_is_refused(self, approved: Return, disposition: str) -> None:
        receive(approved, 1)
        with pytest.raises(Invalid):
            inspect(approved, disposition, 1)

    def test_it_is_inspected_when_every_unit_is(self, approved: Return) -> None:
        receive(approved, 4)
        assert inspect(approved, "restock", 3).state == "received"
        assert inspect(approved, "restock", 1).state == "inspected"

    def test_what_never_came_is_no_longer_asked_back(self, approved: Return) -> None:
        receive(approved, 3)
        with pytest.raises(Refusal):
            finish_inspection(return_id=approved.pk, actor=ACTOR, now=NOW)
        inspect(approved, "restock", 3)
        found = finish_inspection(return_id=approved.pk, actor=ACTOR, now=NOW)
        sold = found.lines.get().order_line
        assert (found.state, sold.return_requested, sold.returned) == ("inspected", 3, 3)
        assert Order.objects.get(pk=found.order_id).returning == Returning.RETURNED

    def test_goods_of_an_unknown_sku_move_no_stock(self, approved: Return) -> None:
        sold = approved.lines.get().order_line
        type(sold).objects.filter(pk=sold.pk).update(variant=None)
        movements = StockMovement.objects.count()
        receive(approved, 4)
        assert inspect(approved, "restock", 4).state == "inspected"
        assert StockMovement.objects.count() == movements


class TestKeeping:
    def test_kept_goods_move_no_stock_and_go_on_to_the_refund(self, db: None) -> None:
        make_shop(auto_approve_returns=False)
        made = ask(sent_order(2), 2)
        movements = StockMovement.objects.count()
        found = approve_return(return_id=made.pk, keep=True, actor=ACTOR, now=NOW)
        assert (found.state, found.shipment, found.received, found.inspected) == ("inspected", None, 2, 2)
        assert StockMovement.objects.count() == movements
        assert found.lines.get().order_line.returned == 2

    def test_the_rest_of_a_return_may_be_kept(self, approved: Return) -> None:
        receive(approved, 1)
        inspect(approved, "restock", 1)
        found = keep_goods(return_id=approved.pk, actor=ACTOR, now=NOW)
        assert (found.state, found.inspected) == ("inspected", 4)
        assert_ledger_explains_everything()


class TestGuards:
    def test_an_old_page_does_not_decide(self, db: None) -> None:
        make_shop(auto_approve_returns=False)
        made = ask(sent_order(1), 1)
        approve_return(return_id=made.pk, actor=ACTOR, now=NOW, version=made.version)
        with pytest.raises(Stale):
            approve_return(return_id=made.pk, actor=ACTOR, now=NOW, version=made.version)

    @pytest.mark.parametrize(
        "change",
        [{"state": "lost"}, {"received": 5}, {"inspected": 1}, {"units": 0}, {"state": "resolved"}],
    )
    def test_the_database_refuses_a_return_that_cannot_be(self, approved: Return, change: dict[str, object]) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            Return.objects.filter(pk=approved.pk).update(**change)

    @pytest.mark.parametrize("change", [{"quantity": 0}, {"received": 5}, {"inspected": 1}])
    def test_the_database_refuses_a_line_that_cannot_be(self, approved: Return, change: dict[str, object]) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            ReturnLine.objects.filter(return_request=approved).update(**change)
