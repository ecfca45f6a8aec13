"""Counted numbers from a file into open stock counts, as if they were typed at the bin, at the moment of the import."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Refusal
from counts.models import StockCount, StockCountLine
from counts.operations import record_line
from counts.operations.locking import share_count
from counts.states import CountState, LineState
from inventory.models import Variant
from inventory.operations.levels import lock_levels
from oms.orchestration.import_outcomes import UNCHANGED, UPDATED, Outcome, refused, take_turn
from oms.orchestration.setting_counts import no_such_sku


class CountedData(Protocol):
    """A number counted in a bin; None: not counted yet. lot None: the file has no such column."""

    @property
    def count(self) -> str: ...
    @property
    def bin(self) -> str: ...
    @property
    def sku(self) -> str: ...
    @property
    def lot(self) -> str | None: ...
    @property
    def counted(self) -> int | None: ...


def import_counted(records: Sequence[CountedData], *, actor: Actor, now: datetime) -> list[Outcome]:
    """Write numbers into the lines of open counts, in one transaction; outcomes in the order of the records.

    A line that says this number already is unchanged, one without a number is left. A SKU that is not on the list of its bin is refused:
    what was found without being listed is counted on the count's own page.
    """
    with transaction.atomic():
        take_turn("counts")
        run = _Run(records)
        run.lock(records)
        return [run.take(record, actor=actor, now=now) for record in records]


class _Run:
    def __init__(self, records: Sequence[CountedData]) -> None:
        self.counts = {c.number: c for c in StockCount.objects.filter(number__in={r.count for r in records})}
        self.variants = dict(Variant.objects.filter(sku__in={r.sku for r in records}).values_list("sku", "pk"))
        lines = StockCountLine.objects.select_related("lot").filter(
            count__in=self.counts.values(), variant__in=self.variants.values()
        )
        self.lines: dict[tuple[int, str, int], list[StockCountLine]] = {}
        for line in lines.order_by("pk"):
            self.lines.setdefault((line.count_id, line.bin, line.variant_id), []).append(line)

    def lock(self, records: Sequence[CountedData]) -> None:
        """Counts, then all lines, then all levels, as whoever closes a bin takes them; what was read before is read again."""
        open_counts = sorted(
            (c for c in self.counts.values() if c.state == CountState.OPEN), key=lambda count: count.pk
        )
        for count in open_counts:
            with suppress(Refusal):  # closed meanwhile: its records are refused one by one
                share_count(count.pk)
        told = {record.sku for record in records if record.counted is not None}
        wanted = {self.variants[sku] for sku in told if sku in self.variants}
        mine = StockCountLine.objects.filter(count__in=open_counts, variant__in=wanted).order_by("pk")
        locked = {line.pk: line for line in mine.select_for_update(of=("self",)).select_related("lot", "count")}
        for lines in self.lines.values():
            lines[:] = [locked.get(line.pk, line) for line in lines]
        lock_levels((line.variant_id, line.count.location_id) for line in locked.values())

    def take(self, record: CountedData, *, actor: Actor, now: datetime) -> Outcome:
        count, variant_id = self.counts.get(record.count), self.variants.get(record.sku)
        if count is None:
            return refused(_("There is no count “{number}”.").format(number=record.count), field="count")
        if variant_id is None:
            return refused(no_such_sku(record.sku), field="sku")
        line = self._line(count, variant_id, record)
        if record.counted is None or (line and line.state == LineState.DONE and line.counted == record.counted):
            return Outcome(UNCHANGED)
        if count.state != CountState.OPEN:
            return refused(_("Count {number} is not open any more.").format(number=count.number), field="count")
        if line is None:
            message = _("{sku} is not on the list of this bin; count it on the count's page as found.")
            return refused(message.format(sku=record.sku), field="bin")
        before = "" if line.counted is None else str(line.counted)
        try:
            with transaction.atomic():
                record_line(
                    count_id=count.pk, variant_id=variant_id, bin_name=record.bin, quantity=record.counted, lot_id=line.lot_id,
                    done=True, actor=actor, now=now,
                )  # fmt: skip
        except Refusal as refusal:
            return refused(refusal.message, field="counted")
        return Outcome(UPDATED, changes=(("counted", before, str(record.counted)),))

    def _line(self, count: StockCount, variant_id: int, record: CountedData) -> StockCountLine | None:
        lines = self.lines.get((count.pk, record.bin, variant_id), [])
        if record.lot is None:
            return lines[0] if len(lines) == 1 else None
        return next((line for line in lines if (line.lot.code if line.lot else "") == record.lot), None)
