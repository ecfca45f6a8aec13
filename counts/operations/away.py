"""Units that are on hand but not in their bin: who takes goods from bins before they leave says so here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from inventory.operations.levels import Key

#: Answers, for some levels, how many of their units lie in totes and cartons just now.
Asker = Callable[[Sequence[Key]], Mapping[Key, int]]
_askers: list[Asker] = []


def add_asker(asker: Asker) -> None:
    """Have counts ask this as well. For apps above this one, when they start."""
    if asker not in _askers:
        _askers.append(asker)


def units_away(keys: Sequence[Key]) -> Counter[Key]:
    """Units of these levels that nobody can find in their bin, because somebody has picked them."""
    away: Counter[Key] = Counter()
    for asker in _askers:
        away.update(asker(keys))
    return away
