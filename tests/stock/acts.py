"""Everything that people and programs do to stock, as a vocabulary of small acts on a small shop.

An act takes the world and a `Choice` of numbers, finds something to do it to, and calls one public operation; what that refuses is fine.
So the same acts are driven by Hypothesis one after the other, and by threads with random numbers at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from core.models import TimelineEntry
from core.refusals import Refusal
from counts.models import StockCount
from counts.operations import abandon_count, create_count, finish_count, post_count, record_line
from counts.operations.creating import CountScope, CountSettings
from fulfillment.models import FulfillmentOrder
from fulfillment.operations.packing import empty_parcel, pack_scanned
from fulfillment.operations.picking import pick_scanned
from fulfillment.operations.shipping import ship_fulfillment_order
from fulfillment.operations.shortages import report_missing
from inventory.models import Reservation, SerialNumber, StockLevel, StockMovement, Variant
from inventory.operations.adjusting import adjust_by_hand
from inventory.operations.lots import receive_lot, relabel_lot, set_expired_aside, set_tracking
from inventory.operations.serials import receive_units, take_out_units
from inventory.operations.snapshots import take_snapshots
from inventory.operations.undoing import undo_adjustment
from inventory.time_travel import counts_at
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.changing import parse_changes, preview_change, submit_change
from oms.orchestration.hold_order import hold_order, release_holds
from oms.orchestration.import_inventory import import_inventory
from oms.orchestration.place_order import place_order
from oms.orchestration.route_order import fill_backorders, route_order
from orders.models import Order, OrderLine
from purchasing import operations as purchasing
from purchasing.models import PurchaseOrder
from quality.models import NonConformance
from quality.operations import open_nonconformance, resolve_nonconformance
from replenishment.operations import evaluate_all
from returns.models import Return
from returns.operations import Received, Verdict, approve_return, cancel_return, inspect_return, receive_return
from returns.operations.asking import LineRequest, request_return
from tests.factories.bundles import make_bundle
from tests.factories.purchasing import make_supplier
from tests.factories.returns import make_shop
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_variant, new_order
from tests.replenishment.stock import set_point
from transfers import operations as transfers
from transfers.models import Arrival, LineSerial, Transfer, TransferLine

TABLES = (
    "inventory_location, inventory_variant, inventory_product, inventory_changedlevel, orders_channel, orders_order, purchasing_supplier, "
    "core_timelineentry, core_outboxevent, inventory_reservation, inventory_stockmovement"
)
BUCKETS = ("on_hand", "reserved", "damaged", "quality_control", "safety_stock", "incoming")
#: Days from the start until each lot expires.
DAYS = {"A": 2, "B": 9, "C": 60}


class Choice:
    """Numbers that an act uses up; made by Hypothesis or by chance."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._numbers = iter(numbers)

    def number(self, low: int, high: int) -> int:
        return low + next(self._numbers, 0) % (high - low + 1)

    def one(self, rows: Iterable[Any]) -> Any:
        """One of them, or None when there are none; of many the last forty."""
        known = list(rows)[-40:]
        return known[self.number(0, len(known) - 1)] if known else None

    def coin(self) -> bool:
        return bool(self.number(0, 1))


@dataclass(frozen=True)
class CountRow:
    """A row of an inventory file."""

    sku: str
    location: str
    on_hand: int | None
    unavailable: int | None = None
    bin: str | None = None
    hs_code: str | None = None
    origin_country: str | None = None


class World:
    """Three places; two plain SKUs, one that is followed now and then, one by lot, one by serial number; three bundles that share them."""

    def __init__(self, *, stock: int = 8) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {TABLES} CASCADE")
        make_shop()
        self.now, self._step, self._lock = NOW, 0, threading.Lock()
        self.channel = make_channel()
        self.places = [
            make_location("Near", latitude=52.0),
            make_location("Far", latitude=40.0, country="ES"),
            make_location("Mid", latitude=48.0),
        ]
        self.plain = [make_variant(sku) for sku in ("A-1", "B-1", "C-1")]
        self.milk, self.phone = make_variant("MILK"), make_variant("PHONE")
        self.supplier = make_supplier()
        for variant, tracking in ((self.milk, "lot"), (self.phone, "serial")):
            set_tracking(variant_id=variant.pk, tracking=tracking, actor=ACTOR, now=NOW)
        a, b, c = self.plain
        self.bundles = [
            make_bundle("SET-1", {a: 2, b: 1}),
            make_bundle("SET-2", {a: 1, self.milk: 1}),
            make_bundle("SET-3", {b: 1, c: 2}),
        ]
        self.variants = [*self.plain, self.milk, self.phone]
        for variant in (a, b, c, self.milk):
            for place in self.places[:2]:
                give_stock(variant, place, stock)
        set_point(a, self.places[0], 4)
        set_point(self.milk, None, 6)

    def tick(self) -> tuple[int, datetime]:
        """The next act's number and time."""
        with self._lock:
            self._step += 1
            self.now += timedelta(minutes=7)
            return self._step, self.now


@dataclass(frozen=True)
class Turn:
    """One act's turn: the world, its numbers, its own number and its time."""

    world: World
    choice: Choice
    step: int
    now: datetime

    @property
    def who(self) -> dict[str, Any]:
        return {"actor": ACTOR, "now": self.now}

    @property
    def key(self) -> str:
        return f"{self.step:032x}"

    def variant(self) -> Any:
        return self.choice.one(self.world.variants)

    def place(self) -> Any:
        return self.choice.one(self.world.places)

    def level(self) -> dict[str, int]:
        return {"variant_id": self.variant().pk, "location_id": self.place().pk}

    def expires(self, code: str) -> Any:
        return NOW.date() + timedelta(days=DAYS[code])


ACTS: dict[str, Callable[[Turn], None]] = {}


def act(function: Callable[[Turn], None]) -> Callable[[Turn], None]:
    ACTS[function.__name__] = function
    return function


def do(world: World, name: str, numbers: Iterable[int]) -> str:
    """Do an act; "" or the code of what it was refused with."""
    step, now = world.tick()
    try:
        ACTS[name](Turn(world, Choice(numbers), step, now))
        return ""
    except Refusal as refusal:
        return refusal.code


def fingerprint() -> list[Any]:
    """What a refused act leaves as it was."""
    return [
        list(StockLevel.objects.exclude(**dict.fromkeys(BUCKETS, 0)).order_by("variant_id", "location_id").values_list("variant_id", "location_id", *BUCKETS)),
        StockMovement.objects.count(), list(Reservation.objects.filter(quantity__gt=0).order_by("pk").values_list("owner", "quantity")),
        list(SerialNumber.objects.order_by("pk").values_list("state", "location_id")), LineSerial.objects.count(),
    ]  # fmt: skip


# ---- orders ----------------------------------------------------------------------------------------------------------


@act
def place(t: Turn) -> None:
    known = [variant.sku for variant in (*t.world.variants, *t.world.bundles)]
    skus = list(dict.fromkeys(t.choice.one(known) for _n in range(t.choice.number(1, 3))))
    if t.choice.coin():
        skus.reverse()
    lines = [(sku, t.choice.number(1, 3)) for sku in skus]
    short = "refuse" if t.choice.coin() else "backorder"
    place_order(new_order(t.world.channel, lines, on_shortage=short, placed_at=t.now), **t.who)


def _open_order(t: Turn) -> Any:
    return t.choice.one(Order.objects.filter(lifecycle="open").order_by("pk"))


@act
def cancel(t: Turn) -> None:
    if line := t.choice.one(OrderLine.objects.filter(order__lifecycle="open").order_by("pk")):
        units = None if t.choice.coin() else {line.pk: t.choice.number(1, 2)}
        cancel_order(order_id=line.order_id, units=units, reason="", **t.who)


@act
def change(t: Turn) -> None:
    """Edit an order as a person would: look first, then do what was shown."""
    order = _open_order(t)
    lines = list(order.lines.filter(bundle=None).order_by("pk")) if order else []
    bundles = [f"bundle-{pk}" for pk in order.bundles.order_by("pk").values_list("pk", flat=True)] if order else []
    one = t.choice.one([*(str(line.pk) for line in lines), *bundles])
    if one is None:
        return
    units, price = t.choice.number(1, 3), str(t.choice.number(1, 2000) / Decimal(100))
    address = {"city": "Berlin", "postal_code": "10115", "country": "DE"}
    known = Variant.objects.order_by("pk").values_list("sku", flat=True)
    asked = [
        {"kind": "remove_units", "line": one, "units": units},
        {"kind": "set_quantity", "line": one, "quantity": units},
        {"kind": "add_line", "sku": t.choice.one(known), "quantity": units, "price": price},
        {"kind": "swap_variant", "line": one, "sku": t.choice.one(known)},
        {"kind": "split_line", "line": one, "units": units},
        {"kind": "reprice", "line": one, "price": price},
        {"kind": "discount_order", "percent": "7.5"},
        {"kind": "change_address", "address": address},
        {"kind": "change_shipping", "method": t.choice.one(["standard", "express"]), "price": price},
    ]
    changes = parse_changes([t.choice.one(asked) for _n in range(t.choice.number(1, 2))])
    seen = preview_change(order_id=order.pk, changes=changes, **t.who)
    submit_change(order_id=order.pk, changes=changes, version=seen.version, digest=seen.digest, key=t.key, **t.who)


@act
def hold_or_release(t: Turn) -> None:
    if order := _open_order(t):
        if t.choice.coin():
            hold_order(order_id=order.pk, kind="operator", **t.who)
        else:
            release_holds(order_id=order.pk, **t.who)


@act
def reroute(t: Turn) -> None:
    if order := _open_order(t):
        route_order(order_id=order.pk, again=t.choice.coin(), **t.who)


@act
def fill(t: Turn) -> None:
    fill_backorders(**t.who)


def _work(t: Turn) -> Any:
    states = ["open", "on_hold", "picking", "picked", "packed"]
    return t.choice.one(FulfillmentOrder.objects.filter(state__in=states).order_by("pk"))


def _scan(t: Turn, scan_in: Callable[..., Any]) -> None:
    if work := _work(t):
        serials = SerialNumber.objects.filter(state="in_stock").order_by("pk").values_list("serial", flat=True)
        codes = [*work.lines.order_by("pk").values_list("order_line__sku", flat=True), *list(serials)[:3], "A"]
        scan_in(fulfillment_order_id=work.pk, code=t.choice.one(codes), **t.who)


@act
def pick(t: Turn) -> None:
    _scan(t, pick_scanned)


@act
def pack(t: Turn) -> None:
    _scan(t, pack_scanned)


@act
def unpack(t: Turn) -> None:
    if work := _work(t):
        empty_parcel(fulfillment_order_id=work.pk, **t.who)


@act
def ship(t: Turn) -> None:
    if work := _work(t):
        ship_fulfillment_order(fulfillment_order_id=work.pk, fast_forward=True, **t.who)


@act
def miss(t: Turn) -> None:
    if work := _work(t):
        line = t.choice.one(work.lines.order_by("pk"))
        report_missing(
            fulfillment_order_id=work.pk, line_id=line.pk if line else 0, units=t.choice.number(1, 2), **t.who
        )


@act
def ask_return(t: Turn) -> None:
    if line := t.choice.one(OrderLine.objects.filter(shipped__gt=0).order_by("pk")):
        wanted = [LineRequest(line.pk, t.choice.number(1, 2), "changed_mind")]
        request_return(order_id=line.order_id, lines=wanted, customer_note="", request_key=f"{t.step:020d}", **t.who)


@act
def work_on_return(t: Turn) -> None:
    closed = ["resolved", "declined", "cancelled", "inspected"]
    request = t.choice.one(Return.objects.exclude(state__in=closed).order_by("pk"))
    line = request.lines.first() if request else None
    if line is None:
        return
    if t.choice.number(0, 5) == 0:
        cancel_return(return_id=request.pk, **t.who)
    elif request.state == "requested":
        approve_return(return_id=request.pk, **t.who)
    elif request.state in ("approved", "in_transit"):
        receive_return(
            return_id=request.pk, lines=[Received(line.pk, line.quantity)], location_id=t.place().pk, **t.who
        )
    else:
        disposition = t.choice.one(["restock", "quarantine", "refurbish", "scrap"])
        inspect_return(
            return_id=request.pk, verdicts=[Verdict(line.pk, disposition, line.received - line.inspected)], **t.who
        )


# ---- counts of stock -------------------------------------------------------------------------------------------------


@act
def adjust(t: Turn) -> None:
    bucket = t.choice.one(["on_hand", "on_hand", "damaged", "quality_control", "safety_stock", "incoming"])
    adjust_by_hand(**t.level(), bucket=bucket, quantity=t.choice.number(-4, 7), reason="correction", key=t.key, **t.who)


@act
def undo(t: Turn) -> None:
    if pk := t.choice.one(
        StockMovement.objects.filter(cause__startswith="adjustment:").order_by("pk").values_list("pk", flat=True)
    ):
        undo_adjustment(movement_id=pk, **t.who)


@act
def import_counts(t: Turn) -> None:
    rows = [CountRow(t.variant().sku, t.place().name, t.choice.number(0, 12)) for _n in range(2)]
    import_inventory(rows, cause="job:1", **t.who)


@act
def set_aside(t: Turn) -> None:
    kind = t.choice.one(["damaged", "quality_control", "quarantine"])
    open_nonconformance(
        **t.level(), kind=kind, quantity=t.choice.number(1, 3), reason="transit", source="stock", **t.who
    )


@act
def decide(t: Turn) -> None:
    if case := t.choice.one(NonConformance.objects.filter(state="open").order_by("pk")):
        resolution, kind = t.choice.one(
            [
                ("back", ""),
                ("restock", ""),
                ("scrap", ""),
                ("to_supplier", ""),
                ("move", "quarantine"),
                ("move", "damaged"),
            ]
        )
        resolve_nonconformance(
            case_id=case.pk, resolution=resolution, kind=kind, quantity=t.choice.number(1, 2), **t.who
        )


@act
def make_count(t: Turn) -> None:
    chosen = sorted({t.variant().pk, t.variant().pk})
    settings = CountSettings(tolerance_units=t.choice.number(0, 9), second_person=False)
    create_count(location_id=t.place().pk, scope=CountScope("skus", variant_ids=chosen), settings=settings, **t.who)


@act
def count(t: Turn) -> None:
    found = t.choice.one(StockCount.objects.filter(state="open").order_by("pk"))
    if line := found and t.choice.one(found.lines.order_by("pk")):
        record_line(
            count_id=found.pk, variant_id=line.variant_id, bin_name=line.bin, quantity=t.choice.number(0, 12), lot_id=line.lot_id, found=True, **t.who
        )  # fmt: skip


@act
def end_count(t: Turn) -> None:
    if found := t.choice.one(StockCount.objects.filter(state__in=["open", "counted"]).order_by("pk")):
        if found.state == "open":
            finish_count(count_id=found.pk, anyway=t.choice.coin(), **t.who)
        elif t.choice.number(0, 4):
            post_count(count_id=found.pk, unlisted=t.choice.one(["leave", "zero"]), partly=t.choice.coin(), **t.who)
        else:
            abandon_count(count_id=found.pk, **t.who)


# ---- units that are told apart ---------------------------------------------------------------------------------------


@act
def milk_arrives(t: Turn) -> None:
    code = t.choice.one(list(DAYS))
    receive_lot(
        variant_id=t.world.milk.pk, location_id=t.place().pk, code=code, expires_on=t.expires(code), units=t.choice.number(1, 6), key=t.key, **t.who
    )  # fmt: skip


@act
def read_a_lot(t: Turn) -> None:
    code = t.choice.one(list(DAYS))
    relabel_lot(
        variant_id=t.world.milk.pk, location_id=t.place().pk, code=code, expires_on=t.expires(code), units=t.choice.number(1, 3), key=t.key, **t.who
    )  # fmt: skip


@act
def expire(t: Turn) -> None:
    set_expired_aside(actor=ACTOR, now=t.now + timedelta(days=t.choice.number(0, 3)))


@act
def phones_arrive(t: Turn) -> None:
    serials = [f"S{t.step}-{n}" for n in range(t.choice.number(1, 3))]
    receive_units(variant_id=t.world.phone.pk, location_id=t.place().pk, serials=serials, key=t.key, **t.who)


@act
def phone_is_gone(t: Turn) -> None:
    if unit := t.choice.one(SerialNumber.objects.filter(state="in_stock", variant=t.world.phone).order_by("pk")):
        take_out_units(
            variant_id=unit.variant_id, location_id=unit.location_id, serials=[unit.serial], reason="lost", **t.who
        )


@act
def follow_otherwise(t: Turn) -> None:
    """One SKU that is followed by quantity, by lot and by serial number in turn."""
    set_tracking(
        variant_id=t.world.plain[2].pk, tracking=t.choice.one(["none", "lot", "serial"]), merge=t.choice.coin(), **t.who
    )


# ---- transfers -------------------------------------------------------------------------------------------------------


@act
def plan_transfer(t: Turn) -> None:
    start = t.choice.number(0, 2)
    origin, destination = t.world.places[start], t.world.places[(start + t.choice.number(1, 2)) % 3]
    wanted = {t.variant().pk: t.choice.number(1, 4) for _n in range(2)}
    made = transfers.create_transfer(transfers.NewTransfer(origin.pk, destination.pk, tuple(wanted.items())), **t.who)
    transfers.make_ready(transfer_id=made.pk, reduce=True, **t.who)


def _transfer(t: Turn, *states: str) -> Any:
    return t.choice.one(Transfer.objects.filter(state__in=states).order_by("pk"))


@act
def give_up_transfer(t: Turn) -> None:
    if found := _transfer(t, "draft", "ready"):
        (transfers.cancel_transfer if t.choice.coin() else transfers.revise_transfer)(transfer_id=found.pk, **t.who)


def _serials_at(location_id: int, line: TransferLine, units: int) -> list[str]:
    rows = SerialNumber.objects.filter(
        variant_id=line.variant_id, location_id=location_id, state="in_stock", picked=False
    )
    return list(rows.order_by("pk").values_list("serial", flat=True)[:units])


def _on_the_way(line: TransferLine, units: int) -> tuple[str, ...]:
    rows = LineSerial.objects.filter(line=line, way="on_the_way", serial__state="in_transit").order_by("pk")
    return tuple(rows.values_list("serial__serial", flat=True)[:units])


@act
def dispatch(t: Turn) -> None:
    if found := _transfer(t, "ready"):
        units = {line.pk: t.choice.number(0, line.quantity) for line in found.lines.order_by("pk")}
        named = {line.pk: _serials_at(found.origin_id, line, units[line.pk]) for line in found.lines.order_by("pk")}
        transfers.dispatch_transfer(
            transfer_id=found.pk, units=units, serials=named if t.choice.coin() else {}, keep_rest=t.choice.coin(), **t.who
        )  # fmt: skip


@act
def receive(t: Turn) -> None:
    if found := _transfer(t, "in_transit"):
        arrived = []
        for line in found.lines.order_by("pk"):
            units = t.choice.number(0, line.outstanding + 1)
            named = _on_the_way(line, units) if t.choice.coin() else ()
            arrived.append(
                transfers.Arrived(
                    line.pk,
                    units,
                    min(units, t.choice.number(0, 1)),
                    t.choice.one(["sent_more", "found"]),
                    "before",
                    serials=named,
                )
            )
        transfers.receive_transfer(transfer_id=found.pk, arrived=arrived, key=t.key, **t.who)


@act
def undo_receipt(t: Turn) -> None:
    if arrival := t.choice.one(Arrival.objects.order_by("pk")):
        transfers.undo_arrival(arrival_id=arrival.pk, **t.who)


@act
def settle(t: Turn) -> None:
    if line := t.choice.one(TransferLine.objects.filter(transfer__state="in_transit").order_by("pk")):
        units = t.choice.number(1, max(1, line.outstanding))
        reason = t.choice.one(["lost", "stolen", "back"])
        settled = transfers.Settled(line.pk, units, reason, serials=_on_the_way(line, units) if t.choice.coin() else ())
        transfers.settle_missing(transfer_id=line.transfer_id, settled=[settled], **t.who)


@act
def find_again(t: Turn) -> None:
    if line := t.choice.one(TransferLine.objects.filter(lost__gt=0).order_by("pk")):
        place = t.choice.one(["origin", "destination"])
        transfers.find_again(
            transfer_id=line.transfer_id, line_id=line.pk, quantity=t.choice.number(1, 2), place=place, **t.who
        )


# ---- purchase orders -------------------------------------------------------------------------------------------------


@act
def buy(t: Turn) -> None:
    lines = {t.variant().pk: t.choice.number(1, 8) for _n in range(2)}
    made = purchasing.create_purchase_order(
        supplier_id=t.world.supplier.pk, location_id=t.place().pk, lines=[purchasing.NewLine(pk, n, Decimal(2)) for pk, n in lines.items()], **t.who
    )  # fmt: skip
    purchasing.send_purchase_order(order_id=made.pk, mail=False, **t.who)


def _purchase(t: Turn) -> Any:
    return t.choice.one(PurchaseOrder.objects.filter(state__in=["sent", "confirmed", "partly_received"]).order_by("pk"))


@act
def confirm(t: Turn) -> None:
    if order := _purchase(t):
        lines = [
            purchasing.Confirmation(line.pk, t.choice.number(0, line.expected + 2))
            for line in order.lines.order_by("pk")
        ]
        purchasing.confirm_purchase_order(order_id=order.pk, lines=lines, **t.who)


@act
def delivery(t: Turn) -> None:
    if order := _purchase(t):
        arrived = []
        for line in order.lines.select_related("variant").order_by("pk"):
            units = t.choice.number(0, line.outstanding + 1)
            more: dict[str, Any] = {}
            if line.variant.tracking == "lot" and t.choice.number(0, 3):
                code = t.choice.one(list(DAYS))
                more = {"lot_code": code, "expires_on": t.expires(code)}
            if line.variant.tracking == "serial" and t.choice.number(0, 3):
                more = {"serials": tuple(f"P{t.step}-{line.pk}-{n}" for n in range(units))}
            if units:
                arrived.append(purchasing.Arrived(line.pk, units, min(units, t.choice.number(0, 1)), **more))
        purchasing.receive_purchase_order(order_id=order.pk, arrived=arrived, key=t.key, reason="more", **t.who)


@act
def close_purchase(t: Turn) -> None:
    if order := _purchase(t):
        close = purchasing.close_purchase_order if t.choice.coin() else purchasing.cancel_purchase_order
        close(order_id=order.pk, reason="gone", **t.who)


# ---- what follows stock ----------------------------------------------------------------------------------------------


@act
def look_back(t: Turn) -> None:
    """Snapshots, and the past that they tell equals a replay of the ledger."""
    take_snapshots(now=t.now)
    at = NOW + timedelta(minutes=7 * t.choice.number(0, t.step))
    keys = list(StockLevel.objects.order_by("pk").values_list("variant_id", "location_id"))
    told = {key: tuple(getattr(counts, bucket) for bucket in BUCKETS) for key, counts in counts_at(keys, at).items()}
    replayed = dict.fromkeys(keys, (0,) * len(BUCKETS))
    for variant_id, location_id, bucket, units in StockMovement.objects.filter(at__lte=at).values_list(
        "variant_id", "location_id", "bucket", "quantity"
    ):
        counts = list(replayed.get((variant_id, location_id), (0,) * len(BUCKETS)))
        counts[BUCKETS.index(bucket)] += units
        replayed[(variant_id, location_id)] = tuple(counts)
    assert told == {key: replayed[key] for key in keys}, f"the past at {at} is told otherwise than the ledger replays"


@act
def evaluate(t: Turn) -> None:
    evaluate_all(now=t.now)


@act
def cost(t: Turn) -> None:
    purchasing.cost_everything(now=t.now)


def history_length() -> int:
    return TimelineEntry.objects.count()
