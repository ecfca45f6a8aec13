"""The arithmetic of counts, pure: when to count again, which SKUs are A, B or C, and which bins are due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

#: Share of the value (in percent) up to which a SKU is of class A, and of class B; the rest is C.
A_SHARE, B_SHARE = 80, 95
CLASSES = ("A", "B", "C")
#: How often SKUs of a class should be counted, in days.
INTERVALS: Mapping[str, int] = {"A": 30, "B": 90, "C": 180}


def tolerated(expected: int, *, units: int, percent: int) -> int:
    """Units by which a line may be off before it is counted again: the larger of the two limits, the share rounded down."""
    return max(units, expected * percent // 100)


def needs_recount(counted: int, expected: int, *, units: int, percent: int) -> bool:
    """True when the difference is beyond what is tolerated."""
    return abs(counted - expected) > tolerated(expected, units=units, percent=percent)


def classify(values: Mapping[int, Decimal]) -> dict[int, str]:
    """SKU → its ABC class by the value of what was shipped: those that make up the first 80 % are A, up to 95 % B, the others C.

    The SKU that crosses a line belongs to the better class; of equal values the lower id comes first. Without value: C.
    """
    total = sum(values.values(), Decimal(0))
    classes: dict[int, str] = {}
    before = Decimal(0)
    for key, value in sorted(values.items(), key=lambda item: (-item[1], item[0])):
        share = before * 100 / total if total else Decimal(100)
        classes[key] = "C" if value <= 0 or share >= B_SHARE else ("B" if share >= A_SHARE else "A")
        before += value
    return classes


@dataclass(frozen=True, slots=True)
class BinFacts:
    """What is known of a bin: its SKUs and units, its best class, when it was counted last (None: never)."""

    bin: str
    skus: int
    units: int
    best: str = "C"
    last_counted: datetime | None = None


@dataclass(frozen=True, slots=True)
class DueBin:
    """A bin with the days since its last count (None: never counted), and whether its class asks for a count by now."""

    facts: BinFacts
    days: int | None
    due: bool


def rank_bins(bins: Iterable[BinFacts], *, now: datetime) -> list[DueBin]:
    """What to count next: first what was never counted (best class first), then what is furthest beyond its class's interval."""
    ranked = []
    for facts in bins:
        days = None if facts.last_counted is None else max(0, (now - facts.last_counted).days)
        interval = INTERVALS[facts.best]
        urgency = (0, Decimal(0)) if days is None else (1, -Decimal(days) / interval)
        ranked.append((urgency, facts.best, facts.bin, DueBin(facts, days, days is None or days >= interval)))
    return [item[-1] for item in sorted(ranked, key=lambda item: item[:3])]
