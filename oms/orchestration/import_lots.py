"""Lots from a file: how many units of each lot lie at each location, through the ledger.

Units that become known as a lot's come out of those without a lot at that location first, unless the file says how many of these there
are (its row with an empty lot); only what exceeds them raises what is on hand. Lots that the file does not name stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Refusal
from inventory.models import Lot, LotLevel, MovementReason, Tracking, Variant
from inventory.operations.levels import Move, apply_moves, create_levels, lock_levels
from inventory.operations.lots import correct_lot, find_or_add_lot
from oms.orchestration.import_outcomes import CREATED, UNCHANGED, UPDATED, Change, Outcome, refused, take_turn
from oms.orchestration.setting_counts import locations_by_name, no_such_location, no_such_sku


class LotPartData(Protocol):
    """Units of one lot ("" for none) at one location."""

    @property
    def lot(self) -> str: ...
    @property
    def expires_on(self) -> date | None: ...
    @property
    def location(self) -> str: ...
    @property
    def quantity(self) -> int: ...


class LotData(Protocol):
    """The lots of one SKU."""

    @property
    def sku(self) -> str: ...
    @property
    def parts(self) -> Sequence[LotPartData]: ...


def import_lots(records: Sequence[LotData], *, cause: str, actor: Actor, now: datetime) -> list[Outcome]:
    """Set the units of lots, each SKU as a whole or not at all, in one transaction; outcomes in the order of the records."""
    with transaction.atomic():
        take_turn("inventory")
        skus = {record.sku for record in records}
        variants = {v.sku: v for v in Variant.objects.only("pk", "sku", "tracking").filter(sku__in=skus)}
        places = locations_by_name()
        stored = _stored(variants.values())
        outcomes = []
        # In the order of the levels' locks; the outcomes are given back in the order of the file.
        order = sorted(range(len(records)), key=lambda n: _pk_of(variants.get(records[n].sku)))
        for n in order:
            taking = _Taking(records[n], variants, places, stored, cause=cause, actor=actor, now=now)
            outcomes.append((n, taking.outcome()))
        return [outcome for _n, outcome in sorted(outcomes, key=lambda pair: pair[0])]


def _pk_of(variant: Variant | None) -> int:
    return variant.pk if variant else 0


#: Variant id → (lot's code, location id) → (units on hand, expiry of the lot).
_Stored = Mapping[int, Mapping[tuple[str, int], tuple[int, date | None]]]


def _stored(variants: object) -> _Stored:
    found: dict[int, dict[tuple[str, int], tuple[int, date | None]]] = {}
    rows = LotLevel.objects.filter(lot__variant__in=variants).values_list(  # type: ignore[misc]
        "lot__variant_id", "lot__code", "location_id", "on_hand", "lot__expires_on"
    )
    for variant_id, code, location_id, units, expires_on in rows:
        found.setdefault(variant_id, {})[(code, location_id)] = (units, expires_on)
    return found


class _Taking:
    """One SKU of the file on its way into the tables."""

    def __init__(
        self,
        record: LotData,
        variants: Mapping[str, Variant],
        places: Mapping[str, int],
        stored: _Stored,
        *,
        cause: str,
        actor: Actor,
        now: datetime,
    ) -> None:
        self.record, self.places = record, places
        self.variant = variants.get(record.sku)
        self.stored = dict(stored.get(self.variant.pk, {})) if self.variant else {}
        self.cause, self.actor, self.now = cause, actor, now

    def outcome(self) -> Outcome:
        if fault := self._fault():
            return fault
        changes = self._differences()
        if not changes:
            return Outcome(UNCHANGED)
        known = any(code for code, _place in self.stored)
        at = 0
        try:
            with transaction.atomic():
                keys = {(self._variant.pk, self.places[part.location]) for part in self.record.parts}
                create_levels(keys)
                lock_levels(keys)
                for n, part in sorted(enumerate(self.record.parts), key=lambda one: one[1].lot == ""):
                    at = n
                    self._take(part)
        except Refusal as refusal:
            field = refusal.field if refusal.field in ("lot", "expires_on") else "quantity"
            return refused(refusal.message, field=field, line=at)
        return Outcome(UPDATED if known else CREATED, changes=changes)

    @property
    def _variant(self) -> Variant:
        if self.variant is None:
            raise LookupError("the SKU is checked first")
        return self.variant

    def _fault(self) -> Outcome | None:
        if self.variant is None:
            return refused(no_such_sku(self.record.sku), field="sku")
        if self.variant.tracking != Tracking.LOT:
            message = _("{sku} is not followed by lot; say so on its page first.")
            return refused(message.format(sku=self.record.sku), field="sku")
        dates: dict[str, date] = {}
        seen: set[tuple[str, int]] = set()
        for n, part in enumerate(self.record.parts):
            if part.location not in self.places:
                return refused(no_such_location(part.location), field="location", line=n)
            key = (part.lot, self.places[part.location])
            if key in seen:
                return refused(_("Another row is of the same lot and location."), field="location", line=n)
            seen.add(key)
            if part.expires_on and dates.setdefault(part.lot, part.expires_on) != part.expires_on:
                message = _("Lot {lot} has another date on another row.")
                return refused(message.format(lot=part.lot), field="expires_on", line=n)
        return None

    def _differences(self) -> tuple[Change, ...]:
        changes: list[Change] = []
        dates = dict(
            Lot.objects.filter(variant=self._variant, code__in=[part.lot for part in self.record.parts]).values_list(
                "code", "expires_on"
            )
        )
        for part in self.record.parts:
            units, _expires = self.stored.get((part.lot, self.places[part.location]), (0, None))
            if units != part.quantity:
                changes.append((f"{part.lot or '—'} · {part.location}", str(units), str(part.quantity)))
            elif part.lot and part.lot not in dates and part.quantity == 0:
                continue  # a lot that nobody has, here or in the file
            if part.expires_on and part.lot in dates and dates[part.lot] != part.expires_on:
                changes.append((f"{part.lot} · expires_on", str(dates[part.lot] or ""), str(part.expires_on)))
                dates[part.lot] = part.expires_on
        return tuple(changes)

    def _take(self, part: LotPartData) -> None:
        """Bring one lot at one location in line. The levels are locked."""
        variant_id, location_id = self._variant.pk, self.places[part.location]
        if part.lot:
            lot = self._lot(part)
        else:
            lot, _added = Lot.objects.get_or_create(variant_id=variant_id, code="", defaults={"created_at": self.now})
        units = self._on_hand(lot.pk, location_id)
        change = part.quantity - units
        if not change:
            return
        moves = [Move(variant_id, location_id, "on_hand", change, MovementReason.IMPORTED, lot_id=lot.pk)]
        if part.lot and change > 0 and not self._says_without_lot(location_id):
            unnamed, free = self._unnamed(location_id)
            if taken := min(change, free):
                moves.insert(
                    0, Move(variant_id, location_id, "on_hand", -taken, MovementReason.IMPORTED, lot_id=unnamed)
                )
        apply_moves(moves, cause=self.cause, actor=self.actor, now=self.now)

    def _lot(self, part: LotPartData) -> Lot:
        known = Lot.objects.filter(variant_id=self._variant.pk, code=part.lot).first()
        if known is None:
            return find_or_add_lot(
                variant_id=self._variant.pk, code=part.lot, expires_on=part.expires_on, actor=self.actor, now=self.now
            )
        if part.expires_on and known.expires_on != part.expires_on:
            return correct_lot(lot_id=known.pk, expires_on=part.expires_on, actor=self.actor, now=self.now)
        return known

    def _on_hand(self, lot_id: int, location_id: int) -> int:
        found = LotLevel.objects.filter(lot_id=lot_id, location_id=location_id)
        return found.values_list("on_hand", flat=True).first() or 0

    def _says_without_lot(self, location_id: int) -> bool:
        return any(part.lot == "" and self.places[part.location] == location_id for part in self.record.parts)

    def _unnamed(self, location_id: int) -> tuple[int, int]:
        """The lot without a code, and its units there that nobody has set aside or taken."""
        level = LotLevel.objects.filter(lot__variant_id=self._variant.pk, lot__code="", location_id=location_id).first()
        if level is None:
            return 0, 0
        return level.lot_id, level.on_hand - level.damaged - level.quality_control - level.picked
