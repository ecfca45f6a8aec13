"""What each act on a transfer does to stock, and what it refuses."""

from __future__ import annotations

from datetime import date

import pytest

from core.models import TimelineEntry
from core.refusals import Invalid, Refusal, Stale
from inventory.models import BundleComponent, LotLevel, MovementReason, Reservation, StockLevel, StockMovement
from inventory.operations import adjust_stock
from inventory.operations.lots import receive_lot
from oms.integrity import check_integrity
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_variant
from tests.transfers.factory import WHO, counts, make_transfer
from transfers.models import Arrival, Transfer, TransferLine
from transfers.operations import (
    Arrived,
    NewTransfer,
    NotEnoughAtOrigin,
    Settled,
    cancel_transfer,
    count_scanned,
    create_transfer,
    create_transfers,
    dispatch_transfer,
    edit_transfer,
    find_again,
    find_variants,
    make_ready,
    receive_counted,
    receive_transfer,
    revise_transfer,
    settle_missing,
    undo_arrival,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def audited():
    """Whatever a test did, every invariant holds after it."""
    yield
    names, findings = check_integrity()
    assert findings == []
    assert "incoming_of_transfers_is_outstanding" in names


def receive(transfer: Transfer, quantity: int, key: str = "k", **more) -> Transfer:
    line = transfer.lines.get()
    return receive_transfer(transfer_id=transfer.pk, arrived=[Arrived(line.pk, quantity, **more)], key=key, **WHO)


def settle(transfer: Transfer, quantity: int, reason: str) -> Transfer:
    line = transfer.lines.get()
    return settle_missing(transfer_id=transfer.pk, settled=[Settled(line.pk, quantity, reason)], **WHO)


class TestLeaving:
    def test_a_draft_holds_nothing(self):
        transfer = make_transfer()
        assert (transfer.number, transfer.state, transfer.units) == (f"TR-{transfer.pk}", "draft", 5)
        assert counts(transfer.origin) == (10, 0, 0, 0)
        assert counts(transfer.destination) == (0, 0, 0, 0)

    def test_ready_reserves_here_and_announces_there(self):
        transfer = make_transfer(state="ready")
        assert counts(transfer.origin) == (10, 5, 0, 0)
        assert counts(transfer.destination) == (0, 0, 0, 5)
        held = Reservation.objects.get(quantity__gt=0)
        assert held.owner == f"transfer_line:{transfer.lines.get().pk}"
        assert set(StockMovement.objects.exclude(cause="test:stock").values_list("cause", flat=True)) == {
            transfer.subject
        }

    def test_dispatched_units_are_incoming_and_nowhere_else(self):
        transfer = make_transfer(state="in_transit")
        assert counts(transfer.origin) == (5, 0, 0, 0)
        assert counts(transfer.destination) == (0, 0, 0, 5)
        left = StockMovement.objects.get(cause=transfer.subject, bucket="on_hand")
        assert (left.quantity, left.reason) == (-5, MovementReason.TRANSFERRED)

    def test_less_than_planned_leaves_and_the_rest_is_free_again(self):
        transfer = make_transfer(state="ready")
        line = transfer.lines.get()
        dispatch_transfer(transfer_id=transfer.pk, units={line.pk: 3}, keep_rest=True, **WHO)
        assert counts(transfer.origin) == (7, 0, 0, 0)
        assert counts(transfer.destination) == (0, 0, 0, 3)
        rest = Transfer.objects.exclude(pk=transfer.pk).get()
        assert (rest.state, rest.units, rest.origin_id) == ("draft", 2, transfer.origin_id)

    @pytest.mark.parametrize(("units", "code"), [(6, "too_many"), (-1, "too_many"), (0, "nothing_leaves")])
    def test_no_other_number_leaves(self, units, code):
        transfer = make_transfer(state="ready")
        with pytest.raises(Invalid) as refused:
            dispatch_transfer(transfer_id=transfer.pk, units={transfer.lines.get().pk: units}, **WHO)
        assert refused.value.code == code

    def test_what_the_origin_lacks_is_named_line_by_line(self):
        transfer = make_transfer({"A-1": 5, "B-1": 12, "C-1": 1}, stock=10)
        adjust_stock(
            variant_id=TransferLine.objects.get(variant__sku="C-1").variant_id, location_id=transfer.origin_id, set_to=0,
            reason="counted", actor=ACTOR, now=NOW,
        )  # fmt: skip
        with pytest.raises(NotEnoughAtOrigin) as refused:
            make_ready(transfer_id=transfer.pk, **WHO)
        assert "B-1: 10 of 12" in refused.value.message and "C-1: 0 of 1" in refused.value.message
        assert "A-1" not in refused.value.message
        assert counts(transfer.origin) == (10, 0, 0, 0)
        made = make_ready(transfer_id=transfer.pk, reduce=True, **WHO)
        assert (made.state, made.units) == ("ready", 15)
        assert sorted(made.lines.values_list("variant__sku", "quantity")) == [("A-1", 5), ("B-1", 10)]

    def test_nothing_at_all_is_refused_also_when_reducing(self):
        transfer = make_transfer(stock=0)
        with pytest.raises(Refusal) as refused:
            make_ready(transfer_id=transfer.pk, reduce=True, **WHO)
        assert refused.value.code == "nothing_at_origin"

    def test_safety_stock_and_promised_units_stay(self):
        transfer = make_transfer(stock=5)
        variant = transfer.lines.get().variant
        give_stock(variant, transfer.origin, 1, bucket="safety_stock")
        with pytest.raises(NotEnoughAtOrigin):
            make_ready(transfer_id=transfer.pk, **WHO)

    @pytest.mark.parametrize("act", [revise_transfer, cancel_transfer])
    def test_what_was_reserved_is_given_back(self, act):
        transfer = make_transfer(state="ready")
        act(transfer_id=transfer.pk, **WHO)
        assert counts(transfer.origin) == (10, 0, 0, 0)
        assert counts(transfer.destination) == (0, 0, 0, 0)

    def test_what_is_on_its_way_cannot_be_cancelled(self):
        transfer = make_transfer(state="in_transit")
        with pytest.raises(Refusal) as refused:
            cancel_transfer(transfer_id=transfer.pk, **WHO)
        assert refused.value.code == "wrong_state"

    def test_an_old_page_changes_nothing(self):
        transfer = make_transfer()
        make_ready(transfer_id=transfer.pk, version=transfer.version, **WHO)
        with pytest.raises(Stale):
            cancel_transfer(transfer_id=transfer.pk, version=transfer.version, **WHO)


class TestArriving:
    def test_all_of_it_closes_the_transfer(self):
        transfer = receive(make_transfer(state="in_transit"), 5)
        assert (transfer.state, transfer.received, transfer.outstanding) == ("received", 5, 0)
        assert counts(transfer.destination) == (5, 0, 0, 0)

    def test_parts_come_one_after_the_other(self):
        transfer = make_transfer(state="in_transit")
        assert receive(transfer, 2, "a").state == "in_transit"
        assert counts(transfer.destination) == (2, 0, 0, 3)
        assert receive(transfer, 3, "b").state == "received"

    def test_the_same_receipt_twice_arrives_once(self):
        transfer = make_transfer(state="in_transit")
        receive(transfer, 2, "a")
        assert receive(transfer, 2, "a").received == 2
        assert counts(transfer.destination) == (2, 0, 0, 3)
        receive(transfer, 3, "b")
        assert receive(transfer, 3, "b").state == "received"

    def test_damaged_units_are_there_and_not_for_sale(self):
        transfer = make_transfer(state="in_transit")
        with pytest.raises(Invalid) as refused:
            receive(transfer, 5, damaged=2)
        assert refused.value.code == "damage_without_reason"
        receive(transfer, 5, damaged=2, damage_reason="on_the_way")
        assert counts(transfer.destination) == (5, 0, 2, 0)
        assert StockLevel.objects.get(location=transfer.destination).available == 3

    def test_too_much_wants_a_reason(self):
        transfer = make_transfer(state="in_transit")
        with pytest.raises(Invalid) as refused:
            receive(transfer, 7)
        assert refused.value.field == f"over-{transfer.lines.get().pk}"
        receive(transfer, 7, over_reason="sent_more")
        assert counts(transfer.destination) == (7, 0, 0, 0)
        assert counts(transfer.origin) == (3, 0, 0, 0)

    def test_found_units_leave_the_origin_alone(self):
        transfer = receive(make_transfer(state="in_transit"), 7, over_reason="found")
        assert counts(transfer.origin) == (5, 0, 0, 0)
        assert (transfer.received, transfer.over, transfer.state) == (5, 2, "received")

    def test_the_origin_cannot_have_sent_what_it_never_had(self):
        transfer = make_transfer(state="in_transit")
        with pytest.raises(Refusal) as refused:
            receive(transfer, 11, over_reason="sent_more")
        assert refused.value.code == "stock_would_be_negative"
        assert counts(transfer.destination) == (0, 0, 0, 5)

    def test_incoming_that_was_set_lower_by_hand_stops_nobody(self):
        transfer = make_transfer(state="in_transit")
        adjust_stock(
            variant_id=transfer.lines.get().variant_id, location_id=transfer.destination_id, bucket="incoming", set_to=1,
            reason="incoming", actor=ACTOR, now=NOW,
        )  # fmt: skip
        receive(transfer, 5)
        assert counts(transfer.destination) == (5, 0, 0, 0)

    def test_a_mistaken_receipt_is_taken_back(self):
        transfer = receive(
            make_transfer(state="in_transit"), 7, over_reason="sent_more", damaged=1, damage_reason="before"
        )
        arrival = Arrival.objects.get()
        undone = undo_arrival(arrival_id=arrival.pk, **WHO)
        assert (undone.state, undone.outstanding, undone.over, undone.closed_at) == ("in_transit", 5, 0, None)
        assert counts(transfer.destination) == (0, 0, 0, 5)
        assert counts(transfer.origin) == (5, 0, 0, 0)
        with pytest.raises(Refusal):
            undo_arrival(arrival_id=arrival.pk, **WHO)

    def test_only_the_newest_receipt_of_a_line_is_taken_back(self):
        transfer = make_transfer(state="in_transit")
        receive(transfer, 2, "a")
        receive(transfer, 2, "b")
        first, second = Arrival.objects.order_by("pk")
        with pytest.raises(Refusal) as refused:
            undo_arrival(arrival_id=first.pk, **WHO)
        assert refused.value.code == "not_the_newest"
        undo_arrival(arrival_id=second.pk, **WHO)
        undo_arrival(arrival_id=first.pk, **WHO)
        assert counts(transfer.destination) == (0, 0, 0, 5)


class TestCounting:
    def test_scans_add_up_and_are_posted_once(self):
        transfer = make_transfer({"A-1": 2, "B-1": 1}, state="in_transit")
        first = count_scanned(transfer_id=transfer.pk, code="a-1")
        assert (first.count, first.expected, first.complete) == (1, 2, False)
        count_scanned(transfer_id=transfer.pk, code="B-1", damaged=True)
        assert count_scanned(transfer_id=transfer.pk, code="A-1").complete
        assert counts(transfer.destination) == (0, 0, 0, 2), "counting moves nothing"
        reasons = {line.pk: Arrived(line.pk, 0, damage_reason="on_the_way") for line in transfer.lines.all()}
        for _ in range(2):
            done = receive_counted(transfer_id=transfer.pk, reasons=reasons, key="post", **WHO)
        assert (done.state, done.received, done.damaged) == ("received", 3, 1)
        assert counts(transfer.destination) == (2, 0, 0, 0)

    def test_a_wrong_unit_is_refused_and_one_too_many_flagged(self):
        transfer = make_transfer({"A-1": 1}, state="in_transit")
        make_variant("X-9")
        with pytest.raises(Refusal) as refused:
            count_scanned(transfer_id=transfer.pk, code="X-9")
        assert refused.value.code == "wrong_item"
        count_scanned(transfer_id=transfer.pk, code="A-1")
        assert count_scanned(transfer_id=transfer.pk, code="A-1").over == 1


class TestSettling:
    def test_lost_units_leave_the_books(self):
        transfer = make_transfer(state="in_transit")
        receive(transfer, 3)
        closed = settle(transfer, 2, "lost")
        assert (closed.state, closed.lost) == ("received", 2)
        assert counts(transfer.destination) == (3, 0, 0, 0)

    def test_what_is_back_at_the_origin_is_on_hand_there(self):
        transfer = make_transfer(state="in_transit")
        settle(transfer, 5, "back")
        assert counts(transfer.origin) == (10, 0, 0, 0)
        assert counts(transfer.destination) == (0, 0, 0, 0)

    @pytest.mark.parametrize(("place", "end"), [("origin", 0), ("destination", 1)])
    def test_what_was_lost_may_turn_up(self, place, end):
        transfer = make_transfer(state="in_transit")
        settle(transfer, 5, "stolen")
        line = transfer.lines.get()
        find_again(transfer_id=transfer.pk, line_id=line.pk, quantity=2, place=place, **WHO)
        assert counts([transfer.origin, transfer.destination][end])[0] == [7, 2][end]
        with pytest.raises(Invalid):
            find_again(transfer_id=transfer.pk, line_id=line.pk, quantity=4, place=place, **WHO)

    @pytest.mark.parametrize(("quantity", "reason"), [(6, "lost"), (-1, "lost"), (0, "lost"), (1, ""), (1, "bored")])
    def test_only_what_is_missing_with_a_reason(self, quantity, reason):
        with pytest.raises(Invalid):
            settle(make_transfer(state="in_transit"), quantity, reason)


class TestDrafts:
    def test_the_same_key_is_the_same_transfer(self):
        first, again = make_transfer(key="form:1"), make_transfer(key="form:1")
        assert first.pk == again.pk
        assert Transfer.objects.count() == 1

    def test_many_are_made_with_as_many_statements_as_one(self, django_assert_num_queries):
        places, variants = [make_location() for _ in range(4)], [make_variant() for _ in range(5)]
        lines = tuple((variant.pk, 3) for variant in variants)
        one = [NewTransfer(places[0].pk, places[1].pk, lines)]
        many = [NewTransfer(a.pk, b.pk, lines) for a in places for b in places if a != b]
        with django_assert_num_queries(10):
            create_transfers(one, **WHO)
        with django_assert_num_queries(10):
            create_transfers(many, **WHO)

    def test_the_same_sku_twice_is_one_line(self):
        variant, a, b = make_variant(), make_location(), make_location()
        made = create_transfer(NewTransfer(a.pk, b.pk, ((variant.pk, 2), (variant.pk, 3))), **WHO)
        assert made.lines.get().quantity == 5 == made.units

    def test_a_draft_is_edited_and_its_history_says_how(self):
        transfer = make_transfer({"A-1": 5, "B-1": 1})
        new = make_variant("C-1")
        edit_transfer(
            transfer_id=transfer.pk, origin_id=transfer.origin_id, destination_id=transfer.destination_id,
            lines=[(transfer.lines.get(variant__sku="A-1").variant_id, 7), (new.pk, 2)], note="soon", **WHO,
        )  # fmt: skip
        assert sorted(transfer.lines.values_list("variant__sku", "quantity")) == [("A-1", 7), ("C-1", 2)]
        changes = TimelineEntry.objects.get(kind="transfer.edited").data["changes"]
        assert changes == {"A-1": [5, 7], "B-1": [1, 0], "C-1": [0, 2]}

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"destination_id": "same"}, "destination"),
            ({"destination_id": 987654321}, "destination"),
            ({"lines": ()}, "lines"),
            ({"lines": "zero"}, "lines"),
            ({"lines": ((987654321, 1),)}, "lines"),
            ({"lines": "bundle"}, "lines"),
            ({"origin_id": "supplier"}, "origin"),
            ({"origin_id": "closed"}, "origin"),
        ],
    )
    def test_what_cannot_be_sent_is_refused_by_field(self, change, field):
        variant, a, b = make_variant(), make_location(), make_location()
        bundle = make_variant(is_bundle=True)
        BundleComponent.objects.create(bundle=bundle, component=variant, quantity=1)
        words = {
            "same": a.pk, "zero": ((variant.pk, 0),), "bundle": ((bundle.pk, 1),),
            "supplier": make_location(kind="supplier").pk, "closed": make_location(active=False).pk,
        }  # fmt: skip
        fields = {"origin_id": a.pk, "destination_id": b.pk, "lines": ((variant.pk, 1),)}
        fields |= {name: words.get(value, value) if isinstance(value, str) else value for name, value in change.items()}
        with pytest.raises(Invalid) as refused:
            create_transfer(NewTransfer(**fields), **WHO)
        assert refused.value.field == field

    def test_skus_and_barcodes_are_found_in_one_statement(self, django_assert_num_queries):
        tee, mug = make_variant("TEE-S", barcode="5901234123457"), make_variant("mug")
        with django_assert_num_queries(1):
            found = find_variants(["tee-s", "5901234123457", " mug ", "MUG", "nothing", "", "a\x00b"])
        assert found == {"tee-s": tee, "5901234123457": tee, " mug ": mug, "MUG": mug}


class TestLots:
    def test_the_lots_that_left_are_the_lots_that_arrive(self):
        variant, origin = make_variant("LOT", tracking="lot"), make_location()
        days = (date(2027, 1, 1), date(2027, 6, 1))
        for n, (code, day) in enumerate(zip(("EARLY", "LATE"), days, strict=True)):
            receive_lot(
                variant_id=variant.pk, location_id=origin.pk, code=code, expires_on=day, units=3, key=f"{n:032x}", actor=ACTOR, now=NOW
            )  # fmt: skip
        transfer = make_transfer({"LOT": 4}, stock=0, origin=origin, state="in_transit")

        def lots(place) -> dict[str, int]:
            rows = LotLevel.objects.filter(location=place, on_hand__gt=0)
            return dict(rows.values_list("lot__code", "on_hand"))

        assert lots(origin) == {"LATE": 2}
        receive(transfer, 3, "a", damaged=1, damage_reason="before")
        assert lots(transfer.destination) == {"EARLY": 3}
        receive(transfer, 1, "b")
        assert lots(transfer.destination) == {"EARLY": 3, "LATE": 1}
        undo_arrival(arrival_id=Arrival.objects.latest("pk").pk, **WHO)
        assert sum(lots(transfer.destination).values()) == 3
        settle(transfer, 1, "back")
        assert sum(lots(origin).values()) == 3
        assert lots(origin).keys() <= {"EARLY", "LATE"}, "no unit has lost its lot"
