"""Who gets goods that are not enough for all, and what is promised from goods on their way: pure functions over plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from backorders.models import Strategy

#: What stands for a day that nobody knows, where days are compared.
NEVER = date.max


@dataclass(frozen=True, slots=True)
class Waiting:
    """An order with units that wait. needs: variant id → units, of all that waits in it. promised_on: its earliest first promise.

    priority: 0 like everybody; the higher, the earlier.
    """

    order_id: int
    placed_at: datetime
    needs: Mapping[int, int]
    promised_on: date | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """Units of one variant that can be promised. ready_on: the day they can leave (None: nobody knows). units None: without limit.

    ships_to: countries that the place of the goods ships to; empty: everywhere. Goods at several places may have one key.
    """

    key: str
    units: int | None
    ready_on: date | None
    document: int | None = None  # of the purchase order or transfer, with its number
    number: str = ""
    ships_to: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """A line that waits for units of one variant. country: where it goes ('' if that is not known)."""

    line_id: int
    order_id: int
    units: int
    country: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Units of a line that wait for a source; the key is empty where nothing is on its way."""

    source: str
    units: int
    promised_on: date | None


@dataclass(slots=True)
class _Left:
    source: Source
    units: int | None = field(init=False)

    def __post_init__(self) -> None:
        self.units = self.source.units

    def take(self, wanted: int, country: str) -> int:
        if self.source.ships_to and country not in self.source.ships_to:
            return 0
        if self.units is None:
            return wanted
        given = min(self.units, wanted)
        self.units -= given
        return given


def rank(waiting: Iterable[Waiting], strategy: str, stock: Mapping[int, int]) -> list[int]:
    """Order ids in the sequence in which they are served; what is equal is decided by the time of the order, then by its id.

    stock: variant id → units to share out, read by “most complete orders” alone: there, orders that all their goods are here for
    come first, the smallest before the others, each counted on what the ones before it left. Ones that cannot be completed follow,
    oldest first.
    """
    if strategy == Strategy.COMPLETE:
        return _most_complete(waiting, stock)
    keys = {
        Strategy.OLDEST: lambda one: (one.placed_at, one.order_id),
        Strategy.PROMISE: lambda one: (one.promised_on or NEVER, one.placed_at, one.order_id),
        Strategy.PRIORITY: lambda one: (-one.priority, one.placed_at, one.order_id),
    }
    return [one.order_id for one in sorted(waiting, key=keys[Strategy(strategy)])]


def _most_complete(waiting: Iterable[Waiting], stock: Mapping[int, int]) -> list[int]:
    left = dict(stock)
    complete, rest = [], []
    for one in sorted(waiting, key=lambda one: (sum(one.needs.values()), one.placed_at, one.order_id)):
        if all(left.get(variant, 0) >= units for variant, units in one.needs.items()):
            complete.append(one.order_id)
            for variant, units in one.needs.items():
                left[variant] = left.get(variant, 0) - units
        else:
            rest.append(one)
    return complete + [one.order_id for one in sorted(rest, key=lambda one: (one.placed_at, one.order_id))]


def allocate(lines: Sequence[WaitingLine], sources: Iterable[Source]) -> dict[int, list[Part]]:
    """line id → its parts, which add up to its units; lines in the sequence in which they are served.

    Sources are used in the sequence of the days on which they can leave, those without a day after them, one without limit last of
    its day, each for the countries it ships to. Never more of a source than it has; what no source has is a part with an empty key.
    """
    left = [_Left(source) for source in sorted(sources, key=_use)]
    promised: dict[int, list[Part]] = {}
    for line in lines:
        open_, parts = line.units, []
        for one in left:
            given = one.take(open_, line.country) if open_ else 0
            if given:
                parts.append(Part(one.source.key, given, one.source.ready_on))
                open_ -= given
        if open_:
            parts.append(Part("", open_, None))
        promised[line.line_id] = _merged(parts)
    return promised


def _use(source: Source) -> tuple[object, ...]:
    """The sequence in which sources are used: of equal days those that fewer places are served from first."""
    return (
        source.ready_on or NEVER,
        source.units is None,
        not source.ships_to,
        source.key,
        source.units or 0,
        sorted(source.ships_to),
    )


def _merged(parts: Sequence[Part]) -> list[Part]:
    """One part for each key: its units together, the later day."""
    found: dict[str, Part] = {}
    for part in parts:
        known = found.get(part.source)
        found[part.source] = (
            part if known is None else Part(part.source, known.units + part.units, promised_on([known, part]))
        )
    return list(found.values())


def promised_on(parts: Iterable[Part]) -> date | None:
    """The day on which the last of the parts should leave; None where one has no day."""
    days = [part.promised_on for part in parts]
    known = [day for day in days if day is not None]
    return max(known) if known and len(known) == len(days) else None


@dataclass(frozen=True, slots=True)
class Told:
    """What a customer knows of a line: began False: it was never promised. mails: how many were sent about it."""

    began: bool
    day: date | None
    mails: int


def news(told: Told, day: date | None, *, quiet_days: int, tell_first: bool, here: bool) -> str:
    """Whether a mail says that a line is now promised for `day`: "first", "later", "earlier", "unknown", or "" for none.

    quiet_days: a promise may move by so many days from what the customer knows. here: the goods are in the house and about to be
    given, so that their day comes by itself; then nothing good is announced.
    """
    if not told.began:
        return "first" if day is not None and tell_first and not here else ""
    if day is None:
        return "unknown" if told.day is not None else ""
    if told.day is None:
        return "" if here else "first"
    moved = (day - told.day).days
    if abs(moved) <= quiet_days or (here and moved < 0):
        return ""
    return "later" if moved > 0 else "earlier"
