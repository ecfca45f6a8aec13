"""What a class of series teaches about each of its members: which models do well there, and how far levels wander.

A guard against overfitting: six origins of one series say little about which of ten models is best, hundreds of series say more. Every
series' own scores are weighed against its class's with a weight of `PRIOR` origins; a series without a test of its own takes the class's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from forecasting.engine.backtest import Backtest
from forecasting.engine.candidates import BASELINES

SPEEDS = ("fast", "slow", "intermittent")
#: A class's scores count as much as so many origins.
PRIOR = 12.0
#: Before anything was tested: what the literature and this project's own tables lead to expect.
FIRST_GUESS = {"fast": ("blend", 0.15), "slow": ("blend", 0.25), "intermittent": ("blend", 0.4)}
_DRIFTS = tuple(n / 20 for n in range(31))


@dataclass(slots=True)
class Pool:
    """A class: scores of the models relative to the mean of a series' models, and c, the relative spread of levels."""

    scores: dict[str, float] = field(default_factory=dict)
    drift: float = 0.3
    series: int = 0


@dataclass(slots=True)
class Pools:
    """One pool for each speed."""

    by_speed: dict[str, Pool]

    @classmethod
    def first_guess(cls) -> Pools:
        return cls({speed: Pool({model: 0.9}, drift) for speed, (model, drift) in FIRST_GUESS.items()})

    def as_json(self) -> dict[str, Any]:
        return {speed: asdict(pool) for speed, pool in self.by_speed.items()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Pools:
        return cls({speed: Pool(**pool) for speed, pool in data.items()})

    def choose(self, tested: Backtest, speed: str) -> str:
        """The model with the best score, own and class's together; baselines run outside the contest."""
        pool = self.by_speed[speed]
        own = relative_scores(tested, pool.drift)
        weight = len(tested.trials) / (len(tested.trials) + PRIOR)
        usual = max(pool.scores.values(), default=1.0)

        def joined(name: str) -> float:
            return weight * own[name] + (1.0 - weight) * pool.scores.get(name, usual)

        return min(own, key=joined)

    def drift_of(self, tested: Backtest, chosen: str, speed: str) -> float:
        """c of a series: its own, drawn towards its class's the more, the fewer origins it has."""
        usual = self.by_speed[speed].drift ** 2
        count = len(tested.trials)
        return float(np.sqrt((count * min(tested.wander(chosen), 4 * usual + 0.04) + PRIOR * usual) / (count + PRIOR)))


def relative_scores(tested: Backtest, drift: float) -> dict[str, float]:
    """Each candidate's score over the mean score of all; 1 each where nothing came and nothing was said."""
    scores = {name: tested.score(name, drift) for name in tested.names if name not in BASELINES}
    mean = sum(scores.values()) / len(scores)
    return {name: score / mean if mean > 0 else 1.0 for name, score in scores.items()}


def learn_pools(tests: Iterable[tuple[str, Backtest]]) -> Pools:
    """Pools from back-tests (speed, test) of a sample. Twice: scores under a first guess of c, then c of the models thus chosen."""
    pools = Pools.first_guess()
    groups: dict[str, list[Backtest]] = {speed: [] for speed in SPEEDS}
    for speed, tested in tests:
        groups[speed].append(tested)
    for speed, members in groups.items():
        if len(members) < 5:
            continue
        sums: dict[str, list[float]] = {}
        for tested in members:
            for name, score in relative_scores(tested, pools.by_speed[speed].drift).items():
                sums.setdefault(name, []).append(score)
        scores = {name: float(np.mean(values)) for name, values in sums.items()}
        pools.by_speed[speed] = Pool(scores, pools.by_speed[speed].drift, len(members))
        pools.by_speed[speed].drift = _calibrated(pools, speed, members)
    return pools


def _calibrated(pools: Pools, speed: str, members: list[Backtest]) -> float:
    """The smallest c with which nine of ten sums stay at or below their P90."""
    chosen = [(tested, pools.choose(tested, speed)) for tested in members]
    for drift in _DRIFTS:
        hits = [tested.coverage(name, drift) for tested, name in chosen]
        if float(np.mean(hits)) >= 0.9:
            return drift
    return _DRIFTS[-1]
