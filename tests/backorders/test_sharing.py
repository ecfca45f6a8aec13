"""Sharing out what is not enough for all: pure, so checked on whatever Hypothesis thinks of."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backorders.models import Strategy
from backorders.sharing import Part, Source, Told, Waiting, WaitingLine, allocate, news, promised_on, rank

#: The machine may be busy; what is checked does not depend on time.
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = date(2026, 12, 1)
days = st.integers(0, 30).map(lambda n: DAY + timedelta(n))
sources = st.lists(
    st.builds(
        Source,
        st.sampled_from([f"purchase_line:{n}" for n in range(1, 10)]),
        st.integers(1, 12),
        st.none() | days,
    ),
    max_size=6,
    unique_by=lambda source: source.key,
)
lines = st.lists(st.integers(1, 9), max_size=8).map(
    lambda units: [WaitingLine(n, 100 + n, count) for n, count in enumerate(units, start=1)]
)
waiting = st.lists(
    st.builds(
        Waiting,
        st.integers(1, 50),
        st.integers(0, 5).map(lambda n: START + timedelta(hours=n)),
        st.dictionaries(st.integers(1, 3), st.integers(1, 6), min_size=1, max_size=3),
        st.none() | days,
        st.integers(0, 3),
    ),
    max_size=8,
    unique_by=lambda one: one.order_id,
)
stocks = st.dictionaries(st.integers(1, 3), st.integers(0, 12))


class TestAllocate:
    @CALM
    @given(lines, sources)
    def test_no_source_is_promised_twice_and_no_line_more_than_it_waits_for(self, lines, sources) -> None:
        promised = allocate(lines, sources)
        assert {line.line_id: sum(p.units for p in promised[line.line_id]) for line in lines} == {
            line.line_id: line.units for line in lines
        }
        used = Counter()
        for parts in promised.values():
            assert len({part.source for part in parts}) == len(parts)
            for part in parts:
                used[part.source] += part.units
        assert all(used[source.key] <= source.units for source in sources)
        wanted, there = sum(line.units for line in lines), sum(source.units for source in sources)
        assert used[""] == max(0, wanted - there), "nothing is left unpromised that is on its way"

    @CALM
    @given(lines, sources)
    def test_who_is_served_first_has_the_earlier_day(self, lines, sources) -> None:
        promised = allocate(lines, sources)
        ends = [promised_on(promised[line.line_id]) or date.max for line in lines]
        assert ends == sorted(ends)

    @CALM
    @given(lines, sources, st.randoms())
    def test_the_sequence_of_the_sources_says_nothing(self, lines, sources, random) -> None:
        shuffled = list(sources)
        random.shuffle(shuffled)
        assert allocate(lines, shuffled) == allocate(lines, sources)

    @CALM
    @given(lines, sources, st.integers(1, 5))
    def test_more_goods_make_nobody_later(self, lines, sources, more) -> None:
        before = allocate(lines, sources)
        after = allocate(lines, [*sources, Source("transfer_line:1", more, DAY)])
        for line in lines:
            assert (promised_on(after[line.line_id]) or date.max) <= (promised_on(before[line.line_id]) or date.max)

    def test_a_source_without_limit_takes_the_rest(self) -> None:
        found = allocate([WaitingLine(1, 1, 5)], [Source("release", None, DAY), Source("purchase_line:1", 2, DAY)])
        assert found == {1: [Part("purchase_line:1", 2, DAY), Part("release", 3, DAY)]}

    def test_a_part_without_a_day_has_none_as_a_whole(self) -> None:
        assert promised_on([Part("a", 1, DAY), Part("b", 1, None)]) is None
        assert promised_on([Part("a", 1, DAY), Part("b", 1, DAY + timedelta(2))]) == DAY + timedelta(2)

    @CALM
    @given(
        st.lists(st.tuples(st.integers(1, 9), st.sampled_from(["PL", "DE"])), max_size=8),
        sources,
        st.lists(st.booleans(), min_size=6, max_size=6),
    )
    def test_goods_are_promised_only_where_their_place_ships_to(self, wanted, sources, closed) -> None:
        """Two sources of one key count as one part; none is used beyond what its places have for the country."""
        lines = [WaitingLine(n, n, units, country) for n, (units, country) in enumerate(wanted, start=1)]
        found = [
            Source("stock", one.units, one.ready_on, ships_to=frozenset({"PL"}) if shut else frozenset())
            for one, shut in zip(sources, closed, strict=False)
        ]
        promised = allocate(lines, found)
        given_ = {"PL": 0, "DE": 0}
        for line in lines:
            parts = {part.source: part.units for part in promised[line.line_id]}
            assert len(parts) == len(promised[line.line_id]) and sum(parts.values()) == line.units
            given_[line.country] += parts.get("stock", 0)
        everywhere = sum(source.units for source in found if not source.ships_to)
        assert given_["DE"] <= everywhere
        assert given_["DE"] + given_["PL"] <= sum(source.units for source in found)


class TestRank:
    @CALM
    @given(waiting, st.sampled_from(Strategy.values), stocks, st.randoms())
    def test_each_order_once_in_a_sequence_of_its_own(self, waiting, strategy, stock, random) -> None:
        found = rank(waiting, strategy, stock)
        assert sorted(found) == sorted(one.order_id for one in waiting)
        shuffled = list(waiting)
        random.shuffle(shuffled)
        assert rank(shuffled, strategy, stock) == found

    @CALM
    @given(waiting, stocks)
    def test_the_key_of_each_strategy_rises(self, waiting, stock) -> None:
        by_id = {one.order_id: one for one in waiting}

        def ordered(strategy, key) -> None:
            keys = [key(by_id[pk]) for pk in rank(waiting, strategy, stock)]
            assert keys == sorted(keys)

        ordered(Strategy.OLDEST, lambda one: one.placed_at)
        ordered(Strategy.PROMISE, lambda one: one.promised_on or date.max)
        ordered(Strategy.PRIORITY, lambda one: (-one.priority, one.placed_at))

    @CALM
    @given(waiting, stocks)
    def test_most_complete_completes_as_many_as_any_other_for_one_variant(self, waiting, stock) -> None:
        """Of orders that want one and the same variant, smallest first is the most that can be completed."""
        only = [one for one in waiting if set(one.needs) == {1}]

        def complete(order_ids) -> int:
            left, done = stock.get(1, 0), 0
            needs = {one.order_id: one.needs[1] for one in only}
            for pk in order_ids:
                given_ = min(left, needs[pk])
                done += given_ == needs[pk]
                left -= given_
            return done

        best = complete(rank(only, Strategy.COMPLETE, stock))
        assert all(best >= complete(rank(only, other, stock)) for other in Strategy.values)

    def test_one_that_lacks_other_goods_stands_behind(self) -> None:
        early = Waiting(1, START, {1: 1, 2: 1})
        late = Waiting(2, START + timedelta(days=1), {1: 2})
        assert rank([early, late], Strategy.COMPLETE, {1: 2}) == [2, 1]
        assert rank([early, late], Strategy.OLDEST, {1: 2}) == [1, 2]


class TestNews:
    def said(self, told: Told, day: date | None, *, quiet: int = 2, first: bool = False, here: bool = False) -> str:
        return news(told, day, quiet_days=quiet, tell_first=first, here=here)

    def test_a_small_move_is_quiet_until_it_adds_up(self) -> None:
        told = Told(True, DAY, 0)
        moves = [self.said(told, DAY + timedelta(n)) for n in (0, 1, 2, 3, -2, -3)]
        assert moves == ["", "", "", "later", "", "earlier"]

    def test_a_day_that_is_lost_and_found(self) -> None:
        assert self.said(Told(True, DAY, 0), None) == "unknown"
        assert self.said(Told(True, None, 1), None) == ""
        assert self.said(Told(True, None, 1), DAY) == "first"

    def test_the_first_promise_is_told_where_the_shop_wants_it(self) -> None:
        assert (self.said(Told(False, None, 0), DAY), self.said(Told(False, None, 0), DAY, first=True)) == ("", "first")

    def test_goods_in_the_house_announce_nothing_good(self) -> None:
        told = Told(True, DAY, 0)
        assert self.said(told, DAY - timedelta(9), here=True) == ""
        assert self.said(told, DAY + timedelta(9), here=True) == "later"

    @CALM
    @given(st.none() | days, st.none() | days, st.integers(0, 9), st.booleans(), st.booleans())
    def test_the_same_day_is_never_told_twice(self, known, day, quiet, first, here) -> None:
        said = self.said(Told(True, known, 1), day, quiet=quiet, first=first, here=here)
        assert not said or known != day
        if said:
            assert self.said(Told(True, day, 2), day, quiet=quiet, first=first, here=here) == ""
