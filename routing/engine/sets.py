"""Lines that are of use only together, and orders that are wanted whole: what of a demand is worth placing.

A bundle is sold as its components. A component whose sisters are missing would be reserved for nothing, so before the sites
are chosen the needs are cut down to whole sets. Needs are served in their order, a set in the place of its first line, each
with as much as the earlier ones leave: units that an incomplete set cannot use are there for whoever comes after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .types import Backorder, Demand, Member, Need


def worth_placing(
    demand: Demand, offers: Mapping[int, Mapping[int, int]]
) -> tuple[tuple[Need, ...], tuple[Backorder, ...]]:
    """The needs cut down to what can and should be placed, and the units that wait; nothing is placed of an order that is
    wanted whole and cannot be. offers: by variant, the units that each allowed site has."""
    served = _served(demand, offers)
    waiting = tuple(
        Backorder(need.line_id, need.variant_id, need.quantity - units)
        for need, units in zip(demand.needs, served, strict=True)
        if units < need.quantity
    )
    if waiting and demand.whole:
        return (), waiting
    needs = (need._replace(quantity=units) for need, units in zip(demand.needs, served, strict=True) if units)
    return tuple(needs), waiting


def _served(demand: Demand, offers: Mapping[int, Mapping[int, int]]) -> list[int]:
    """Units to place of each need."""
    left = {variant: sum(found.values()) for variant, found in offers.items()}
    at = {need.line_id: n for n, need in enumerate(demand.needs)}
    members = {member.line_id: group for group in demand.sets for member in group if member.line_id in at}
    served = [0] * len(demand.needs)
    done: set[int] = set()
    for n, need in enumerate(demand.needs):
        group = members.get(need.line_id)
        if group is None:
            served[n] = min(need.quantity, left[need.variant_id])
            left[need.variant_id] -= served[n]
        elif id(group) not in done:
            done.add(id(group))
            _serve_sets(
                [(demand.needs[at[m.line_id]], m, at[m.line_id]) for m in group if m.line_id in at], left, served
            )
    return served


def _serve_sets(group: Sequence[tuple[Need, Member, int]], left: dict[int, int], served: list[int]) -> None:
    """Give one group as many whole sets as there are; lowers what is left."""
    low, high = 0, min((member.have + need.quantity) // member.per_set for need, member, _n in group)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _has_enough(group, middle, left) else (low, middle - 1)
    for need, member, n in group:
        served[n] = _missing(need, member, low)
        left[need.variant_id] -= served[n]


def _missing(need: Need, member: Member, sets: int) -> int:
    return max(0, min(need.quantity, sets * member.per_set - member.have))


def _has_enough(group: Sequence[tuple[Need, Member, int]], sets: int, left: Mapping[int, int]) -> bool:
    """A variant may stand on several lines of a group, so the units are added up first."""
    wanted: dict[int, int] = {}
    for need, member, _n in group:
        wanted[need.variant_id] = wanted.get(need.variant_id, 0) + _missing(need, member, sets)
    return all(units <= left[variant] for variant, units in wanted.items())
