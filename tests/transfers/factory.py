"""Transfers for tests, made through the product's own operations."""

from __future__ import annotations

from typing import Any

from inventory.models import Location, StockLevel, Variant
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_variant
from transfers.models import Transfer
from transfers.operations import (
    Arrived,
    NewTransfer,
    Settled,
    create_transfer,
    dispatch_transfer,
    make_ready,
    receive_transfer,
    settle_missing,
)

WHO: dict[str, Any] = {"actor": ACTOR, "now": NOW}


def make_transfer(
    lines: dict[str, int] | None = None,
    *,
    state: str = "draft",
    stock: int = 10,
    origin: Location | None = None,
    destination: Location | None = None,
    **fields: Any,
) -> Transfer:
    """A transfer of {SKU: units}, with `stock` of each at its origin, brought to `state`."""
    origin, destination = origin or make_location(), destination or make_location()
    rows = []
    for sku, quantity in (lines or {"A-1": 5}).items():
        variant = Variant.objects.filter(sku=sku).first() or make_variant(sku)
        if stock:
            give_stock(variant, origin, stock)
        rows.append((variant.pk, quantity))
    made = create_transfer(NewTransfer(origin.pk, destination.pk, tuple(rows), **fields), **WHO)
    if state in ("ready", "in_transit"):
        make_ready(transfer_id=made.pk, **WHO)
    if state == "in_transit":
        dispatch_transfer(transfer_id=made.pk, **WHO)
    return Transfer.objects.select_related("origin", "destination").get(pk=made.pk)


def counts(location: Location, sku: str = "A-1") -> tuple[int, int, int, int]:
    """(on hand, reserved, damaged, incoming) of a SKU at a place."""
    rows = StockLevel.objects.filter(location=location, variant__sku=sku)
    return rows.values_list("on_hand", "reserved", "damaged", "incoming").first() or (0, 0, 0, 0)


def transfers_in_each_state(sku: str, origin: Location, destination: Location) -> dict[str, Any]:
    """One transfer for each act that pages offer, by name; `origin` has enough of the SKU."""
    ends = {"origin": origin, "destination": destination, "stock": 0}
    made = {
        f"transfer_{state}": make_transfer({sku: 3}, state=state, **ends) for state in ("draft", "ready", "in_transit")
    }
    arrived = make_transfer({sku: 3}, state="in_transit", **ends)
    line = arrived.lines.get()
    receive_transfer(transfer_id=arrived.pk, arrived=[Arrived(line.pk, 2)], key="world", **WHO)
    settle_missing(transfer_id=arrived.pk, settled=[Settled(line.pk, 1, "lost")], **WHO)
    return {**made, "transfer_received": arrived, "transfer_arrival": line.arrivals.get()}
