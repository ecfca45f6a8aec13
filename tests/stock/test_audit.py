"""The audit: every check sees what is broken past the operations, names it, and its repair leaves a clean audit behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from core.models import TimelineEntry
from counts.operations import post_count
from fulfillment.models import FulfillmentOrder
from fulfillment.operations.packing import pack_scanned
from fulfillment.operations.picking import pick_scanned
from inventory.models import Reservation, StockLevel, StockMovement
from inventory.operations.lots import receive_lot
from oms.auditing import CHECKS, REPAIRS, audit_everything, repair
from oms.integrity import check_integrity
from quality.operations import open_nonconformance
from tests.factories.bundles import make_bundle
from tests.factories.counts import make_count
from tests.factories.purchasing import make_purchase, receive
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order, make_variant
from tests.factories.units import followed_units
from tests.transfers.factory import make_transfer
from transfers.operations import Arrived, receive_transfer

pytestmark = pytest.mark.django_db
WHO: dict[str, Any] = {"actor": ACTOR, "now": NOW}


@pytest.fixture
def shop() -> dict[str, Any]:
    """A bit of everything that the audit looks at; all of it right."""
    near, far, channel = make_location("Near"), make_location("Far"), make_channel()
    plain = make_variant("PLAIN")
    give_stock(plain, near, 20)
    order = make_order(channel, [("PLAIN", 3)])
    bundle = make_bundle("SET", {plain: 2})
    units = followed_units(near)
    receive_lot(
        variant_id=units["lot"].variant_id, location_id=near.pk, code="L-2", expires_on=NOW.date() + timedelta(days=60), units=4,
        key="3" * 32, **WHO,
    )  # fmt: skip
    milk = make_order(channel, [("MILK", 1)])
    phone = make_order(channel, [("PHONE", 1)])
    work = FulfillmentOrder.objects.get(order=milk)
    pick_scanned(fulfillment_order_id=work.pk, code="MILK", **WHO)
    parcel = FulfillmentOrder.objects.get(order=phone)
    pick_scanned(fulfillment_order_id=parcel.pk, code="SN-1", **WHO)
    pack_scanned(fulfillment_order_id=parcel.pk, code="SN-1", **WHO)
    ready = make_transfer({"PLAIN": 2}, state="ready", stock=0, origin=near, destination=far)
    moved = make_transfer({"PLAIN": 4}, state="in_transit", stock=0, origin=near, destination=far)
    receive_transfer(transfer_id=moved.pk, arrived=[Arrived(moved.lines.get().pk, 1)], key="a", **WHO)
    bought = make_purchase([(plain, 6, "2")], location=near)
    receive(bought, (3, 1))
    count = make_count(plain, far, counted=3, finished=True)
    post_count(count_id=count.pk, unlisted="leave", **WHO)
    case = open_nonconformance(
        variant_id=plain.pk, location_id=near.pk, kind="damaged", quantity=2, reason="transit", source="stock", **WHO
    )
    sql(
        "INSERT INTO inventory_stocksnapshot (variant_id, location_id, at, movement_id, on_hand, reserved, damaged, quality_control,"
        " safety_stock, incoming) SELECT variant_id, location_id, max(at), max(id), 20, 0, 0, 0, 0, 0 FROM inventory_stockmovement"
        " WHERE variant_id = %s AND location_id = %s AND cause = 'test:stock' GROUP BY 1, 2",
        plain.pk, near.pk,
    )  # fmt: skip
    sql("UPDATE inventory_stocksnapshot SET at = at - interval '1 second'")
    with triggers_off():  # the first row happened a little earlier than all others
        sql(
            "UPDATE inventory_stockmovement SET at = at - interval '1 second' WHERE id = (SELECT movement_id FROM inventory_stocksnapshot)"
        )
    assert audit_everything() == [] and check_integrity()[1] == []
    return {
        "near": near.pk, "far": far.pk, "plain": plain.pk, "bundle": bundle.pk, "order": order.pk, "line": order.lines.get().pk, "lot": units["lot"].pk,
        "milk": units["lot"].variant_id, "phone": units["unit"].variant_id, "unit": units["unit"].pk, "ready": ready.pk, "moved": moved.pk,
        "moved_line": moved.lines.get().pk, "ready_line": ready.lines.get().pk, "bought": bought.pk, "count": count.pk, "case": case.pk,
    }  # fmt: skip


@contextmanager
def triggers_off() -> Iterator[None]:
    """As somebody with all rights writes past everything."""
    sql("SET session_replication_role = replica")
    try:
        yield
    finally:
        sql("SET session_replication_role = origin")


def sql(text: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(text, values or None)


@dataclass(frozen=True)
class Break:
    """SQL with names of the shop in braces; what the first finding says; whether its repair is a program's."""

    check: str
    text: str
    sku: str = "PLAIN"
    location: str = "Near"
    bucket: str = "on_hand"
    found: int | None = None
    expected: int | None = None
    subject: str = ""
    by_hand: bool = False
    drop: str = ""  # constraint (table.name) that would not allow it
    alone: bool = True  # nothing else is found


LEVEL = "inventory_stocklevel"
AT = "WHERE variant_id = {plain} AND location_id = {near}"
MOVE = "INSERT INTO inventory_stockmovement (variant_id, location_id, bucket, quantity, reason, cause, note, actor, at)"
BREAKS = [
    Break("level_is_sum_of_ledger", f"UPDATE {LEVEL} SET on_hand = on_hand + 4 {AT}"),
    Break("level_is_sum_of_ledger", f"UPDATE {LEVEL} SET safety_stock = 2 {AT}", bucket="safety_stock", found=2, expected=0),
    Break("level_is_sum_of_ledger", f"{MOVE} VALUES ({{plain}}, {{near}}, 'on_hand', -900, 'lost', 'x', '', 'x', now())"),
    Break("level_is_sum_of_ledger", f"UPDATE {LEVEL} SET incoming = incoming + 7 {AT}", bucket="incoming"),
    Break("reserved_is_sum_of_reservations", f"UPDATE {LEVEL} SET reserved = reserved + 2 {AT}", bucket="reserved", found=7, expected=5, alone=False),
    Break("reservation_has_an_owner_that_needs_it", "INSERT INTO inventory_reservation (variant_id, location_id, owner, quantity, reason, created_at) "
          f"VALUES ({{plain}}, {{near}}, 'order_line:999999', 2, 'order', now()); UPDATE {LEVEL} SET reserved = reserved + 2 {AT}; "
          f"{MOVE} VALUES ({{plain}}, {{near}}, 'reserved', 2, 'reserved', 'x', '', 'x', now())", bucket="reserved", found=2, expected=0, subject="order_line:999999"),
    Break("reservation_has_an_owner_that_needs_it", f"UPDATE inventory_reservation SET quantity = 1 WHERE owner = 'order_line:{{line}}'; "
          f"UPDATE {LEVEL} SET reserved = reserved - 2 {AT}; {MOVE} VALUES ({{plain}}, {{near}}, 'reserved', -2, 'released', 'x', '', 'x', now())",
          bucket="reserved", found=1, expected=3, subject="order_line:{line}"),
    Break("no_count_is_negative", f"UPDATE {LEVEL} SET safety_stock = -3 {AT}; {MOVE} VALUES ({{plain}}, {{near}}, 'safety_stock', -3, 'lost', 'x', '', 'x', now())",
          bucket="safety_stock", found=-3, expected=0, drop="inventory_stocklevel.stock_no_bucket_negative"),
    Break("nothing_is_oversold", f"UPDATE {LEVEL} SET on_hand = 1 {AT}; {MOVE} SELECT {{plain}}, {{near}}, 'on_hand', 1 - sum(quantity), 'lost', 'x', '', 'x', now() "
          f"FROM inventory_stockmovement {AT} AND bucket = 'on_hand'", found=1, by_hand=True, drop="inventory_stocklevel.stock_never_oversold"),
    Break("lot_level_is_sum_of_ledger", "UPDATE inventory_lotlevel SET on_hand = on_hand + 2 WHERE lot_id = {lot}", sku="MILK", found=7, expected=5, subject="lot:{lot}", alone=False),
    Break("lots_sum_to_level", f"UPDATE {LEVEL} SET on_hand = on_hand + 2 WHERE variant_id = {{milk}}; {MOVE} VALUES ({{milk}}, {{near}}, 'on_hand', 2, 'received', 'x', '', 'x', now())",
          sku="MILK", found=9, expected=11),
    Break("lots_sum_to_level", f"UPDATE {LEVEL} SET on_hand = on_hand - 2 WHERE variant_id = {{milk}}; {MOVE} VALUES ({{milk}}, {{near}}, 'on_hand', -2, 'lost', 'x', '', 'x', now())",
          sku="MILK", found=9, expected=7),
    Break("picked_lots_lie_in_totes", "UPDATE inventory_lotlevel SET picked = 3 WHERE lot_id = {lot}", sku="MILK", bucket="picked", found=3, expected=1),
    Break("serials_are_at_most_on_hand", f"UPDATE {LEVEL} SET on_hand = 1 WHERE variant_id = {{phone}}; {MOVE} VALUES ({{phone}}, {{near}}, 'on_hand', -1, 'lost', 'x', '', 'x', now())",
          sku="PHONE", bucket="serials", found=2, expected=1),
    Break("packed_serials_are_in_stock", "UPDATE inventory_serialnumber SET state = 'gone', location_id = NULL, picked = false WHERE id = {unit}", sku="PHONE", bucket="serials", by_hand=True),
    Break("serials_on_the_way_are_outstanding", "UPDATE inventory_serialnumber SET state = 'in_transit', location_id = NULL WHERE serial = 'SN-2'", sku="PHONE", location="",
          bucket="transfers", by_hand=True),
    Break("a_bundle_has_no_stock", f"INSERT INTO {LEVEL} (variant_id, location_id, on_hand) VALUES ({{bundle}}, {{near}}, 2); "
          f"{MOVE} VALUES ({{bundle}}, {{near}}, 'on_hand', 2, 'received', 'x', '', 'x', now())", sku="SET", found=2, expected=0),
    Break("a_bundle_is_made_of_plain_variants", "DELETE FROM inventory_bundlecomponent", sku="SET", location="", bucket="components", found=0, expected=1, by_hand=True),
    Break("a_snapshot_is_the_ledger_up_to_it", "UPDATE inventory_stocksnapshot SET on_hand = 19", found=19, expected=20),
    Break("a_snapshot_is_a_clean_cut", "UPDATE inventory_stocksnapshot SET at = at + interval '1 day'", bucket="clean cut"),
    Break("incoming_of_transfers_is_outstanding", f"{MOVE} VALUES ({{plain}}, {{far}}, 'incoming', 4, 'incoming', 'transfer:{{moved}}', '', 'x', now()); "
          f"UPDATE {LEVEL} SET incoming = incoming + 4 WHERE variant_id = {{plain}} AND location_id = {{far}}", location="Far", bucket="incoming", found=7, expected=3, subject="transfer:{moved}"),
    Break("transfers_moved_what_they_say", f"{MOVE} VALUES ({{plain}}, {{far}}, 'on_hand', 5, 'transferred', 'transfer:{{moved}}', '', 'x', now()); "
          f"UPDATE {LEVEL} SET on_hand = on_hand + 5 WHERE variant_id = {{plain}} AND location_id = {{far}}", location="Far", found=6, expected=1, subject="transfer:{moved}"),
    Break("transfers_sum_their_lines", "UPDATE transfers_transfer SET damaged = 1 WHERE id = {moved}", subject="transfer:{moved}"),
    Break("purchase_incoming_is_what_is_outstanding", f"{MOVE} VALUES ({{plain}}, {{near}}, 'incoming', -1, 'incoming', 'purchase:{{bought}}', '', 'x', now()); "
          f"UPDATE {LEVEL} SET incoming = incoming - 1 {AT}", bucket="incoming", found=2, expected=3, subject="purchase:{bought}"),
    Break("purchase_received_came_through_the_ledger", f"{MOVE} VALUES ({{plain}}, {{near}}, 'damaged', 2, 'damaged', 'purchase:{{bought}}', '', 'x', now()); "
          f"UPDATE {LEVEL} SET damaged = damaged + 2 {AT}", bucket="damaged", found=3, expected=1, subject="purchase:{bought}"),
    Break("purchase_receipts_are_what_was_received", "UPDATE purchasing_receiptline SET quantity = 2", subject="purchase:{bought}", by_hand=True),
    Break("purchase_counts_its_units", "UPDATE purchasing_purchaseorder SET received = 6", subject="purchase:{bought}"),
    Break("a_count_posts_what_it_found", f"{MOVE} VALUES ({{plain}}, {{far}}, 'on_hand', 1, 'counted', 'count:{{count}}', '', 'x', now()); "
          f"UPDATE {LEVEL} SET on_hand = on_hand + 1 WHERE variant_id = {{plain}} AND location_id = {{far}}", location="Far", found=3, expected=2, subject="count:{count}"),
    Break("a_case_agrees_with_the_ledger", f"{MOVE} VALUES ({{plain}}, {{near}}, 'damaged', 1, 'damaged', 'nonconformance:{{case}}', '', 'x', now()); "
          f"UPDATE {LEVEL} SET damaged = damaged + 1 {AT}", bucket="damaged", found=3, expected=2, subject="nonconformance:{case}"),
    Break("a_case_has_its_units_in_the_bucket", f"{MOVE} VALUES ({{plain}}, {{near}}, 'damaged', -2, 'found', 'x', '', 'x', now()); UPDATE {LEVEL} SET damaged = damaged - 2 {AT}",
          bucket="damaged", found=1, expected=2),
    Break("a_case_adds_up", "UPDATE quality_nonconformance SET quantity = 5", subject="nonconformance:{case}", by_hand=True),
]  # fmt: skip


@pytest.mark.parametrize("broken", BREAKS, ids=[f"{b.check}-{n}" for n, b in enumerate(BREAKS)])
def test_what_is_broken_is_found_named_and_repaired(shop: dict[str, Any], broken: Break) -> None:
    promised = dict(Reservation.objects.filter(owner__startswith="order_line").values_list("owner", "quantity"))
    if broken.drop:
        table, name = broken.drop.split(".")
        sql("SET CONSTRAINTS ALL IMMEDIATE")
        sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    with triggers_off():
        sql(broken.text.format(**shop))
    found = audit_everything()
    mine = [finding for finding in found if finding.check == broken.check]
    assert mine, found
    first = mine[0]
    assert first.repair == REPAIRS[broken.check].says and first.told
    if not first.detail:
        assert (first.sku, first.location, first.bucket) == (broken.sku, broken.location, broken.bucket)
    for value, wanted in ((first.found, broken.found), (first.expected, broken.expected)):
        assert wanted is None or value == wanted
    if broken.subject:
        assert first.subject == broken.subject.format(**shop)
    if broken.alone:
        assert {finding.check for finding in found} == {broken.check}
    assert len(found) < 5, "one fault is one finding or two"
    before = everything()
    shown = repair(broken.check, now=NOW, apply=False)
    assert everything() == before, "a dry run changes nothing"
    assert all(bool(why_not) is broken.by_hand and bool(done) is not broken.by_hand for _f, done, why_not in shown), (
        shown
    )
    if broken.by_hand:
        return
    done = repair(broken.check, now=NOW, apply=True)
    assert [row[1:] for row in done] == [row[1:] for row in shown], "what was shown is what is done"
    assert audit_everything() == []
    if "order_line:999999" not in broken.text:
        assert (
            dict(Reservation.objects.filter(owner__startswith="order_line").values_list("owner", "quantity"))
            == promised
        )
    assert repair(broken.check, now=NOW, apply=True) == []


def everything() -> list[Any]:
    """All that a repair may touch."""
    levels = StockLevel.objects.order_by("variant_id", "location_id").values_list(
        "variant_id", "location_id", "on_hand", "reserved", "damaged", "quality_control", "safety_stock", "incoming"
    )
    return [
        list(levels),
        StockMovement.objects.count(),
        TimelineEntry.objects.count(),
        list(Reservation.objects.order_by("pk").values()),
    ]


def test_every_check_is_broken_once() -> None:
    sold = {"bundles_are_sold_in_whole_sets"}  # tests/orders/test_bundle_constraints.py
    assert {broken.check for broken in BREAKS} | sold == set(CHECKS) == set(REPAIRS)


def test_the_first_wrong_row_is_named(shop: dict[str, Any]) -> None:
    last = StockMovement.objects.filter(variant_id=shop["plain"], location_id=shop["near"], bucket="on_hand").order_by(
        "-id"
    )[0]
    with triggers_off():
        sql(
            f"{MOVE} VALUES (%s, %s, 'on_hand', 3, 'received', 'import:9', '', 'x', now())", shop["plain"], shop["near"]
        )
    [finding] = audit_everything()
    wrong = StockMovement.objects.get(cause="import:9")
    assert finding.since == wrong.pk > last.pk
    assert f"since row {wrong.pk} of the ledger" in finding.told


def test_a_repair_is_written_down_with_its_actor(shop: dict[str, Any]) -> None:
    with triggers_off():
        sql(
            f"UPDATE {LEVEL} SET on_hand = on_hand + 4 WHERE variant_id = %s AND location_id = %s",
            shop["plain"],
            shop["near"],
        )
        sql(
            f"{MOVE} VALUES (%s, %s, 'incoming', 2, 'incoming', 'transfer:%s', '', 'x', now())",
            shop["plain"],
            shop["far"],
            shop["moved"],
        )
        sql(
            f"UPDATE {LEVEL} SET incoming = incoming + 2 WHERE variant_id = %s AND location_id = %s",
            shop["plain"],
            shop["far"],
        )
    repair("level_is_sum_of_ledger", now=NOW, apply=True)
    repair("incoming_of_transfers_is_outstanding", now=NOW, apply=True)
    entry = TimelineEntry.objects.get(kind="stock.level_repaired")
    assert entry.subject == f"stock:{shop['plain']}:{shop['near']}" and entry.actor == "command:audit_stock"
    row = StockMovement.objects.get(actor="command:audit_stock")
    assert (row.bucket, row.quantity, row.cause, row.reason) == (
        "incoming",
        -2,
        f"transfer:{shop['moved']}",
        "correction",
    )
    assert audit_everything() == []


def test_reserved_units_that_are_not_there_are_never_invented(shop: dict[str, Any]) -> None:
    """The order needs units, its reservation is gone, and somebody else has them now: a person decides."""
    with triggers_off():
        sql("DELETE FROM inventory_reservation WHERE owner = %s", f"order_line:{shop['line']}")
        sql(
            f"UPDATE {LEVEL} SET reserved = reserved - 3, safety_stock = 100 WHERE variant_id = %s AND location_id = %s",
            shop["plain"],
            shop["near"],
        )
        sql(f"{MOVE} VALUES (%s, %s, 'reserved', -3, 'released', 'x', '', 'x', now())", shop["plain"], shop["near"])
        sql(
            f"{MOVE} VALUES (%s, %s, 'safety_stock', 100, 'received', 'x', '', 'x', now())", shop["plain"], shop["near"]
        )
    [(_finding, done, why_not)] = repair("reservation_has_an_owner_that_needs_it", now=NOW, apply=True)
    assert done == [] and "Route the order again" in why_not
    assert len(audit_everything()) == 1


def run(*words: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("audit_stock", *words, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_the_command(shop: dict[str, Any]) -> None:
    code, text = run("--json")
    assert code == 0 and json.loads(text)["ok"] and json.loads(text)["checks"] == list(CHECKS)
    with triggers_off():
        sql(
            f"UPDATE {LEVEL} SET on_hand = on_hand + 4 WHERE variant_id = %s AND location_id = %s",
            shop["plain"],
            shop["near"],
        )
    code, text = run("--json")
    [breach] = json.loads(text)["breaches"]
    assert code == 1 and (breach["sku"], breach["location"], breach["bucket"]) == ("PLAIN", "Near", "on_hand")
    assert breach["found"] - breach["expected"] == 4 and "set to the sum of its ledger" in breach["repair"]
    code, text = run()
    assert code == 1 and "PLAIN at Near: on_hand is" in text
    code, text = run("--repair", "level_is_sum_of_ledger")
    assert code == 0 and "would do:" in text and "say --yes" in text
    assert run("--json")[0] == 1
    code, text = run("--repair", "level_is_sum_of_ledger", "--yes")
    assert code == 0 and "  done:" in text
    assert run("--json")[0] == 0
    assert "level_is_sum_of_ledger: " in run("--checks")[1]
