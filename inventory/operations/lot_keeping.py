"""Which lots a change of stock is of: the one place through which every change of goods passes.

A writer may say the lot of each move. What it leaves open is decided here, so that for a variant that is followed by lot the counts
over its lots are the level's counts, whoever writes:

| move | lot |
| --- | --- |
| on hand rises | "": units that came without a lot. Nothing is guessed, for a lot asserts a date that somebody read |
| set aside (damaged, quality control) | of what rose or was released in the same change; then the earliest expiry |
| no longer set aside | lots that may still ship first; when goods leave with it, the earliest expiry first |
| on hand falls | what was released in the same change; then the earliest expiry, then the oldest lot |
| … because it ships | the same among lots that may still ship; never one past its last day |

Moves that name a lot come first. Units that a picker has taken (`LotLevel.picked`) are nobody else's. The caller holds the locks of
the stock levels, and with them of their lot levels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import formats
from core.refusals import Refusal
from inventory.models import Location, MovementReason, Tracking, Variant

if TYPE_CHECKING:
    from inventory.operations.levels import Level, Move

    Key = tuple[int, int]

#: The buckets that are goods and so of a lot; the others are promises and plans.
GOODS = frozenset({"on_hand", "damaged", "quality_control"})
_SET_ASIDE = ("quality_control", "damaged")


@dataclass(slots=True)
class LotStock:
    """Units of a lot at a location. spent: it may not be shipped any more. fresh, released: what this change brought or set free."""

    lot_id: int
    location_id: int
    variant_id: int
    code: str
    expires_on: date | None
    spent: bool = False
    on_hand: int = 0
    damaged: int = 0
    quality_control: int = 0
    picked: int = 0
    fresh: int = 0
    released: int = 0
    changed: bool = False

    @property
    def free(self) -> int:
        return self.on_hand - self.damaged - self.quality_control - self.picked

    @property
    def turn(self) -> tuple[date, int]:
        """Whose turn it is: first expired, first out; then first come."""
        return (self.expires_on or date.max, self.lot_id)

    def move(self, bucket: str, units: int) -> None:
        setattr(self, bucket, getattr(self, bucket) + units)
        self.changed = True


_TRACKED = "SELECT id, tracking, min_remaining_days FROM inventory_variant WHERE tracking <> 'none' AND id = ANY (%s)"
_LOT_LEVELS = """
    SELECT lot.id, ll.location_id, lot.variant_id, lot.code, lot.expires_on, ll.on_hand, ll.damaged, ll.quality_control, ll.picked
      FROM unnest(%s::bigint[], %s::bigint[]) AS k (variant_id, location_id)
      JOIN inventory_lot lot ON lot.variant_id = k.variant_id
      JOIN inventory_lotlevel ll ON ll.lot_id = lot.id AND ll.location_id = k.location_id
     WHERE ll.on_hand > 0
     ORDER BY lot.id, ll.location_id
       FOR UPDATE OF ll
"""
#: Made with the tracking of its variant; here only for variants that were written past the operations.
_UNNAMED = """
    INSERT INTO inventory_lot (variant_id, code, created_at)
    SELECT v.id, '', now() FROM unnest(%s::bigint[]) AS v (id)
     WHERE NOT EXISTS (SELECT FROM inventory_lot lot WHERE lot.variant_id = v.id AND lot.code = '')
        ON CONFLICT (variant_id, code) DO NOTHING
"""
_LOTS = """
    SELECT id, variant_id, code, expires_on FROM inventory_lot WHERE id = ANY (%s) OR (variant_id = ANY (%s) AND code = '')
"""
#: The levels are locked, so the counts are final and may be written as they are.
_WRITE = """
    INSERT INTO inventory_lotlevel (lot_id, location_id, on_hand, damaged, quality_control, picked)
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::int[], %s::int[], %s::int[])
        ON CONFLICT (lot_id, location_id) DO UPDATE SET on_hand = EXCLUDED.on_hand, damaged = EXCLUDED.damaged,
           quality_control = EXCLUDED.quality_control, picked = EXCLUDED.picked
"""
_ADD_PICKED = """
    UPDATE inventory_lotlevel l SET picked = l.picked + c.units
      FROM unnest(%s::bigint[], %s::bigint[], %s::int[]) AS c (lot_id, location_id, units)
     WHERE l.lot_id = c.lot_id AND l.location_id = c.location_id
"""
_TOO_FEW_UNITS = """
    SELECT k.variant_id, k.location_id, n.count
      FROM unnest(%s::bigint[], %s::bigint[], %s::int[]) AS k (variant_id, location_id, on_hand)
     CROSS JOIN LATERAL (SELECT count(*) FROM inventory_serialnumber s
                          WHERE s.variant_id = k.variant_id AND s.location_id = k.location_id AND s.state = 'in_stock') AS n (count)
     WHERE n.count > k.on_hand ORDER BY 1, 2 LIMIT 1
"""


def tracked_variants(variant_ids: Iterable[int]) -> dict[int, tuple[str, int]]:
    """Variant id → (how it is followed, days that must be left when it ships), of those that are followed. One cheap statement."""
    ids = sorted(set(variant_ids))
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_TRACKED, [ids])
        return {pk: (tracking, days) for pk, tracking, days in cursor.fetchall()}


def settle_moves(moves: list[Move], levels: Mapping[Key, Level], *, now: datetime) -> list[Move]:
    """The moves with every lot decided, and the lot levels written; for variants that nobody follows the moves as they are.

    levels: the locked stock levels as they will be. Raises Refusal `not_by_lot`, `lot_of_another`, `lot_is_short`, `lot_expired`,
    `no_lot_may_ship`, `serials_needed`, before anything is written.
    """
    goods = [move for move in moves if move.bucket in GOODS]
    tracked = tracked_variants(move.variant_id for move in goods)
    by_lot = {pk: days for pk, (tracking, days) in tracked.items() if tracking == Tracking.LOT}
    for move in goods:
        if move.lot_id is not None and move.variant_id not in by_lot:
            raise Refusal(
                "not_by_lot", _("{sku} is not followed by lot.").format(sku=_sku(move.variant_id)), field="lot"
            )
    if not tracked:
        return moves
    _check_serials(goods, levels, {pk for pk in tracked if pk not in by_lot})
    return _with_lots(moves, by_lot, now=now) if by_lot else moves


def take_out_picked(moves: Sequence[Move], lots: Mapping[Key, Mapping[int, int]]) -> list[Move]:
    """The moves with the on-hand falls of these levels divided by the lots that were picked for them, which leave the tote with it.

    lots: (variant, location) → lot id → units; together no more than what falls there, the rest stays open.
    """
    left = {key: dict(picked) for key, picked in lots.items()}
    divided: list[Move] = []
    for move in moves:
        open_units = abs(move.quantity)
        if _is_fall_on_hand(move):
            picked = left.get((move.variant_id, move.location_id), {})
            for lot_id in sorted(picked):
                units = min(picked[lot_id], open_units)
                picked[lot_id] -= units
                open_units -= units
                if units:
                    divided.append(replace(move, quantity=-units, lot_id=lot_id))
        if open_units:
            divided.append(replace(move, quantity=open_units if move.quantity > 0 else -open_units))
    if any(units for picked in left.values() for units in picked.values()):
        raise ValueError("more units were picked by lot than leave")
    count_picked((lot_id, key[1], -units) for key, picked in lots.items() for lot_id, units in picked.items())
    return divided


def count_picked(changes: Iterable[tuple[int, int, int]]) -> None:
    """Add to the picked units of (lot id, location id, change); the caller holds the stock levels' locks."""
    rows = sorted(changes)
    with connection.cursor() as cursor:
        cursor.execute(_ADD_PICKED, [[row[n] for row in rows] for n in range(3)])


def _check_serials(goods: Sequence[Move], levels: Mapping[Key, Level], variant_ids: set[int]) -> None:
    """More serial numbers in stock than units on hand cannot be: who takes units says first which ones leave."""
    falls = {(m.variant_id, m.location_id) for m in goods if m.bucket == "on_hand" and m.variant_id in variant_ids}
    if not falls:
        return
    keys = sorted(falls)
    counts = [levels[key].on_hand for key in keys]
    with connection.cursor() as cursor:
        cursor.execute(_TOO_FEW_UNITS, [[key[0] for key in keys], [key[1] for key in keys], counts])
        row = cursor.fetchone()
    if row:
        variant_id, location_id, count = row
        raise Refusal(
            "serials_needed",
            _("{sku} at {location}: say first which serial numbers leave; {count} are in stock there.").format(
                sku=_sku(variant_id), location=_place(location_id), count=count
            ),
            field="serials",
        )


def _with_lots(moves: Sequence[Move], by_lot: Mapping[int, int], *, now: datetime) -> list[Move]:
    mine = [move for move in moves if move.bucket in GOODS and move.variant_id in by_lot]
    keys = sorted({(move.variant_id, move.location_id) for move in mine})
    stock = lots_at(keys, {m.lot_id for m in mine if m.lot_id is not None}, by_lot, now=now)
    by_key: dict[Key, list[LotStock]] = defaultdict(list)
    for lot in sorted(stock.values(), key=lambda lot: lot.turn):
        by_key[(lot.variant_id, lot.location_id)].append(lot)
    settled: dict[int, list[Move]] = {}
    for move in mine:
        if move.lot_id is not None:
            _take_named(move, stock)
    leaving = {(move.variant_id, move.location_id) for move in mine if _is_fall_on_hand(move)}
    for is_its_turn in (_is_rise_on_hand, _is_release, _is_setting_aside, _is_fall_on_hand):
        for move in mine:
            if move.lot_id is None and is_its_turn(move):
                key = (move.variant_id, move.location_id)
                settled[id(move)] = _settle(move, by_key[key], leaving=key in leaving)
    for lot in stock.values():
        if min(lot.on_hand, lot.damaged, lot.quality_control, lot.picked, lot.free) < 0:
            raise _short(lot)
    write_lot_levels(lot for lot in stock.values() if lot.changed)
    return [part for move in moves for part in settled.get(id(move), [move])]


def _is_rise_on_hand(move: Move) -> bool:
    return move.bucket == "on_hand" and move.quantity > 0


def _is_release(move: Move) -> bool:
    return move.bucket in _SET_ASIDE and move.quantity < 0


def _is_setting_aside(move: Move) -> bool:
    return move.bucket in _SET_ASIDE and move.quantity > 0


def _is_fall_on_hand(move: Move) -> bool:
    return move.bucket == "on_hand" and move.quantity < 0


def _take_named(move: Move, stock: Mapping[tuple[int, int], LotStock]) -> None:
    lot = stock.get((move.lot_id or 0, move.location_id))
    if lot is None or lot.variant_id != move.variant_id:
        raise Refusal(
            "lot_of_another", _("This lot is not one of {sku}.").format(sku=_sku(move.variant_id)), field="lot"
        )
    if lot.spent and move.reason == MovementReason.SHIPPED and _is_fall_on_hand(move):
        raise Refusal("lot_expired", why_spent(lot), field="lot")
    lot.move(move.bucket, move.quantity)
    if _is_rise_on_hand(move):
        lot.fresh += move.quantity
    elif _is_release(move):
        lot.released -= move.quantity
    elif _is_setting_aside(move):
        lot.fresh = max(0, lot.fresh - move.quantity)


def _settle(move: Move, lots: list[LotStock], *, leaving: bool) -> list[Move]:
    """The parts of a move that names no lot, one for each lot it is of."""
    units = abs(move.quantity)
    if _is_rise_on_hand(move):
        unnamed = next(lot for lot in lots if lot.code == "")
        unnamed.fresh += units
        shares = [(unnamed, units)]
    elif _is_release(move):
        order = lots if leaving else sorted(lots, key=lambda lot: (lot.spent, lot.turn))
        shares = _share(units, [(lot, getattr(lot, move.bucket)) for lot in order])
        for lot, taken in shares:
            lot.released += taken
    elif _is_setting_aside(move):
        first = _share(units, [(lot, min(lot.fresh, lot.free)) for lot in lots])
        for lot, taken in first:
            lot.fresh -= taken
        shares = _then_free(units, first, lots, lots)
    else:
        shares = _then_free(units, [], lots, _who_may_leave(move, lots))
    if sum(taken for _lot, taken in shares) < units:
        raise _none_left(move, lots)
    sign = 1 if move.quantity > 0 else -1
    for lot, taken in shares:
        lot.move(move.bucket, sign * taken)
    return [replace(move, quantity=sign * taken, lot_id=lot.lot_id) for lot, taken in shares]


def _who_may_leave(move: Move, lots: list[LotStock]) -> list[LotStock]:
    if move.reason == MovementReason.SHIPPED:
        return [lot for lot in lots if not lot.spent]
    if move.reason == MovementReason.TRANSFERRED:
        return sorted(lots, key=lambda lot: (lot.spent, lot.turn))
    return lots


def _then_free(
    units: int, first: list[tuple[LotStock, int]], lots: list[LotStock], order: list[LotStock]
) -> list[tuple[LotStock, int]]:
    """The rest of `units` after `first`: what this change set free, then what is free, in the order given."""
    got: dict[int, list] = {lot.lot_id: [lot, taken] for lot, taken in first}
    left = units - sum(taken for _lot, taken in first)
    for among in ("released", "free"):
        for lot in order:
            already = got.get(lot.lot_id, [lot, 0])[1]
            most = lot.free - already
            taken = min(left, most if among == "free" else min(most, lot.released))
            if taken > 0:
                got.setdefault(lot.lot_id, [lot, 0])[1] += taken
                left -= taken
                if among == "released":
                    lot.released -= taken
    return [(lot, taken) for lot, taken in got.values()]


def _share(units: int, offers: Iterable[tuple[LotStock, int]]) -> list[tuple[LotStock, int]]:
    """Take `units` from offers in their order; the lots with what each gives."""
    shares = []
    for lot, most in offers:
        taken = min(units, most)
        if taken > 0:
            shares.append((lot, taken))
            units -= taken
    return shares


def lots_at(
    keys: Sequence[Key], named: Iterable[int], min_days: Mapping[int, int], *, now: datetime
) -> dict[tuple[int, int], LotStock]:
    """(lot id, location id) → its units, locked, for lots with units at these levels, the named ones and those without a code."""
    variants, places = [key[0] for key in keys], [key[1] for key in keys]
    with connection.cursor() as cursor:
        cursor.execute(_UNNAMED, [sorted(set(variants))])
        cursor.execute(_LOT_LEVELS, [variants, places])
        stock = {(row[0], row[1]): LotStock(*row[:5], False, *row[5:]) for row in cursor.fetchall()}
        cursor.execute(_LOTS, [sorted(set(named)), sorted(set(variants))])
        lots = cursor.fetchall()
    for lot_id, variant_id, code, expires_on in lots:
        for _variant, place in (key for key in keys if key[0] == variant_id):
            stock.setdefault((lot_id, place), LotStock(lot_id, place, variant_id, code, expires_on))
    if any(lot.expires_on for lot in stock.values()):
        today = local_days({lot.location_id for lot in stock.values()}, now=now)
        for lot in stock.values():
            lot.spent = is_spent(lot.expires_on, min_days.get(lot.variant_id, 0), today[lot.location_id])
    return stock


def write_lot_levels(lots: Iterable[LotStock]) -> None:
    """Write the counts of lots whose stock levels the caller has locked."""
    rows = sorted(lots, key=lambda lot: (lot.lot_id, lot.location_id))
    names = ("lot_id", "location_id", "on_hand", "damaged", "quality_control", "picked")
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [[getattr(row, name) for row in rows] for name in names])


def is_spent(expires_on: date | None, min_remaining_days: int, today: date) -> bool:
    """True when a unit may not be shipped any more. It may on the last day itself: GS1 dates say up to and including."""
    return expires_on is not None and expires_on - timedelta(days=min_remaining_days) < today


def local_days(location_ids: Iterable[int], *, now: datetime) -> dict[int, date]:
    """The date at each location now."""
    rows = Location.objects.filter(pk__in=set(location_ids)).values_list("pk", "time_zone")
    return {pk: now.astimezone(ZoneInfo(zone)).date() for pk, zone in rows}


def why_spent(lot: LotStock) -> str:
    """Why a lot may not be shipped, in a sentence."""
    return _("Lot {lot} may not be shipped any more: it expires on {date}. Set it aside.").format(
        lot=lot.code, date=formats.day(lot.expires_on)
    )


def _short(lot: LotStock) -> Refusal:
    left = max(0, lot.on_hand - lot.damaged - lot.quality_control)
    return Refusal(
        "lot_is_short",
        _("{sku} at {location}: lot {lot} does not hold that many units.").format(
            sku=_sku(lot.variant_id), location=_place(lot.location_id), lot=lot.code or "—"
        ),
        field="lot",
        lot=lot.code,
        left=left,
    )


def _none_left(move: Move, lots: Sequence[LotStock]) -> Refusal:
    fit = sum(max(0, lot.free) for lot in lots if not lot.spent)
    return Refusal(
        "no_lot_may_ship",
        ngettext(
            "{sku} at {location}: only {fit} unit is of a lot that may still be shipped.",
            "{sku} at {location}: only {fit} units are of lots that may still be shipped.",
            fit,
        ).format(sku=_sku(move.variant_id), location=_place(move.location_id), fit=fit),
        field="lot",
    )


def _sku(variant_id: int) -> str:
    return Variant.objects.values_list("sku", flat=True).get(pk=variant_id)


def _place(location_id: int) -> str:
    return Location.objects.values_list("name", flat=True).get(pk=location_id)
