"""Pools of value under their lock: read many at once, changed in memory, written back together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from operator import attrgetter

from django.db import connection

from core.bulk import copy_rows
from core.money import quantize
from core.shop import shop
from inventory.models import MovementReason, Variant
from purchasing.models import CostEntry, CostLayer, EntryKind, PurchaseLine, VariantCost
from purchasing.pool import Layer, Pool, Worth
from purchasing.queries import landed_costs_of

PURCHASE, TRANSFER = "purchase:", "transfer:"
NOTHING = Worth(Decimal(0), Decimal(0))

#: Answers where the units of a return's cause had left from: (key of the sale, causes of its movements), or None. Set by whoever knows
#: orders (see `know_origins`); purchasing does not.
Origin = Callable[[str], tuple[str, Sequence[str]] | None]
_origins: list[Origin] = []


def know_origins(origin: Origin) -> None:
    """Have `origin` asked from which sale the units of a return's ledger cause came."""
    if origin not in _origins:
        _origins.append(origin)


_MAKE_POOLS = """
    INSERT INTO purchasing_variantcost (variant_id, units, in_transit, fifo_value, average_value, unknown_units)
    SELECT v, 0, 0, 0, 0, 0 FROM unnest(%s::bigint[]) AS v ORDER BY v ON CONFLICT (variant_id) DO NOTHING
"""
_WRITE_POOLS = """
    UPDATE purchasing_variantcost p
       SET units = n.units, in_transit = n.in_transit, average_value = n.average_value, fifo_value = n.fifo_value,
           unknown_units = n.unknown_units, last_unit_cost = n.last_unit_cost
      FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::numeric[], %s::numeric[], %s::int[], %s::numeric[])
        AS n (variant_id, units, in_transit, average_value, fifo_value, unknown_units, last_unit_cost)
     WHERE p.variant_id = n.variant_id
"""
_WRITE_LAYERS = """
    UPDATE purchasing_costlayer l
       SET value = n.value, remaining = n.remaining, remaining_value = n.remaining_value, unknown = n.unknown
      FROM unnest(%s::bigint[], %s::numeric[], %s::int[], %s::numeric[], %s::bool[])
        AS n (id, value, remaining, remaining_value, unknown)
     WHERE l.id = n.id
"""
_TRANSFERRED = """
    SELECT cause, -coalesce(sum(quantity) FILTER (WHERE bucket = 'on_hand'), 0), coalesce(sum(quantity) FILTER (WHERE bucket = 'incoming'), 0)
      FROM inventory_stockmovement WHERE cause = ANY(%s) AND variant_id = %s GROUP BY cause
"""
_LEFT = """
    SELECT coalesce(sum(quantity), 0), coalesce(sum(fifo_expense), 0), coalesce(sum(average_expense), 0) FROM purchasing_costentry
     WHERE variant_id = %s AND ((kind = 'sale' AND cause = ANY(%s)) OR (kind = 'return' AND origin = %s))
"""
_LAYER_COLUMNS = ("variant_id", "source", "at", "units", "value", "remaining", "remaining_value", "unknown")
_ENTRY_COLUMNS = (
    "variant_id", "location_id", "movement_id", "kind", "cause", "origin", "quantity", "fifo_stock", "fifo_expense", "average_stock",
    "average_expense", "currency", "note", "at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A ledger row that costs something."""

    id: int
    variant_id: int
    location_id: int
    bucket: str
    quantity: int
    reason: str
    cause: str
    at: datetime


def lock_pools(variant_ids: Iterable[int]) -> list[Costing]:
    """The pools of these variants, locked in the order of their ids and read: four statements, however many they are."""
    ids = sorted(set(variant_ids))
    with connection.cursor() as cursor:
        cursor.execute(_MAKE_POOLS, [ids])
    rows = list(VariantCost.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk"))
    layers: dict[int, list[Layer]] = defaultdict(list)
    for layer in CostLayer.objects.filter(variant_id__in=ids, remaining__gt=0).order_by("id"):
        layers[layer.variant_id].append(as_layer(layer))
    typed = dict(Variant.objects.filter(pk__in=ids).values_list("pk", "cost"))
    currency = shop().currency
    return [
        Costing(
            row.pk, typed.get(row.pk),
            Pool(currency, layers[row.pk], row.average_value, row.units, row.in_transit, row.last_unit_cost),
        )
        for row in rows
    ]  # fmt: skip


def save_pools(costings: Sequence[Costing]) -> int:
    """Write the entries, layers and numbers of pools that are locked; the number of entries. Four statements at most."""
    _write_entries(costings)
    fresh, changed = [], []
    for costing in costings:
        touched = {id(layer): layer for layer in (*costing.pool.layers, *costing.also) if layer.touched}
        for layer in touched.values():
            (fresh if layer.row is None else changed).append(as_row(costing.variant_id, layer))
    if fresh:
        copy_rows(CostLayer, _LAYER_COLUMNS, map(attrgetter(*_LAYER_COLUMNS), fresh))
    with connection.cursor() as cursor:
        if changed:
            rows = [(row.pk, row.value, row.remaining, row.remaining_value, row.unknown) for row in changed]
            cursor.execute(_WRITE_LAYERS, [list(column) for column in zip(*rows, strict=True)])
        pools = [
            (c.variant_id, c.pool.units, c.pool.in_transit, c.pool.average_value, c.pool.fifo_value, c.pool.unknown_units,
             c.pool.last_unit_cost)
            for c in costings
        ]  # fmt: skip
        cursor.execute(_WRITE_POOLS, [list(column) for column in zip(*pools, strict=True)])
    return sum(len(costing.entries) for costing in costings)


def _write_entries(costings: Sequence[Costing]) -> None:
    """Write the entries that are not written yet."""
    waiting = [entry for costing in costings for entry in costing.entries[costing.written :]]
    if waiting:
        copy_rows(CostEntry, _ENTRY_COLUMNS, map(attrgetter(*_ENTRY_COLUMNS), waiting))
    for costing in costings:
        costing.written = len(costing.entries)


@dataclass
class Costing:
    """One variant under its lock: the pool in memory, entries to be written."""

    variant_id: int
    typed: Decimal | None  # the cost typed on the variant
    pool: Pool
    entries: list[CostEntry] = field(default_factory=list)
    written: int = 0  # of the entries
    transfers: set[str] = field(default_factory=set)
    also: Sequence[Layer] = ()  # layers that are not in the pool any more, and changed
    last_at: datetime | None = None

    @classmethod
    def locked(cls, variant_id: int) -> Costing:
        """Lock one variant's pool and read it."""
        return lock_pools([variant_id])[0]

    def cost(self, row: Row) -> None:
        """Put one ledger row into the pool, or take it out."""
        self.last_at = row.at
        if row.cause.startswith(TRANSFER):
            self.transfers.add(row.cause)
            if row.bucket == "on_hand":
                self.pool.in_transit -= row.quantity
        elif row.quantity > 0:
            self._come(row)
        else:
            self._go(row)

    def _come(self, row: Row) -> None:
        kind, origin, unknown = EntryKind.ADJUSTMENT, "", False
        worth: Worth | None = None
        if row.cause.startswith(PURCHASE) and row.reason == MovementReason.RECEIVED:
            kind, worth = EntryKind.PURCHASE, self._landed(row)
        elif row.reason == MovementReason.RETURNED:
            kind = EntryKind.RETURN
            origin, worth = self._as_it_left(row)
        if worth is None:
            worth, unknown = self.pool.current(row.quantity, self.typed)
        self.pool.put(row.quantity, worth, source=row.cause, at=row.at, unknown=unknown)
        spent = NOTHING if kind == EntryKind.PURCHASE else -worth
        self._enter(row, kind, row.quantity, worth, spent, origin=origin)

    def _go(self, row: Row) -> None:
        worth = self.pool.take(-row.quantity)
        if row.reason == MovementReason.SHIPPED:
            kind, spent = EntryKind.SALE, worth
        elif row.reason == MovementReason.TO_SUPPLIER:
            kind, spent = EntryKind.TO_SUPPLIER, NOTHING
        else:
            kind, spent = EntryKind.LOSS, worth
        self._enter(row, kind, row.quantity, -worth, spent)

    def _enter(self, row: Row, kind: str, quantity: int, stock: Worth, spent: Worth, *, origin: str = "") -> None:
        self.entries.append(
            CostEntry(
                variant_id=self.variant_id, location_id=row.location_id, movement_id=row.id, kind=kind, cause=row.cause, origin=origin,
                quantity=quantity, fifo_stock=stock.fifo, fifo_expense=spent.fifo, average_stock=stock.average,
                average_expense=spent.average, currency=self.pool.currency, at=row.at,
            )
        )  # fmt: skip

    def _landed(self, row: Row) -> Worth | None:
        """What the units of a receipt cost: the line's landed cost up to them, less what its earlier receipts bore."""
        line = PurchaseLine.objects.filter(
            order_id=int(row.cause.removeprefix(PURCHASE)), variant_id=self.variant_id
        ).first()
        if line is None:
            return None
        landed = landed_costs_of(line.order_id)[line.pk]
        units, value = self._of_source(row.cause)
        worth = max(Decimal(0), landed.of(units + row.quantity, self.pool.currency) - value)
        return Worth(worth, worth)

    def _of_source(self, source: str) -> tuple[int, Decimal]:
        """Units and value of the layers that came of a cause: those in memory, and those used up."""
        here = [layer for layer in self.pool.layers if layer.source == source]
        kept = {layer.row.pk for layer in here if layer.row is not None}
        gone = CostLayer.objects.filter(source=source, variant_id=self.variant_id).exclude(pk__in=kept)
        rows = [*((layer.units, layer.value) for layer in here), *gone.values_list("units", "value")]
        return sum(units for units, _value in rows), sum((value for _units, value in rows), Decimal(0))

    def _as_it_left(self, row: Row) -> tuple[str, Worth | None]:
        """(sale, cost): an equal share of what the units of that sale that are still out had cost when they left."""
        found = next((answer for origin in _origins if (answer := origin(row.cause)) is not None), None)
        if found is None:
            return "", None
        key, causes = found
        _write_entries([self])
        with connection.cursor() as cursor:
            cursor.execute(_LEFT, [self.variant_id, list(causes), key])
            units, fifo, average = cursor.fetchone()
        out = -units
        if out < row.quantity:
            return key, None
        currency = self.pool.currency
        share = [
            amount if out == row.quantity else quantize(amount * row.quantity / out, currency)
            for amount in (fifo, average)
        ]
        return key, Worth(*share)

    def settle_transfers(self, *, now: datetime) -> None:
        """What a transfer lost on its way is out of the pool when nothing of it is expected any more; what it found is in again."""
        if not self.transfers:
            return
        _write_entries([self])
        causes = sorted(self.transfers)
        lost = CostEntry.objects.filter(variant_id=self.variant_id, cause__in=causes).values_list("cause", "quantity")
        written_off = dict.fromkeys(causes, 0)
        for cause, quantity in lost:
            written_off[cause] -= quantity
        with connection.cursor() as cursor:
            cursor.execute(_TRANSFERRED, [causes, self.variant_id])
            rows = cursor.fetchall()
        for cause, out, expected in rows:
            missing = 0 if expected else int(out) - written_off[cause]
            if expected and written_off[cause]:
                missing = -written_off[cause]  # it goes on after all
            if missing:
                self._write_off(cause, missing, at=self.last_at or now)

    def _write_off(self, cause: str, units: int, *, at: datetime) -> None:
        self.pool.in_transit -= units
        if units > 0:
            worth = -self.pool.take(units)
            kind = EntryKind.LOSS
        else:
            worth, unknown = self.pool.current(-units, self.typed)
            self.pool.put(-units, worth, source=cause, at=at, unknown=unknown)
            kind = EntryKind.ADJUSTMENT
        self.entries.append(
            CostEntry(
                variant_id=self.variant_id, kind=kind, cause=cause, quantity=-units, fifo_stock=worth.fifo, fifo_expense=-worth.fifo,
                average_stock=worth.average, average_expense=-worth.average, currency=self.pool.currency, at=at,
            )
        )  # fmt: skip

    def revalue(self, layers: list[Layer], total: Decimal, *, cause: str, note: str, at: datetime) -> bool:
        """Let these layers cost `total`; False when they do."""
        if not layers or sum((layer.value for layer in layers), Decimal(0)) == total:
            return False
        stock, spent = self.pool.revalue(layers, total)
        self.entries.append(
            CostEntry(
                variant_id=self.variant_id, kind=EntryKind.REVALUATION, cause=cause, quantity=0, note=note, fifo_stock=stock.fifo,
                fifo_expense=spent.fifo, average_stock=stock.average, average_expense=spent.average,
                currency=self.pool.currency, at=at,
            )
        )  # fmt: skip
        return True

    def layers_of(self, source: str) -> list[Layer]:
        """All layers of a cause, the used-up ones too, oldest first."""
        here = {layer.row.pk: layer for layer in self.pool.layers if layer.row is not None}
        rows = CostLayer.objects.filter(source=source, variant_id=self.variant_id).order_by("id")
        return [here.get(row.pk) or as_layer(row) for row in rows]

    def save(self, also: Sequence[Layer] = ()) -> int:
        """Write entries, layers and the pool; the number of entries. also: layers that are not in the pool any more."""
        self.also = also
        return save_pools([self])


def as_layer(row: CostLayer) -> Layer:
    """A stored layer as the pool takes it."""
    return Layer(row.source, row.at, row.units, row.value, row.remaining, row.remaining_value, row.unknown, row=row)


def as_row(variant_id: int, layer: Layer) -> CostLayer:
    """The layer's row, with its present numbers."""
    row = layer.row or CostLayer(variant_id=variant_id, source=layer.source, at=layer.at, units=layer.units)
    row.value, row.remaining, row.remaining_value = layer.value, layer.remaining, layer.remaining_value
    row.unknown = layer.unknown
    return row
