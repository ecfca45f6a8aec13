"""Costs follow the ledger: every on-hand movement of a variant is costed once, in its order, behind the business and never in its way.

A follower of `StockChanged` locks the variant's pool (no stock level, no order), reads the movements beyond its cursors in one statement
and writes an entry for each. Two workers at once wait for each other; a second run finds nothing.

| movement | what happens to the pool |
| --- | --- |
| received on a purchase order | in, at the landed cost of its line |
| returned by a customer | in, at the cost with which these units left |
| other rises (found, counted up, opening stock) | in, at what units here are worth, else the last cost, else the cost typed on the variant |
| shipped | out, as cost of goods sold |
| other falls | out, as a loss; to the supplier: out, and nobody's expense |
| transferred | nothing: units between our locations stay ours. What a closed transfer lost leaves the pool as a loss |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction

from core.actors import Actor
from core.money import quantize
from core.shop import shop
from inventory.models import MovementReason, StockLevel, Variant
from purchasing.models import CostCursor, CostEntry, CostLayer, EntryKind, PurchaseLine, VariantCost
from purchasing.pool import Layer, Pool, Worth
from purchasing.queries import landed_costs_of

ACTOR = Actor.system("costing")
ROWS_AT_ONCE = 5000
VARIANTS_AT_ONCE = 500
#: A cursor is moved on over rows that cost nothing (reservations) when so many lie behind it.
SKIPPED_AT_MOST = 500
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


_LOCK = """
    INSERT INTO purchasing_variantcost (variant_id, units, in_transit, fifo_value, average_value, unknown_units)
    VALUES (%s, 0, 0, 0, 0, 0) ON CONFLICT (variant_id) DO NOTHING
"""
#: One statement sees one moment of all locations: what caused a row is in it too, with a smaller id.
_ROWS = """
    SELECT m.id, m.location_id, m.bucket, m.quantity, m.reason, m.cause, m.at
      FROM inventory_stocklevel s
      LEFT JOIN purchasing_costcursor c ON c.variant_id = s.variant_id AND c.location_id = s.location_id
      CROSS JOIN LATERAL (
        SELECT * FROM inventory_stockmovement m
         WHERE m.variant_id = s.variant_id AND m.location_id = s.location_id AND m.id > coalesce(c.movement_id, 0)
           AND (m.bucket = 'on_hand' OR (m.bucket = 'incoming' AND m.cause LIKE 'transfer:%%'))
         ORDER BY m.id LIMIT %s
      ) m
     WHERE s.variant_id = %s
     ORDER BY m.id LIMIT %s
"""
_CURSORS = """
    INSERT INTO purchasing_costcursor (variant_id, location_id, movement_id)
    SELECT %s, * FROM unnest(%s::bigint[], %s::bigint[])
        ON CONFLICT (variant_id, location_id) DO UPDATE SET movement_id = EXCLUDED.movement_id
"""
#: Of the levels that changed: whether something is to be costed, and where the cursor may go that fell far behind rows that cost nothing.
_WAITING = """
    SELECT k.variant_id, k.location_id,
           EXISTS (SELECT FROM inventory_stockmovement m
                    WHERE m.variant_id = k.variant_id AND m.location_id = k.location_id AND m.id > coalesce(c.movement_id, 0)
                      AND (m.bucket = 'on_hand' OR (m.bucket = 'incoming' AND m.cause LIKE 'transfer:%%'))),
           (SELECT m.id FROM inventory_stockmovement m
             WHERE m.variant_id = k.variant_id AND m.location_id = k.location_id AND m.id > coalesce(c.movement_id, 0)
             ORDER BY m.id OFFSET %s LIMIT 1)
      FROM unnest(%s::bigint[], %s::bigint[]) AS k (variant_id, location_id)
      LEFT JOIN purchasing_costcursor c USING (variant_id, location_id)
"""
_TRANSFERRED = """
    SELECT cause, -coalesce(sum(quantity) FILTER (WHERE bucket = 'on_hand'), 0), coalesce(sum(quantity) FILTER (WHERE bucket = 'incoming'), 0)
      FROM inventory_stockmovement WHERE cause = ANY(%s) AND variant_id = %s GROUP BY cause
"""
_LEFT = """
    SELECT coalesce(sum(quantity), 0), coalesce(sum(fifo_expense), 0), coalesce(sum(average_expense), 0) FROM purchasing_costentry
     WHERE variant_id = %s AND ((kind = 'sale' AND cause = ANY(%s)) OR (kind = 'return' AND origin = %s))
"""


@dataclass(frozen=True, slots=True)
class _Row:
    """A ledger row that costs something."""

    id: int
    location_id: int
    bucket: str
    quantity: int
    reason: str
    cause: str
    at: datetime


def cost_levels(keys: Iterable[Sequence[int]], *, now: datetime) -> int:
    """Cost what the levels' variants have waiting; the number of entries. One transaction for each variant, in their order."""
    pairs = sorted({(key[0], key[1]) for key in keys})
    if not pairs:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [SKIPPED_AT_MOST, [pair[0] for pair in pairs], [pair[1] for pair in pairs]])
        waiting = cursor.fetchall()
    variants = sorted({row[0] for row in waiting if row[2]})
    written = sum(cost_variant(variant_id, now=now) for variant_id in variants)
    _skip([row for row in waiting if not row[2] and row[3] is not None])
    return written


def _skip(rows: Sequence[Sequence[int]]) -> None:
    """Move cursors over rows that cost nothing. A row that costs something and is written meanwhile has a higher id."""
    for variant_id, location_id, _costs, far in rows:
        with transaction.atomic():
            _lock_pool(variant_id)
            known = CostCursor.objects.filter(variant_id=variant_id, location_id=location_id).first()
            if known is None or known.movement_id < far:
                _write_cursors(variant_id, {location_id: far})


def cost_everything(*, now: datetime) -> int:
    """Cost whatever waits anywhere: for stock that was there before costs were followed; the number of entries."""
    written, last = 0, 0
    levels = StockLevel.objects.order_by("variant_id", "location_id")
    while found := list(
        levels.filter(variant_id__gt=last)
        .order_by("variant_id")
        .values_list("variant_id", flat=True)
        .distinct()[:VARIANTS_AT_ONCE]
    ):
        last = found[-1]
        written += cost_levels(levels.filter(variant_id__in=found).values_list("variant_id", "location_id"), now=now)
    return written


def cost_variant(variant_id: int, *, now: datetime) -> int:
    """Cost all movements of a variant that are not costed yet; the number of entries. Safe to run twice and at once."""
    written, more = 0, True
    while more:
        with transaction.atomic():
            costing = Costing.locked(variant_id)
            rows = _waiting_rows(variant_id)
            more = len(rows) == ROWS_AT_ONCE
            for row in rows:
                costing.cost(row)
            costing.settle_transfers(now=now)
            written += costing.save()
            newest = {row.location_id: row.id for row in rows}
            _write_cursors(variant_id, newest)
    return written


def _waiting_rows(variant_id: int) -> list[_Row]:
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [ROWS_AT_ONCE, variant_id, ROWS_AT_ONCE])
        return [_Row(*row) for row in cursor.fetchall()]


def _write_cursors(variant_id: int, newest: dict[int, int]) -> None:
    if newest:
        with connection.cursor() as cursor:
            cursor.execute(_CURSORS, [variant_id, list(newest), list(newest.values())])


def _lock_pool(variant_id: int) -> VariantCost:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [variant_id])
    return VariantCost.objects.select_for_update(of=("self",)).get(pk=variant_id)


@dataclass
class Costing:
    """One variant under its lock: the pool in memory, entries to be written."""

    variant_id: int
    row: VariantCost
    pool: Pool
    entries: list[CostEntry] = field(default_factory=list)
    transfers: set[str] = field(default_factory=set)
    last_at: datetime | None = None

    @classmethod
    def locked(cls, variant_id: int) -> Costing:
        """Lock the variant's pool and read it."""
        row = _lock_pool(variant_id)
        open_layers = CostLayer.objects.filter(variant_id=variant_id, remaining__gt=0).order_by("id")
        pool = Pool(
            shop().currency, [as_layer(layer) for layer in open_layers], row.average_value, row.units, row.in_transit,
            row.last_unit_cost,
        )  # fmt: skip
        return cls(variant_id, row, pool)

    def cost(self, row: _Row) -> None:
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

    def _come(self, row: _Row) -> None:
        kind, origin, unknown = EntryKind.ADJUSTMENT, "", False
        worth: Worth | None = None
        if row.cause.startswith(PURCHASE) and row.reason == MovementReason.RECEIVED:
            kind, worth = EntryKind.PURCHASE, self._landed(row)
        elif row.reason == MovementReason.RETURNED:
            kind = EntryKind.RETURN
            origin, worth = self._as_it_left(row)
        if worth is None:
            worth, unknown = self.pool.current(row.quantity, self._typed())
        self.pool.put(row.quantity, worth, source=row.cause, at=row.at, unknown=unknown)
        spent = NOTHING if kind == EntryKind.PURCHASE else -worth
        self._enter(row, kind, row.quantity, worth, spent, origin=origin)

    def _go(self, row: _Row) -> None:
        worth = self.pool.take(-row.quantity)
        if row.reason == MovementReason.SHIPPED:
            kind, spent = EntryKind.SALE, worth
        elif row.reason == MovementReason.TO_SUPPLIER:
            kind, spent = EntryKind.TO_SUPPLIER, NOTHING
        else:
            kind, spent = EntryKind.LOSS, worth
        self._enter(row, kind, row.quantity, -worth, spent)

    def _enter(self, row: _Row, kind: str, quantity: int, stock: Worth, spent: Worth, *, origin: str = "") -> None:
        self.entries.append(
            CostEntry(
                variant_id=self.variant_id, location_id=row.location_id, movement_id=row.id, kind=kind, cause=row.cause, origin=origin,
                quantity=quantity, fifo_stock=stock.fifo, fifo_expense=spent.fifo, average_stock=stock.average,
                average_expense=spent.average, currency=self.pool.currency, at=row.at,
            )
        )  # fmt: skip

    def _typed(self) -> Decimal | None:
        return Variant.objects.values_list("cost", flat=True).get(pk=self.variant_id)

    def _landed(self, row: _Row) -> Worth | None:
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

    def _as_it_left(self, row: _Row) -> tuple[str, Worth | None]:
        """(sale, cost): an equal share of what the units of that sale that are still out had cost when they left."""
        found = next((answer for origin in _origins if (answer := origin(row.cause)) is not None), None)
        if found is None:
            return "", None
        key, causes = found
        self._write_entries()
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
        self._write_entries()
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
            worth, unknown = self.pool.current(-units, self._typed())
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

    def _write_entries(self) -> None:
        CostEntry.objects.bulk_create([entry for entry in self.entries if entry.pk is None])

    def save(self, also: Sequence[Layer] = ()) -> int:
        """Write entries, layers and the pool; the number of entries. also: layers that are not in the pool any more."""
        self._write_entries()
        layers = {id(layer): layer for layer in (*self.pool.layers, *also) if layer.touched}.values()
        fresh = [as_row(self.variant_id, layer) for layer in layers if layer.row is None]
        CostLayer.objects.bulk_create(fresh)
        changed = [as_row(self.variant_id, layer) for layer in layers if layer.row is not None]
        CostLayer.objects.bulk_update(changed, ["value", "remaining", "remaining_value", "unknown"])
        pool, row = self.pool, self.row
        row.units, row.in_transit, row.average_value = pool.units, pool.in_transit, pool.average_value
        row.fifo_value, row.unknown_units, row.last_unit_cost = pool.fifo_value, pool.unknown_units, pool.last_unit_cost
        row.save()
        return len(self.entries)


def as_layer(row: CostLayer) -> Layer:
    """A stored layer as the pool takes it."""
    return Layer(row.source, row.at, row.units, row.value, row.remaining, row.remaining_value, row.unknown, row=row)


def as_row(variant_id: int, layer: Layer) -> CostLayer:
    """The layer's row, with its present numbers."""
    row = layer.row or CostLayer(variant_id=variant_id, source=layer.source, at=layer.at, units=layer.units)
    row.value, row.remaining, row.remaining_value = layer.value, layer.remaining, layer.remaining_value
    row.unknown = layer.unknown
    return row
