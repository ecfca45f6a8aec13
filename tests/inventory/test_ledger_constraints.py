"""What the database itself holds of stock: for each constraint of inventory a row that must fail, and histories nobody can change."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import CheckConstraint, UniqueConstraint

from core.timeline import record
from inventory.models import (
    Bucket,
    BundleComponent,
    Location,
    LocationDay,
    Lot,
    LotLevel,
    ReorderPolicy,
    Reservation,
    SerialNumber,
    StockLevel,
    StockMovement,
    StockSnapshot,
)
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_variant

pytestmark = pytest.mark.django_db


def variant(n: int) -> None:
    make_variant(f"V-{n}", **({"price": -1} if n else {}))


def location(**fields: Any) -> None:
    make_location(**fields)


def level(**counts: int) -> None:
    StockLevel.objects.create(variant=make_variant(), location=make_location(), **counts)


def level_twice() -> None:
    one = give_stock(make_variant(), make_location(), 1)
    StockLevel.objects.create(variant=one.variant, location=one.location)


def day_twice() -> None:
    place = make_location()
    for _n in range(2):
        LocationDay.objects.create(location=place, day=NOW.date())


def movement(times: int = 1, **fields: Any) -> None:
    values = {
        "bucket": "on_hand",
        "quantity": 1,
        "reason": "counted",
        "cause": "test:1",
        "actor": "system:test",
        "at": NOW,
        **fields,
    }
    here, place = make_variant(), make_location()
    for _n in range(times):
        StockMovement.objects.create(variant=here, location=place, **values)


def reservation(times: int = 1, quantity: int = 1) -> None:
    here, place = make_variant(), make_location()
    for _n in range(times):
        Reservation.objects.create(
            variant=here, location=place, owner="order_line:1", quantity=quantity, created_at=NOW
        )


def policy(times: int = 1, **fields: Any) -> None:
    values = {"reorder_point": 5, "order_up_to": 10, "updated_at": NOW, **fields}
    here = make_variant()
    for _n in range(times):
        ReorderPolicy.objects.create(variant=here, **values)


def snapshot_twice() -> None:
    counts = dict.fromkeys(Bucket.values, 0)
    here, place = make_variant(), make_location()
    for _n in range(2):
        StockSnapshot.objects.create(variant=here, location=place, at=NOW, movement_id=0, **counts)


def lot_twice() -> None:
    here = make_variant()
    for _n in range(2):
        Lot.objects.create(variant=here, code="A")


def lot_level(times: int = 1, **counts: int) -> None:
    lot, place = Lot.objects.create(variant=make_variant(), code="A"), make_location()
    for _n in range(times):
        LotLevel.objects.create(lot=lot, location=place, **counts)


def serial(times: int = 1, *, placed: bool = True, **fields: Any) -> None:
    here, place = make_variant(), make_location()
    for _n in range(times):
        SerialNumber.objects.create(variant=here, serial="SN-1", location=place if placed else None, **fields)


def component(times: int = 1, *, of_itself: bool = False, quantity: int = 1) -> None:
    kit, part = make_variant(is_bundle=True), make_variant()
    for _n in range(times):
        BundleComponent.objects.create(bundle=kit, component=kit if of_itself else part, quantity=quantity)


BREAKS = {
    "bundle_component_once": lambda: component(2),
    "bundle_component_counts": lambda: component(quantity=0),
    "bundle_is_not_its_component": lambda: component(of_itself=True),
    "variant_tracking_known": lambda: make_variant(tracking="aura"),
    "variant_bundle_is_not_tracked": lambda: make_variant(tracking="lot", is_bundle=True),
    "variant_awaits_a_day": lambda: make_variant(awaits_release=True),
    "lot_once": lot_twice,
    "lot_level_once": lambda: lot_level(2),
    "lot_level_not_negative": lambda: lot_level(picked=-1),
    "lot_level_never_taken_twice": lambda: lot_level(on_hand=3, quality_control=1, damaged=1, picked=2),
    "serial_once": lambda: serial(2),
    "serial_picked_is_in_stock": lambda: serial(state="gone", placed=False, picked=True),
    "serial_state_known": lambda: serial(state="lost", placed=False),
    "serial_lies_where_it_is_in_stock": lambda: serial(state="shipped"),
    "variant_price_not_negative": lambda: variant(1),
    "location_kind_known": lambda: location(kind="moon"),
    "location_coordinates_in_range": lambda: location(latitude=90.1),
    "location_day_once": day_twice,
    "stock_level_once": level_twice,
    "stock_no_bucket_negative": lambda: level(safety_stock=-1),
    "stock_never_oversold": lambda: level(on_hand=5, reserved=3, damaged=2, quality_control=1),
    "movement_moves_something": lambda: movement(quantity=0),
    "movement_bucket_known": lambda: movement(bucket="attic"),
    "movement_reason_known": lambda: movement(reason="magic"),
    "movement_made_once": lambda: movement(2, cause="adjustment:" + "a" * 32),
    "reservation_not_negative": lambda: reservation(quantity=-1),
    "reservation_once": lambda: reservation(2),
    "reorder_policy_once": lambda: policy(2),
    "reorder_policy_source_known": lambda: policy(source="stars"),
    "reorder_policy_reaches_its_point": lambda: policy(order_up_to=4),
    "stock_snapshot_once": snapshot_twice,
}


def test_every_constraint_of_inventory_has_its_breach_here():
    named = {
        constraint.name
        for model in apps.get_app_config("inventory").get_models()
        for constraint in model._meta.constraints
        if isinstance(constraint, (CheckConstraint, UniqueConstraint))
    }
    assert named == set(BREAKS)


@pytest.mark.parametrize("name", BREAKS)
def test_a_row_that_breaks_a_constraint_is_refused_by_the_database(name):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        BREAKS[name]()


@pytest.mark.parametrize("bucket", ["on_hand", "reserved", "damaged", "quality_control", "safety_stock", "incoming"])
def test_no_bucket_falls_below_zero(bucket):
    with pytest.raises(IntegrityError, match=r"stock_no_bucket_negative|stock_never_oversold"), transaction.atomic():
        level(**{bucket: -1})


@pytest.mark.parametrize(("latitude", "longitude"), [(None, 1), (1, None), (-91, 0), (0, 181), (0, -181)])
def test_a_location_has_both_coordinates_on_this_earth_or_none(latitude, longitude):
    with pytest.raises(IntegrityError, match="location_coordinates_in_range"), transaction.atomic():
        location(latitude=latitude, longitude=longitude)


def test_one_undo_and_one_form_move_once_while_other_causes_move_as_often_as_they_must():
    movement(2, cause="order:1")
    for cause in ("undo:5", "adjustment:x"):
        movement(1, cause=cause)
        with pytest.raises(IntegrityError, match="movement_made_once"), transaction.atomic():
            movement(2, cause=cause)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE inventory_stockmovement SET quantity = quantity + 1",
        "UPDATE inventory_stockmovement SET note = 'x'",
        "DELETE FROM inventory_stockmovement",
        "UPDATE core_timelineentry SET actor_label = 'somebody else'",
        "DELETE FROM core_timelineentry",
    ],
)
def test_ledger_and_timeline_can_only_be_added_to(statement):
    give_stock(make_variant(), make_location(), 3)
    record("variant:1", "variant.added", actor=ACTOR, at=NOW, sku="X")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    ("counts", "available", "sold_out"),
    [
        ({"on_hand": 5}, 5, False),
        ({"on_hand": 5, "reserved": 2, "damaged": 1, "quality_control": 1}, 1, False),
        ({"on_hand": 5, "reserved": 5}, 0, True),
        ({"on_hand": 2, "safety_stock": 4}, -2, True),
        ({"incoming": 9}, 0, True),
    ],
)
def test_what_is_available_is_computed_by_the_database(counts, available, sold_out):
    level(**counts)
    assert StockLevel.objects.values_list("available", "sold_out").get() == (available, sold_out)


@pytest.mark.parametrize("fields", [{"placed": False}, {"state": "gone"}, {"state": "in_transit"}])
def test_a_unit_lies_at_a_location_exactly_while_it_is_in_stock(fields):
    with pytest.raises(IntegrityError, match="serial_lies_where_it_is_in_stock"), transaction.atomic():
        serial(**fields)


def test_a_location_that_holds_stock_cannot_vanish():
    one = give_stock(make_variant(), make_location(), 1)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError, match="foreign key"), transaction.atomic():
            cursor.execute("DELETE FROM inventory_location WHERE id = %s", [one.location_id])
    assert Location.objects.filter(pk=one.location_id).exists()
