"""Serial numbers from a file: units that nobody knew are registered, known ones move to the location that the file says.

A new serial number names one of the units on hand there that have none yet; where all have one, a unit more is on hand. A known unit that
lies elsewhere moves: on hand falls there and rises here. Units that left (shipped, under way, gone) are not brought back by a file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Refusal
from inventory.models import Location, MovementReason, SerialNumber, SerialState, Tracking
from inventory.operations.levels import Key, Move, apply_moves, create_levels, lock_levels
from inventory.operations.serials import move_serials, receive_serials, unregistered_units, where_it_is
from oms.orchestration.import_outcomes import CREATED, UNCHANGED, UPDATED, Outcome, refused, take_turn
from oms.orchestration.setting_counts import PlaceData, Places


class SerialData(PlaceData, Protocol):
    """One unit and where it lies."""

    @property
    def serial(self) -> str: ...


def import_serials(records: Sequence[SerialData], *, cause: str, actor: Actor, now: datetime) -> list[Outcome]:
    """Bring units and their locations in line, in one transaction; outcomes in the order of the records."""
    with transaction.atomic():
        take_turn("inventory")
        return _Run(records, cause=cause, actor=actor, now=now).outcomes()


class _Run:
    """One portion: what is known is read at once, new units of a level are written together."""

    def __init__(self, records: Sequence[SerialData], *, cause: str, actor: Actor, now: datetime) -> None:
        self.records, self.cause, self.actor, self.now = records, cause, actor, now
        self.places = Places(records)
        self.names = dict(Location.objects.values_list("pk", "name"))
        known = SerialNumber.objects.select_related("location", "variant").filter(
            variant__in=[v.pk for v in self.places.variants.values()], serial__in={r.serial for r in records}
        )
        self.known = {(unit.variant_id, unit.serial): unit for unit in known}
        self.done: dict[int, Outcome] = {}

    def outcomes(self) -> list[Outcome]:
        fresh: dict[Key, list[int]] = defaultdict(list)
        moved: list[tuple[int, SerialNumber, int]] = []
        for n, record in enumerate(self.records):
            key = self.places.key_of(record)
            if isinstance(key, Outcome):
                self.done[n] = key
                continue
            if self.places.variants[record.sku].tracking != Tracking.SERIAL:
                message = _("{sku} is not followed by serial number; say so on its page first.")
                self.done[n] = refused(message.format(sku=record.sku), field="sku")
                continue
            unit = self.known.get((key[0], record.serial))
            if unit is None:
                fresh[key].append(n)
            elif unit.state != SerialState.IN_STOCK:
                self.done[n] = refused(where_it_is(unit, record.sku), field="serial")
            elif unit.location_id == key[1]:
                self.done[n] = Outcome(UNCHANGED)
            else:
                moved.append((n, unit, key[1]))
        # Every level that is touched, in their order, before anything is written.
        keys = set(fresh) | {(unit.variant_id, to) for _n, unit, to in moved}
        create_levels(keys)
        lock_levels(keys | {(unit.variant_id, unit.location_id or 0) for _n, unit, _to in moved})
        for n, unit, to in moved:
            self.done[n] = self._move(n, unit, to)
        for key in sorted(fresh):
            self._receive(key, fresh[key])
        return [self.done[n] for n in range(len(self.records))]

    def _move(self, n: int, unit: SerialNumber, to: int) -> Outcome:
        before = unit.location_id or 0
        try:
            with transaction.atomic():
                told = {"cause": self.cause, "actor": self.actor, "now": self.now}
                reason = MovementReason.IMPORTED
                there = Move(unit.variant_id, to, "on_hand", 1, reason)
                apply_moves([there], **told)
                move_serials(
                    variant_id=unit.variant_id, serials=[unit.serial], state=SerialState.IN_STOCK, location_id=to,
                    from_location_id=before, **told,
                )  # fmt: skip
                apply_moves([Move(unit.variant_id, before, "on_hand", -1, reason)], **told)
        except Refusal as refusal:
            return refused(refusal.message, field="location")
        return Outcome(UPDATED, changes=(("location", self.names[before], self.names[to]),))

    def _receive(self, key: Key, numbers: list[int]) -> None:
        """All new units of a level together; where that is refused, one by one, so that one bad number stops no other."""
        try:
            with transaction.atomic():
                self._register(key, numbers)
        except Refusal as refusal:
            if len(numbers) == 1:
                self.done[numbers[0]] = refused(refusal.message, field="serial")
                return
            for n in numbers:
                self._receive(key, [n])
            return
        for n in numbers:
            self.done[n] = Outcome(CREATED, changes=(("location", "", self.names[key[1]]),))

    def _register(self, key: Key, numbers: list[int]) -> None:
        told = {"cause": self.cause, "actor": self.actor, "now": self.now}
        more = len(numbers) - unregistered_units([key]).get(key, 0)
        if more > 0:
            apply_moves([Move(*key, "on_hand", more, MovementReason.IMPORTED)], **told)
        receive_serials(
            variant_id=key[0], location_id=key[1], serials=[self.records[n].serial for n in numbers], **told
        )
