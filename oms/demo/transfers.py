"""Transfers of the demo shop: a draft, one that is ready, one on its way with a part received, one that arrived short."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.actors import Actor
from inventory.models import Location, LocationKind, ReorderPolicy, StockLevel
from transfers.models import Transfer
from transfers.operations import (
    Arrived,
    NewTransfer,
    Settled,
    create_transfers,
    dispatch_transfer,
    make_ready,
    receive_transfer,
    settle_missing,
)

ACTOR = Actor.system("demo")
LINES = 4
#: So many SKUs get a reorder policy at each place, of which some are reached.
WITH_POLICY = 30


def seed_transfers(*, now: datetime) -> None:
    """Make them between the first two own places that hold most; and reorder policies, from which transfers are suggested."""
    places = list(Location.objects.filter(active=True).exclude(kind=LocationKind.SUPPLIER).order_by("rank", "pk")[:2])
    if len(places) < 2 or Transfer.objects.exists():
        return
    origin, destination = places
    rich = list(
        StockLevel.objects.filter(location=origin, available__gte=4, variant__is_bundle=False, variant__tracking="none")
        .order_by("-available", "variant_id")
        .values_list("variant_id", "available")[: LINES * 4]
    )
    drafts = [
        NewTransfer(
            origin.pk, destination.pk, tuple((pk, max(2, available // 4)) for pk, available in rich[n * LINES : (n + 1) * LINES]),
            reference=f"W{46 + n}", expected_on=(now + timedelta(days=n - 1)).date(), note="Pallet 2 of 2." if n == 2 else "",
        )
        for n in range(4)
        if rich[n * LINES : (n + 1) * LINES]
    ]  # fmt: skip
    made = create_transfers(drafts, actor=ACTOR, now=now - timedelta(days=2))
    for n, transfer in enumerate(made[1:], 1):
        make_ready(transfer_id=transfer.pk, actor=ACTOR, now=now - timedelta(days=2, hours=-n))
    for transfer in made[2:]:
        dispatch_transfer(transfer_id=transfer.pk, actor=ACTOR, now=now - timedelta(days=1))
        _arrive(transfer, all_of_it=transfer is made[-1] and len(made) > 3, now=now)
    _policies(places, now=now)


def _arrive(transfer: Transfer, *, all_of_it: bool, now: datetime) -> None:
    """Part of it has come; or everything but one unit, which is lost."""
    first, *others = transfer.lines.order_by("position")
    arrived = [Arrived(first.pk, first.quantity - 1, damaged=1, damage_reason="on_the_way")]
    if all_of_it:
        arrived += [Arrived(line.pk, line.quantity) for line in others]
    receive_transfer(transfer_id=transfer.pk, arrived=arrived, key="demo", actor=ACTOR, now=now - timedelta(hours=3))
    if all_of_it:
        settle_missing(
            transfer_id=transfer.pk, settled=[Settled(first.pk, 1, "lost", "Not on the pallet.")], actor=ACTOR, now=now - timedelta(hours=2)
        )  # fmt: skip


def _policies(places: list[Location], *, now: datetime) -> None:
    if ReorderPolicy.objects.exists():
        return
    levels = StockLevel.objects.filter(location__in=places).order_by("variant_id", "location_id")
    by_variant: dict[int, list[StockLevel]] = {}
    for level in levels:
        by_variant.setdefault(level.variant_id, []).append(level)
    policies = []
    for variant_id, found in list(by_variant.items())[:WITH_POLICY]:
        scarcest = min(found, key=lambda level: (level.available, level.location_id))
        for level in found:
            point = max(1, level.available + 2 if level is scarcest and variant_id % 3 == 0 else level.available // 3)
            policies.append(
                ReorderPolicy(
                    variant_id=variant_id, location_id=level.location_id, reorder_point=point, order_up_to=point + 4, updated_at=now
                )
            )  # fmt: skip
    ReorderPolicy.objects.bulk_create(policies)
