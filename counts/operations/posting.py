"""A finished count becomes stock: each line's difference is applied to what is there now.

difference = counted − on hand at the moment of counting. What moved since moved on the shelf and in the book, so it is not touched.
Another count's correction, posted since, has told the same difference already and is taken off; a line that was counted anew
since, by another count or by hand, tells nothing any more and is left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.actors import Actor
from core.refusals import Invalid, Refusal
from core.timeline import record
from counts.models import StockCount, StockCountLine
from counts.operations.locking import lock_count
from counts.states import LineResult, Unlisted
from inventory.models import MovementReason, SerialNumber, SerialState, Tracking, Variant
from inventory.operations.levels import Key, Level, Move, apply_moves, create_levels, lock_levels
from inventory.operations.many_levels import fault_of

_R = LineResult


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A SKU whose difference cannot be posted, and why."""

    variant_id: int
    sku: str
    difference: int
    why: str


class CannotPost(Refusal):
    """Some differences cannot be posted; `lines` names them. The others can be posted with `partly`."""

    def __init__(self, lines: list[RefusedLine]) -> None:
        self.lines = lines
        text = ngettext(
            "{n} difference cannot be posted: {first}", "{n} differences cannot be posted, the first: {first}", len(lines)
        )  # fmt: skip
        super().__init__("cannot_post", text.format(n=len(lines), first=f"{lines[0].sku}: {lines[0].why}"))


@dataclass(slots=True)
class Posted:
    """What posting did, in SKUs: exact ones, adjusted ones, those left as they are, those refused."""

    count: StockCount
    exact: int = 0
    adjusted: int = 0
    left: int = 0
    refused: list[RefusedLine] = field(default_factory=list)


@dataclass(slots=True)
class _Group:
    """The lines of one SKU in one count: together they say how many there are."""

    key: Key
    lot_id: int | None
    lines: list[StockCountLine]
    meanwhile: int = 0  # what other counts have put right since this was counted
    superseded: bool = False
    left: bool = False
    fault: str = ""

    @property
    def home(self) -> StockCountLine:
        return next((line for line in self.lines if line.home), self.lines[0])

    @property
    def moment(self) -> datetime:
        return max(line.counted_at for line in self.lines if line.counted_at)

    @property
    def difference(self) -> int:
        return sum((line.counted or 0) - (line.expected or 0) for line in self.lines) - self.meanwhile

    @property
    def note(self) -> str:
        return next((line.reason for line in self.lines if line.reason), "")


def post_count(*, count_id: int, unlisted: str, partly: bool = False, actor: Actor, now: datetime) -> Posted:
    """Apply the differences of a finished count to stock, in one transaction, once.

    unlisted: what becomes of expected units that nobody found (`Unlisted`). Raises CannotPost when reserved or set-aside units would
    no longer be covered, unless `partly`: then those lines are refused and the others posted. Raises Refusal `wrong_state`.
    """
    if unlisted not in Unlisted.values:
        raise Invalid("bad_unlisted", _("Say what happens with units that nobody found."), field="unlisted")
    with transaction.atomic():
        count, state = lock_count(count_id, "post")
        lines = list(count.lines.select_for_update(of=("self",), no_key=True).order_by("pk"))
        groups = _groups(count, lines, zero=unlisted == Unlisted.ZERO)
        create_levels(group.key for group in groups if not group.left and group.difference > 0)
        levels = lock_levels(group.key for group in groups)  # in order, and before anything is read that may still move
        _look_at_what_came_since(count, groups)
        variants = Variant.objects.in_bulk({line.variant_id for line in lines})
        _find_faults(groups, levels, variants)
        refused = [
            RefusedLine(g.key[0], variants[g.key[0]].sku, g.difference, g.fault)
            for g in groups
            if g.fault and not g.left
        ]
        if refused and not partly:
            raise CannotPost(refused)
        moves = [
            Move(*g.key, "on_hand", g.difference, MovementReason.COUNTED, g.note, g.lot_id)
            for g in groups
            if not g.left and not g.fault and g.difference
        ]  # fmt: skip
        apply_moves(moves, cause=count.subject, actor=actor, now=now)
        posted = Posted(count, refused=refused)
        _write_results(groups, variants, posted)
        count.state, count.posted_at, count.unlisted = state, now, unlisted
        count.save(update_fields=["state", "posted_at", "unlisted"])
        record(
            count.subject, "count.posted", actor=actor, at=now, exact=posted.exact, adjusted=posted.adjusted,
            left=posted.left, refused=len(refused),
        )  # fmt: skip
        return posted


def _groups(count: StockCount, lines: Iterable[StockCountLine], *, zero: bool) -> list[_Group]:
    by_key: dict[tuple[int, int | None], list[StockCountLine]] = defaultdict(list)
    for line in lines:
        by_key[(line.variant_id, line.lot_id)].append(line)
    groups = []
    for (variant_id, lot_id), members in by_key.items():
        group = _Group((variant_id, count.location_id), lot_id, members)
        # Somewhere nobody found what should be there: without a word about it the sum is unknown.
        group.left = not zero and any(line.counted is None and line.expected for line in members)
        groups.append(group)
    return groups


_SINCE = """
    SELECT k.nr, sum(m.quantity) FILTER (WHERE m.cause LIKE 'count:%%'), bool_or(m.cause NOT LIKE 'count:%%')
      FROM unnest(%s::int[], %s::bigint[], %s::bigint[], %s::bigint[]) AS k (nr, variant_id, location_id, movement_id)
      JOIN inventory_stockmovement m ON m.variant_id = k.variant_id AND m.location_id = k.location_id AND m.id > k.movement_id
     WHERE m.bucket = 'on_hand' AND m.reason = 'counted'
     GROUP BY k.nr
"""
_COUNTED_ANEW = """
    SELECT k.nr FROM unnest(%s::int[], %s::bigint[], %s::timestamptz[]) AS k (nr, variant_id, moment)
     WHERE EXISTS (
        SELECT FROM counts_stockcountline l JOIN counts_stockcount c ON c.id = l.count_id
         WHERE l.variant_id = k.variant_id AND c.location_id = %s AND c.id <> %s AND c.state = 'posted'
           AND l.result IN ('exact', 'adjusted') AND l.counted_at > k.moment)
"""


def _look_at_what_came_since(count: StockCount, groups: list[_Group]) -> None:
    """Note for each SKU what other counts have posted since it was counted. Two statements."""
    numbers = list(range(len(groups)))
    variants = [group.key[0] for group in groups]
    since = [min(line.movement_id or 0 for line in group.lines) for group in groups]
    with connection.cursor() as cursor:
        cursor.execute(_SINCE, [numbers, variants, [count.location_id] * len(groups), since])
        for nr, by_counts, by_hand in cursor.fetchall():
            groups[nr].meanwhile = int(by_counts or 0)
            groups[nr].superseded = bool(by_hand)
        cursor.execute(
            _COUNTED_ANEW, [numbers, variants, [group.moment for group in groups], count.location_id, count.pk]
        )
        for (nr,) in cursor.fetchall():
            groups[nr].superseded = True
    for group in groups:
        group.left = group.left or group.superseded


def _find_faults(groups: list[_Group], levels: Mapping[Key, Level], variants: Mapping[int, Variant]) -> None:
    """Why a difference cannot be posted. Lots of one SKU share its level, so their differences are looked at together."""
    sums: dict[Key, int] = defaultdict(int)
    by_serial = [pk for pk, variant in variants.items() if variant.tracking == Tracking.SERIAL]
    registered = _registered(by_serial, groups[0].key[1]) if by_serial else {}
    for group in groups:
        if not group.left:
            sums[group.key] += group.difference
    for group in groups:
        if group.left or not group.difference:
            continue
        level = levels.get(group.key) or Level(*group.key)
        after = level.on_hand + sums[group.key]
        group.fault = fault_of(replace(level, on_hand=after))
        if not group.fault and after < registered.get(group.key[0], 0):
            text = _("{n} units have serial numbers here: write those that are gone off by their numbers.")
            group.fault = text.format(n=registered[group.key[0]])


def _registered(variant_ids: list[int], location_id: int) -> dict[int, int]:
    """Variant → units that are in stock here by their serial numbers."""
    units = SerialNumber.objects.filter(
        variant_id__in=variant_ids, location_id=location_id, state=SerialState.IN_STOCK
    ).order_by()
    return dict(units.values_list("variant_id").annotate(n=Count("pk")))


def _write_results(groups: list[_Group], variants: Mapping[int, Variant], posted: Posted) -> None:
    for group in groups:
        result = _R.ADJUSTED
        if group.left:
            result, posted.left = _R.LEFT, posted.left + 1
        elif group.fault:
            result = _R.REFUSED
        elif group.difference == 0 and all(line.off_by in (0, None) for line in group.lines):
            result, posted.exact = _R.EXACT, posted.exact + 1
        else:
            posted.adjusted += 1
        variant = variants[group.key[0]]
        value = variant.cost or variant.price or Decimal(0)
        for line in group.lines:
            line.result, line.unit_value, line.refused_why = result, value, group.fault[:300]
            line.difference = (line.counted or 0) - (line.expected or 0)
            if line is group.home:
                line.difference -= group.meanwhile
        if group.superseded:
            group.home.refused_why = _("It was counted anew since.")
    fields = ["result", "unit_value", "refused_why", "difference"]
    StockCountLine.objects.bulk_update([line for g in groups for line in g.lines], fields, batch_size=1000)
