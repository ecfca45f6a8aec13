"""From a change of stock to one push: merged, once, with a version that only rises."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from availability.models import ChannelAvailability, DirtyAvailability
from availability.operations.marking import mark_pairs, mark_variants
from availability.operations.publishing import publish_due, publish_pairs
from core.models import OutboxEvent
from inventory.operations import Move, apply_moves
from tests.availability.shop import LATER, bundle_of, rule_for, settle, shown_of, tell, waiting
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db


def changes() -> list[dict]:
    return list(OutboxEvent.objects.filter(name="availability.changed").order_by("id").values_list("payload", flat=True))  # fmt: skip


def test_a_thousand_changes_of_one_sku_are_one_push():
    channel, variant, location = make_channel(), make_variant("A-1"), make_location()
    for n in range(1000):
        with transaction.atomic():
            move = Move(variant.pk, location.pk, "on_hand", 1, "received")
            apply_moves([move], cause=f"test:{n}", actor=ACTOR, now=NOW)
        if n % 250 == 0:  # the ledger is told of several times within the window
            tell()
    told = settle()
    assert [(one["channel_id"], one["items"]) for one in told] == [(channel.pk, [[variant.pk, 1000, 1]])]
    assert settle() == [] and waiting() == 0


def test_nothing_is_told_before_the_window_ends_and_nothing_without_a_difference():
    channel, variant, location = make_channel(), make_variant("A-1"), make_location()
    give_stock(variant, location, 5)
    tell()
    assert publish_due(now=NOW).looked_at == 0 and waiting() == 1
    assert publish_due(now=NOW + LATER).changed == 1
    give_stock(variant, location, 2)
    give_stock(variant, location, -2)
    assert settle() == [] and shown_of(channel, variant) == (5, 1)
    give_stock(variant, location, 1)
    assert [one["items"] for one in settle()] == [[[variant.pk, 6, 2]]]


def test_more_changes_do_not_put_the_push_off():
    variant = make_variant("A-1")
    make_channel()
    mark_variants([variant.pk], now=NOW)
    mark_variants([variant.pk], now=NOW + timedelta(seconds=2))
    assert DirtyAvailability.objects.get().due_at == NOW + timedelta(seconds=3)


def test_a_component_changes_its_bundles_too():
    channel, location = make_channel(), make_location()
    a, b = make_variant("A"), make_variant("B")
    kit = bundle_of("KIT", (a, 1), (b, 2))
    give_stock(a, location, 12)
    give_stock(b, location, 16)
    [told] = settle()
    assert sorted(told["items"]) == sorted([[a.pk, 12, 1], [b.pk, 16, 1], [kit.pk, 8, 1]])
    give_stock(b, location, -13)
    [told] = settle()
    assert sorted(told["items"]) == sorted([[b.pk, 3, 2], [kit.pk, 1, 2]])
    assert shown_of(channel, kit) == (1, 2)


def test_each_channel_sees_its_own_locations():
    web, store = make_channel(name="Web"), make_channel(name="Store")
    variant = make_variant("A")
    give_stock(variant, make_location("Main"), 10)
    give_stock(variant, make_location("For the store", channel_ids=[store.pk]), 4)
    give_stock(variant, make_location("Shelf", ships_online=False), 100)
    give_stock(variant, make_location("Closed", active=False), 1000)
    settle()
    assert (shown_of(web, variant)[0], shown_of(store, variant)[0]) == (10, 14)


def test_a_back_order_uses_up_the_budget_and_a_cancel_gives_it_back():
    from oms.orchestration.cancel_order import cancel_order

    channel, variant, location = make_channel(), make_variant("A"), make_location()
    give_stock(variant, location, 2)
    rule_for(channel, scope="sku", sku="A", budget=5, budget_until=NOW.date())
    settle()
    assert shown_of(channel, variant)[0] == 7
    order = make_order(channel, [("A", 4)])
    settle()
    row = ChannelAvailability.objects.get()
    assert (order.lines.get().backordered, row.available, row.shown) == (2, 0, 3)
    cancel_order(order_id=order.pk, units=None, reason="customer", actor=ACTOR, now=NOW)
    settle()
    assert shown_of(channel, variant)[0] == 7


def test_a_back_ordered_bundle_uses_up_its_own_budget_and_that_of_its_components():
    channel, location = make_channel(), make_location()
    a, b = make_variant("A"), make_variant("B")
    kit = bundle_of("KIT", (a, 1), (b, 2))
    give_stock(a, location, 10)
    give_stock(b, location, 5)
    rule_for(channel, scope="sku", sku="KIT", budget=4, budget_until=NOW.date())
    rule_for(channel, scope="sku", sku="B", budget=20, budget_until=NOW.date())
    settle()
    assert [shown_of(channel, one)[0] for one in (a, b, kit)] == [10, 25, 6]
    make_order(channel, [("KIT", 4)])
    settle()
    # Two bundles are reserved as a whole (two A, four B), two are back-ordered with their two A and four B.
    assert [shown_of(channel, one)[0] for one in (a, b, kit)] == [8, 1 + 20 - 4, 4 - 2]


def test_what_needs_no_shipping_has_no_number_and_limits_no_bundle():
    channel, location = make_channel(), make_location()
    mug, card = make_variant("MUG"), make_variant("CARD", requires_shipping=False)
    bundle_of("GIFT", (mug, 1), (card, 1))
    bundle_of("VOUCHERS", (card, 3))
    give_stock(mug, location, 3)
    mark_variants([card.pk, mug.pk], now=NOW)
    settle()
    shown = dict(ChannelAvailability.objects.values_list("variant__sku", "shown"))
    assert shown == {"MUG": 3, "GIFT": 3} and channel.pk
    type(mug).objects.filter(pk=mug.pk).update(requires_shipping=False)
    mark_variants([mug.pk], now=NOW)
    settle()
    assert not ChannelAvailability.objects.exists()


def test_a_crash_before_the_end_leaves_everything_to_the_next():
    channel, variant = make_channel(), make_variant("A")
    give_stock(variant, make_location(), 5)
    tell()
    with pytest.raises(ZeroDivisionError):
        _publish_and_die()
    assert waiting() == 1 and changes() == [] and not ChannelAvailability.objects.exists()
    assert publish_due(now=NOW + LATER).changed == 1 and shown_of(channel, variant) == (5, 1)


@transaction.atomic
def _publish_and_die() -> None:
    assert publish_due(now=NOW + LATER).changed == 1
    raise ZeroDivisionError


def test_the_number_of_statements_does_not_grow_with_the_skus():
    channel, location = make_channel(), make_location()
    pool_of = rule_for(channel, buffer="percent", value=10)
    assert pool_of.buffer == "percent"
    variants = [make_variant() for _ in range(20)]
    kits = [bundle_of(f"KIT-{n}", (variants[n], 1), (variants[n + 1], 2)) for n in range(5)]
    for variant in variants:
        give_stock(variant, location, 9)

    def statements(count: int) -> int:
        DirtyAvailability.objects.all().delete()
        pairs = [(channel.pk, one.pk) for one in (*kits[: count // 4], *variants[:count])]
        with CaptureQueriesContext(connection) as queries, transaction.atomic():
            publish_pairs(pairs, now=NOW, anyway=True)
        return len(queries)

    assert statements(4) == statements(20)


def test_what_is_gone_is_left_out():
    channel, variant = make_channel(), make_variant("A")
    mark_pairs([(channel.pk, variant.pk), (channel.pk, 999_999), (999_999, variant.pk)], now=NOW)
    assert publish_due(now=NOW + LATER).looked_at == 1 and waiting() == 0


@pytest.mark.django_db(transaction=True)
def test_two_workers_tell_each_change_once(threads):
    channel, location = make_channel(), make_location()
    variants = [make_variant() for _ in range(60)]
    for variant in variants:
        give_stock(variant, location, 3)
    tell()

    def work(_i: int) -> int:
        done = 0
        while (batch := publish_due(now=NOW + LATER, limit=7)).looked_at:
            done += batch.changed
        return done

    results = threads(4, work)
    assert sum(results) == 60, results
    told = [item for change in changes() for item in change["items"]]
    assert sorted(told) == sorted([[variant.pk, 3, 1] for variant in variants])
    assert set(ChannelAvailability.objects.values_list("channel", "version")) == {(channel.pk, 1)}


@pytest.mark.django_db(transaction=True)
def test_versions_rise_and_the_last_number_is_right_while_stock_moves(threads):
    channel, variant, location = make_channel(), make_variant("A"), make_location()
    give_stock(variant, location, 1)

    def work(i: int) -> None:
        for _ in range(8):
            if i % 2:
                give_stock(variant, location, 1)
                mark_variants([variant.pk], now=NOW)
            else:
                publish_due(now=NOW + LATER)

    assert threads(4, work) == [None] * 4
    settle()
    versions = [item[2] for change in changes() for item in change["items"]]
    assert versions == sorted(set(versions)) and shown_of(channel, variant) == (17, versions[-1])
