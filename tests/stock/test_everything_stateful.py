"""Stock under everything at once: any sequence of all acts with the whole audit after each, and eight threads of them.

The suite runs a short version; `./run campaign stock` a long one (docs/testing.md).
"""

from __future__ import annotations

import os
import random
import traceback
from collections import Counter
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from core.refusals import Refusal
from inventory.models import Reservation, StockLevel
from inventory.operations import snapshots
from oms.auditing import audit_everything
from oms.integrity import check_integrity
from oms.orchestration.hold_order import release_holds
from oms.orchestration.place_order import place_order
from oms.orchestration.route_order import fill_backorders
from orders.models import Order, OrderLine
from tests.factories.shop import ACTOR, new_order
from tests.stock.acts import ACTS, World, do, fingerprint
from transfers.models import Transfer

pytestmark = pytest.mark.django_db(transaction=True)
#: How much of it: examples one after the other, rounds of threads. The campaign sets them.
EXAMPLES = int(os.environ.get("OMS_CAMPAIGN_EXAMPLES", "5"))
ROUNDS = int(os.environ.get("OMS_CAMPAIGN_ROUNDS", "1"))
SEED = int(os.environ.get("OMS_CAMPAIGN_SEED", "20261122"))
STEPS = 40
THREADS, ACTS_EACH = 8, 25
#: What is done most, so that there is something to go on with.
BUSY = (
    "place",
    "place",
    "cancel",
    "fill",
    "reroute",
    "ship",
    "dispatch",
    "receive",
    "plan_transfer",
    "delivery",
    "adjust",
)


@pytest.fixture(autouse=True)
def many_snapshots(monkeypatch: pytest.MonkeyPatch) -> None:
    """A level gets a snapshot every few rows, so that a short sequence has some."""
    monkeypatch.setattr(snapshots, "EVERY", 6)


class StockMachine(RuleBasedStateMachine):
    """Everything that may happen to a small shop."""

    tally: Counter[str] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @rule(name=st.sampled_from([*sorted(ACTS), *BUSY]), numbers=st.lists(st.integers(0, 59), min_size=12, max_size=12))
    def step(self, name: str, numbers: list[int]) -> None:
        before = fingerprint()
        refused = do(self.world, name, numbers)
        self.tally[f"{name}:{refused}" if refused else name] += 1
        # Some acts are two operations of which the second is refused.
        if refused and name not in ("plan_transfer", "buy", "fill", "expire", "follow_otherwise"):
            assert fingerprint() == before, f"{name} was refused ({refused}) and changed something"

    @invariant()
    def everything_is_right(self) -> None:
        assert check_integrity()[1] == []

    @invariant()
    def nothing_is_promised_for_nothing(self) -> None:
        promised = sum(Reservation.objects.values_list("quantity", flat=True))
        lines = sum(a - s for a, s in OrderLine.objects.values_list("allocated", "shipped"))
        assert promised == lines + sum(Transfer.objects.filter(state="ready").values_list("units", flat=True))

    def teardown(self) -> None:
        assert audit_everything() == []


def test_stock_is_right_after_any_sequence_of_everything() -> None:
    StockMachine.tally = Counter()
    machine = seed(SEED)(StockMachine)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck), database=None,
            phases=[Phase.generate, Phase.shrink] if "OMS_CAMPAIGN_EXAMPLES" in os.environ else [Phase.generate],
        ),
    )  # fmt: skip
    report(StockMachine.tally)


def test_eight_threads_of_everything(committed: None, threads: Any) -> None:
    tally: Counter[str] = Counter()
    for n in range(ROUNDS):
        tally += one_round(threads, SEED + n)
    report(tally)


def one_round(threads: Any, chance: int) -> Counter[str]:
    """Eight threads on a small shop; then everything that can be served is."""
    world, deadlocks = World(stock=10), count_deadlocks()

    def work(i: int) -> Counter[str]:
        numbers, tally = random.Random(chance * THREADS + i), Counter()
        names = [*sorted(set(ACTS) - {"look_back", "evaluate", "cost"}), *BUSY]
        for _n in range(ACTS_EACH):
            name = numbers.choice(names)
            try:
                refused = do(world, name, [numbers.randrange(60) for _k in range(12)])
            except Exception as error:
                raise AssertionError(f"{name}: {error!r}\n{traceback.format_exc()}") from error
            tally[f"{name}:{refused}" if refused else name] += 1
        return tally

    results = threads(THREADS, work, timeout=600)
    failures = [result for result in results if isinstance(result, Exception)]
    assert not failures, f"seed {chance}: {failures[0]}"
    assert count_deadlocks() == deadlocks, f"seed {chance}: PostgreSQL broke a deadlock"
    assert audit_everything() == [] and check_integrity()[1] == [], f"seed {chance}"
    everything_is_served(world)
    assert audit_everything() == [] and check_integrity()[1] == [], f"seed {chance}"
    return sum(results, Counter())


def everything_is_served(world: World) -> None:
    """Who still waits waits for what nobody has, and whoever asks for what there is gets it."""
    _step, now = world.tick()
    for pk in Order.objects.filter(lifecycle="open").order_by("pk").values_list("pk", flat=True):
        release_holds(order_id=pk, actor=ACTOR, now=now)
    fill_backorders(actor=ACTOR, now=now)
    for variant in world.plain[:2]:
        free = [
            max(0, units) for units in StockLevel.objects.filter(variant=variant).values_list("available", flat=True)
        ]
        waiting = OrderLine.objects.filter(variant=variant, bundle=None, order__lifecycle="open", backordered__gt=0)
        assert not (sum(free) and waiting.exists()), f"{variant.sku}: {free} free, and somebody waits"
        if sum(free):
            request = new_order(world.channel, [(variant.sku, sum(free))], on_shortage="refuse")
            try:
                place_order(request, actor=ACTOR, now=now)
            except Refusal as refusal:
                raise AssertionError(f"{variant.sku}: {free} free and refused: {refusal.message}") from refusal


def count_deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def report(tally: Counter[str]) -> None:
    """What was done, for who runs a campaign (pytest -s)."""
    done = sum(n for name, n in tally.items() if ":" not in name)
    print(
        f"\nseed {SEED}: {sum(tally.values())} acts, {done} done, {len({name.partition(':')[0] for name in tally})} kinds of {len(ACTS)}"
    )
    if os.environ.get("OMS_CAMPAIGN_EXAMPLES"):
        for name, n in sorted(tally.items()):
            print(f"  {n:6} {name}")
