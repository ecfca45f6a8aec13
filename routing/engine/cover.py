"""The exact search: which set of sites covers the order at the least cost.

The problem is a weighted set multicover. Every target (the units to ship of a variant) must be covered by the sum of what the
chosen sites have of it, and the sum of the sites' costs is to be least. Costs are whole numbers > 0, so the optimum is a
minimal cover: one that no site can be taken from. In a minimal cover each site is needed, hence each ships something.

Branch and bound. A node takes the open target that the fewest sites can serve and branches on its suppliers, cheapest
first; a supplier once tried is barred from the later branches, so that each set of sites is met at most once. What keeps
the tree small, without giving the proof away:

* A supplier that finishes the cover by itself needs no branch: every larger set with it in is not minimal.
* A dual solution of the linear relaxation, raised target by target (dual ascent, as in J. E. Beasley, "An algorithm for set
  covering problem", European Journal of Operational Research 31, 1987), bounds from below what the open targets will cost.
* A site is dropped beforehand if two cheaper ones each cover all that it has any of (two, so that the second best plan,
  which the receipt compares with, is kept as well), or if more cheaper ones than a minimal cover can have sites offer
  exactly the same.

Work is counted in looks at a site. Up to ``COMPARE`` looks the second best plan is exact too; up to ``budget`` the best one
is. Beyond that the best plan met stands (greedy without needless sites, then improved by the search so far) and the result
says that it is not proven.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

COMPARE = 400
BUDGET = 150_000
REDUCE_ABOVE = 12
_SCALE = 720720  # divisible by 1..16, so that shares of few units or targets are exact

Parts = tuple[tuple[int, int], ...]
"""(target, units) for each target that a site has some, but not all, of."""


@dataclass(frozen=True, slots=True)
class Cover:
    """best, second: ids of the chosen sites, ascending; second is empty if there is none or none was met.

    proven: no cover costs less than ``best``. compared: no other minimal cover costs less than ``second``.
    """

    best: tuple[int, ...]
    second: tuple[int, ...]
    proven: bool
    compared: bool


class _OutOfBudgetError(Exception):
    """The search has looked at as many sites as it may."""


def cheapest_cover(
    costs: Mapping[int, int],
    targets: Sequence[tuple[int, Mapping[int, int]]],
    budget: int = BUDGET,
    minor_bits: int = 0,
) -> Cover:
    """The cheapest set of sites that covers all targets.

    costs: cost > 0 by site id, ids ascending; among equally dear sets of one size the one with the lower ids wins.
    targets: for each, the units > 0 wanted and the units > 0 that each site has; together the sites must have enough.
    minor_bits: the low bits of a cost whose sum never carries into the others. It changes no answer, only how fast it is
    proven: the other bits are then known to sum to a whole number by themselves.
    """
    rarest_first = sorted(targets, key=lambda target: len(target[1]))  # stable, hence repeatable
    wanted = [units for units, _ in rarest_first]
    ids = list(costs)
    full, parts = _profiles(ids, rarest_first)
    kept = _reduce(list(costs.values()), full, parts, wanted)
    search = _Search(
        [costs[ids[i]] for i in kept], [full[i] for i in kept], [parts[i] for i in kept], wanted, minor_bits
    )
    proven = search.run(budget)
    return Cover(
        tuple([ids[kept[i]] for i in search.best]),
        tuple([ids[kept[i]] for i in search.second]),
        proven,
        search.looks < COMPARE,
    )


def _profiles(ids: Sequence[int], targets: Sequence[tuple[int, Mapping[int, int]]]) -> tuple[list[int], list[Parts]]:
    """For each site the targets that it covers alone (one bit each), and its parts of others."""
    position = {id_: i for i, id_ in enumerate(ids)}
    full = [0] * len(ids)
    parts: list[Parts] = [()] * len(ids)
    for target, (wanted, offers) in enumerate(targets):
        bit = 1 << target
        for id_, units in offers.items():
            if units >= wanted:
                full[position[id_]] |= bit
            else:
                parts[position[id_]] += ((target, units),)
    return full, parts


def _reduce(costs: Sequence[int], full: Sequence[int], parts: Sequence[Parts], wanted: Sequence[int]) -> list[int]:
    """Positions of the sites worth searching, ascending."""
    everyone = range(len(costs))
    if len(costs) <= REDUCE_ABOVE:
        return list(everyone)
    most_twins = 1 + _longest_minimal_cover(parts, wanted)
    kept: list[int] = []
    covered: list[int] = []
    twins: dict[tuple[int, Parts], int] = {}
    for i in sorted(everyone, key=costs.__getitem__):  # stable: equal costs stay in order of position
        profile = (full[i], parts[i])
        twins[profile] = twins.get(profile, 0) + 1
        if twins[profile] > most_twins:
            continue
        some = full[i]
        for target, _ in parts[i]:
            some |= 1 << target
        stronger = 0
        for other in covered:
            if not some & ~other:
                stronger += 1
                if stronger == 2:
                    break
        else:
            kept.append(i)
            covered.append(full[i])
    return sorted(kept)


def _longest_minimal_cover(parts: Sequence[Parts], wanted: Sequence[int]) -> int:
    """No minimal cover has more sites: those that one target needs, but for any one of them, fall short of it."""
    least = list(wanted)
    for part in parts:
        for target, units in part:
            least[target] = min(least[target], units)
    return sum(-(-units // low) for units, low in zip(wanted, least, strict=True))


class _Search:
    """One search. Targets are numbered from the one with the fewest suppliers; sets of targets are bit masks."""

    def __init__(
        self,
        costs: Sequence[int],
        full: Sequence[int],
        parts: Sequence[Parts],
        wanted: Sequence[int],
        minor_bits: int,
    ) -> None:
        count = len(costs)
        # Ties between sets of one size go to the lowest positions. Written as a sum as well (with as many sites in each,
        # the least sum belongs to the set whose ascending positions come first), so that no two covers cost the same.
        width = count + count.bit_length()
        self.costs = [(cost << width) + (1 << count) - (1 << (count - 1 - i)) for i, cost in enumerate(costs)]
        self.full, self.parts = full, parts
        self.wanted = tuple(wanted)
        self.all = (1 << len(wanted)) - 1
        self.suppliers: list[list[int]] = [[] for _ in wanted]
        for i in sorted(range(count), key=self.costs.__getitem__):
            for target in range(len(wanted)):
                if full[i] >> target & 1:
                    self.suppliers[target].append(i)
            for target, _ in parts[i]:
                self.suppliers[target].append(i)
        self.barred = bytearray(count)
        self.looks = 0
        self.infinite = sum(self.costs) + 1
        self.best_cost = self.second_cost = self.infinite
        self.best: tuple[int, ...] = ()
        self.second: tuple[int, ...] = ()
        self.cheapest = [self.costs[suppliers[0]] for suppliers in self.suppliers]
        self.sharpen_from = COMPARE if minor_bits else math.inf
        self.minor_bits = minor_bits + width
        self.major = [cost >> self.minor_bits for cost in self.costs]
        self.prices = self._ascend(self.costs)
        self.minor = [cost & ((1 << self.minor_bits) - 1) for cost in self.costs]
        self.minor_prices: list[int] = []
        self.rates: dict[int, list[tuple[int, int]]] = {}
        self.bounds: dict[int, int] = {}

    def run(self, budget: int) -> bool:
        """Find ``best`` and ``second``; true if the best is proven."""
        self.budget = budget
        few = len(self.costs) <= REDUCE_ABOVE  # the tree's first plan comes sooner than a greedy one
        if not few:
            self._start_greedily()
        try:
            self._branch(self.all, self.wanted, 0, [])
        except _OutOfBudgetError:
            if few:
                self._start_greedily()
            return False
        return True

    def _start_greedily(self) -> None:
        greedy = self._greedy()
        self._record(sum(self.costs[i] for i in greedy), greedy)

    # -- the tree -----------------------------------------------------------------------------------------------------

    def _branch(self, open_: int, rest: tuple[int, ...], spent: int, chosen: list[int]) -> None:
        costs, barred = self.costs, self.barred
        branches, tried = [], []
        room = self._limit() - spent
        for i in self.suppliers[(open_ & -open_).bit_length() - 1]:
            if costs[i] >= room:
                break
            if barred[i]:
                continue
            self.looks += 1
            left, left_rest = self._after(i, open_, rest)
            if left:
                branches.append((i, left, left_rest))
            else:
                self._record(spent + costs[i], [*chosen, i])
                room = self._limit() - spent
                barred[i] = 1
                tried.append(i)
        if self.looks > self.budget:
            raise _OutOfBudgetError
        for i, left, left_rest in branches:
            barred[i] = 1  # below, as it is chosen; in the later branches, as it has been tried
            tried.append(i)
            so_far = spent + costs[i]
            if self._is_promising(self._limit() - so_far, left, left_rest):
                chosen.append(i)
                self._branch(left, left_rest, so_far, chosen)
                chosen.pop()
        for i in tried:
            barred[i] = 0

    def _after(self, site: int, open_: int, rest: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        """Open targets, and units still wanted of each, once ``site`` has given what it has."""
        open_ &= ~self.full[site]
        parts = self.parts[site]
        if not parts or not open_:
            return open_, rest
        after = list(rest)
        for target, units in parts:
            if open_ >> target & 1:
                after[target] -= units
                if after[target] <= 0:
                    open_ &= ~(1 << target)
        return open_, tuple(after)

    def _limit(self) -> int:
        """A cover is of interest if it costs less: than the second best while that is cheap to know, then than the best."""
        return self.second_cost if self.looks < COMPARE else self.best_cost

    def _record(self, cost: int, sites: list[int]) -> None:
        if cost >= self.second_cost or cost == self.best_cost or not self._is_minimal(sites):
            return
        found = tuple(sorted(sites))
        if cost < self.best_cost:
            self.second_cost, self.second = self.best_cost, self.best
            self.best_cost, self.best = cost, found
        else:
            self.second_cost, self.second = cost, found

    def _is_minimal(self, sites: Sequence[int]) -> bool:
        return not any(self._covers([other for other in sites if other != i]) for i in sites)

    def _covers(self, sites: Sequence[int]) -> bool:
        open_, rest = self.all, self.wanted
        for i in sites:
            open_, rest = self._after(i, open_, rest)
        return not open_

    # -- the bound ----------------------------------------------------------------------------------------------------

    def _ascend(self, costs: Sequence[int]) -> list[int]:
        """A price per target such that no site costs less than the prices of what it has, each by the share it has."""
        slack = list(costs)
        shares = [dict(parts) for parts in self.parts]
        prices = []
        for target, suppliers in enumerate(self.suppliers):
            wanted = self.wanted[target]
            has = [(i, shares[i].get(target, wanted)) for i in suppliers]
            price = min([slack[i] if units == wanted else slack[i] * wanted // units for i, units in has])
            for i, units in has:
                slack[i] -= price if units == wanted else -(-price * units // wanted)
            prices.append(price)
        return prices

    def _is_promising(self, room: int, open_: int, rest: tuple[int, ...]) -> bool:
        """False if no cover of the open targets costs less than ``room``. The sharper bound is for searches that grow long."""
        bound = self.bounds.get(open_) if rest is self.wanted else None
        if bound is None:
            bound = self._lower_bound(open_, rest)
            if rest is self.wanted:
                self.bounds[open_] = bound
        if bound >= room:
            return False
        return self.looks < self.sharpen_from or self._sharper_bound(open_, rest) < room

    def _lower_bound(self, open_: int, rest: tuple[int, ...]) -> int:
        priced = dearest = 0
        untouched = rest is self.wanted
        for target, price in enumerate(self.prices):
            if open_ >> target & 1:
                priced += price if untouched else price * rest[target] // self.wanted[target]
                if self.cheapest[target] > dearest:
                    dearest = self.cheapest[target]
        return priced if priced > dearest else dearest

    def _sharper_bound(self, open_: int, rest: tuple[int, ...]) -> int:
        """The major cost rounded up to a whole number, and what the minor cost cannot be less than either."""
        if not self.minor_prices:
            self.minor_prices = self._ascend(self.minor)
        if open_ not in self.rates:
            self.rates[open_] = self._rates(open_)
        major = minor = 0
        for target, rate in self.rates[open_]:
            share, whole = rest[target], self.wanted[target]
            major += rate * share // whole
            minor += self.minor_prices[target] * share // whole
        return (-(-major // _SCALE) << self.minor_bits) + minor

    def _rates(self, open_: int) -> list[tuple[int, int]]:
        """For each open target, the least major cost (times ``_SCALE``) at which a site covers a whole target.

        It is a dual solution as well: what a site covers, at rates no higher than its own, is not worth more than it costs.
        """
        rates = []
        for i, major in enumerate(self.major):
            share = (self.full[i] & open_).bit_count() * _SCALE
            for target, units in self.parts[i]:
                if open_ >> target & 1:
                    share -= -units * _SCALE // self.wanted[target]  # rounded up
            rates.append(major * _SCALE * _SCALE // share if share else 0)
        return [
            (target, min([rates[i] for i in suppliers]))
            for target, suppliers in enumerate(self.suppliers)
            if open_ >> target & 1
        ]

    # -- the first plan -----------------------------------------------------------------------------------------------

    def _greedy(self) -> list[int]:
        """A minimal cover: the least cost per share of the open targets first, then without needless sites."""
        open_, rest, chosen = self.all, self.wanted, list[int]()
        left = list(range(len(self.costs)))
        while open_:
            pick = min(left, key=lambda i: self._cost_per_share(i, open_, rest))
            left.remove(pick)
            chosen.append(pick)
            open_, rest = self._after(pick, open_, rest)
        for i in sorted(chosen, key=self.costs.__getitem__, reverse=True):
            without = [other for other in chosen if other != i]
            if self._covers(without):
                chosen = without
        return chosen

    def _cost_per_share(self, site: int, open_: int, rest: tuple[int, ...]) -> int:
        share = (self.full[site] & open_).bit_count() * _SCALE
        for target, units in self.parts[site]:
            if open_ >> target & 1:
                share += min(units, rest[target]) * _SCALE // self.wanted[target]
        return self.costs[site] * _SCALE // share if share else self.infinite * _SCALE
