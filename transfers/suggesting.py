"""Which transfers would help: a pure function of positions; `transfers.queries.positions` reads them.

A place needs a variant when available + incoming has fallen to its reorder point; it wants what is missing up to its order-up-to level.
Another place can give what it has available above its own order-up-to level, or above a stated number of units where it has no policy.
Per variant the places that are furthest below their point are served first, each from the place that can spare most: few, full transfers.
Places that are equal in that go by their number, so the same stock always gives the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class Position:
    """A variant at a place. expected: units that are on their way there. reorder_point and order_up_to are None without a policy."""

    variant_id: int
    location_id: int
    available: int
    expected: int
    reorder_point: int | None = None
    order_up_to: int | None = None

    @property
    def shortfall(self) -> int:
        """How far it has fallen below (or to) its reorder point; negative while it has not."""
        return -1 if self.reorder_point is None else self.reorder_point - self.available - self.expected

    @property
    def wanted(self) -> int:
        """Units up to the order-up-to level; 0 while the point is not reached."""
        if self.shortfall < 0 or self.order_up_to is None:
            return 0
        return self.order_up_to - self.available - self.expected

    def spare(self, keep: int) -> int:
        """Units it can give without falling below its order-up-to level, or below `keep` without a policy."""
        return max(0, self.available - (keep if self.order_up_to is None else self.order_up_to))


@dataclass(frozen=True, slots=True)
class Suggestion:
    """So many units of a variant from a place that has too much to one that has too little."""

    origin_id: int
    destination_id: int
    variant_id: int
    quantity: int


def suggest_transfers(positions: Iterable[Position], *, keep: int = 0) -> list[Suggestion]:
    """The transfers that fill places up from the surplus of others, by origin, destination and variant.

    positions: those of a variant follow each other (`ORDER BY variant_id`). keep: units that a place without a policy keeps.
    Linear in the number of positions but for sorting the few of each variant.
    """
    found: list[Suggestion] = []
    for _variant_id, group in groupby(positions, key=attrgetter("variant_id")):
        found += _for_variant(list(group), keep)
    return sorted(found, key=lambda s: (s.origin_id, s.destination_id, s.variant_id))


def _for_variant(positions: list[Position], keep: int) -> list[Suggestion]:
    needy = sorted((p for p in positions if p.wanted > 0), key=lambda p: (-p.shortfall, p.location_id))
    spare = {p.location_id: units for p in positions if (units := p.spare(keep))}
    found = []
    for place in needy:
        wanted = place.wanted
        while wanted and spare:
            giver = min(spare, key=lambda location_id: (-spare[location_id], location_id))
            units = min(wanted, spare[giver])
            found.append(Suggestion(giver, place.location_id, place.variant_id, units))
            wanted -= units
            spare[giver] -= units
            if not spare[giver]:
                del spare[giver]
    return found
