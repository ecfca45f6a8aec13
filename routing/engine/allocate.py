"""From the chosen sites to the units of each line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .types import Allocation, Backorder, Need


def allocate(
    needs: Sequence[Need],
    chosen: Sequence[int],
    offers: Mapping[int, Mapping[int, int]],
    targets: Mapping[int, int],
) -> tuple[tuple[Allocation, ...], tuple[Backorder, ...]]:
    """Who ships what of each line, and what waits.

    chosen: site ids, best first; together they have all targets. Lines of one variant are filled in their order; of what is
    filled, the larger is placed first, for it is the harder to place whole.
    """
    left = dict(targets)
    filled = []
    for _, variant, quantity in needs:
        units = min(quantity, left.get(variant, 0))
        filled.append(units)
        if units:
            left[variant] -= units
    if len(chosen) == 1:
        placed = {line: [(chosen[0], units)] for line, units in enumerate(filled)}
    else:
        placed = _place(needs, filled, chosen, offers)
    allocations = [
        Allocation(need.line_id, need.variant_id, site, units)
        for line, need in enumerate(needs)
        if filled[line]
        for site, units in placed[line]
    ]
    backorders = [
        Backorder(need.line_id, need.variant_id, need.quantity - units)
        for need, units in zip(needs, filled, strict=True)
        if units < need.quantity
    ]
    return tuple(allocations), tuple(backorders)


def _place(
    needs: Sequence[Need],
    filled: Sequence[int],
    chosen: Sequence[int],
    offers: Mapping[int, Mapping[int, int]],
) -> dict[int, list[tuple[int, int]]]:
    """(site, units) for each line, by its position."""
    room = {variant: {site: found[site] for site in chosen if site in found} for variant, found in offers.items()}
    placed = {}
    for line in sorted(range(len(needs)), key=lambda line: -filled[line]):  # stable
        has = room[needs[line].variant_id]
        placed[line] = parts = _parts(filled[line], has)
        for site, units in parts:
            has[site] -= units
    return placed


def _parts(units: int, has: Mapping[int, int]) -> list[tuple[int, int]]:
    """All from the best site that has them all, else the fewest parts: from where there is most, ties to the better site."""
    for site, have in has.items():
        if have >= units:
            return [(site, units)]
    parts = []
    for site, have in sorted(has.items(), key=lambda item: -item[1]):  # stable
        part = min(have, units)
        if part:
            parts.append((site, part))
            units -= part
    return parts
