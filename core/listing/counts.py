"""The counts that a list shows, of this view and of its tabs: one statement at most, and none for what is known already."""

from __future__ import annotations

import json
from collections.abc import Mapping

from django.core.cache import cache
from django.db import connections
from django.db.models import QuerySet

from core.listing.counting import CAP, Compiled, Count, compile_capped, count_many
from core.listing.keyset import KeysetPage
from core.listing.page import ListPage, Tab
from core.listing.state import ListState

#: Seconds for which "1,000+" of a tab is believed: a count so far beyond the cap does not fall below it soon.
BEYOND_FRESH = 60
#: A search is not counted when the planner expects at least so many rows and this share of the table. What it does not know it
#: takes for 0.5 % (PostgreSQL, utils/adt/selfuncs.h: DEFAULT_TS_MATCH_SEL), so a guess is never believed.
SURELY_BEYOND = 10 * CAP
SURELY_SHARE = 0.02

_compiled: dict[tuple[str, str], Compiled] = {}


def counts_of(
    page: ListPage, state: ListState, base: QuerySet, matching: QuerySet, rows: KeysetPage
) -> tuple[dict[str, Count], Count]:
    """Tab name → count, and the count of the view whose first rows are `rows`."""
    counts = _remembered(page)
    asked = [tab for tab in page.tabs if tab.counted and tab.name not in counts]
    here = _seen(rows)
    if here is None and state.q and rows.next and surely_beyond(matching):
        here = Count(CAP, capped=True)
    as_tab = state.tab is not None and state.tab.counted and not state.q and not state.filtering
    count_view = here is None and not as_tab
    numbers = count_many([*(_tab_query(page, tab, base) for tab in asked), *([matching] if count_view else [])])
    fresh = dict(zip(asked, numbers, strict=False))
    _remember(page, fresh)
    counts |= {tab.name: number for tab, number in fresh.items()}
    if count_view:
        here = numbers[-1]
    return counts, counts[state.tab.name] if here is None else here  # type: ignore[union-attr]


def _seen(rows: KeysetPage) -> Count | None:
    """All rows of the view are on this page: nothing is left to count."""
    return None if rows.next or rows.previous else Count(len(rows.rows))


def _tab_query(page: ListPage, tab: Tab, base: QuerySet) -> QuerySet | Compiled:
    """What counts a tab: compiled once where neither the tab nor the list depends on the person or the clock."""
    if not _shared(page, tab):
        return tab.apply(base)
    key = (page.name, tab.name)
    if key not in _compiled:
        _compiled[key] = compile_capped(tab.apply(base))
    return _compiled[key]


def _shared(page: ListPage, tab: Tab) -> bool:
    return page.same_for_everybody and tab.always_the_same


def _remembered(page: ListPage) -> dict[str, Count]:
    """The tabs that were beyond the cap a moment ago."""
    keys = {_key(page, tab): tab.name for tab in page.tabs if tab.counted and _shared(page, tab)}
    return {keys[key]: Count(CAP, capped=True) for key in cache.get_many(keys)} if keys else {}


def _remember(page: ListPage, numbers: Mapping[Tab, Count]) -> None:
    beyond = {_key(page, tab): 1 for tab, number in numbers.items() if number.capped and _shared(page, tab)}
    if beyond:
        cache.set_many(beyond, BEYOND_FRESH)


def _key(page: ListPage, tab: Tab) -> str:
    return f"list.{page.name}.{tab.name}.beyond"


def surely_beyond(queryset: QuerySet) -> bool:
    """True when the planner, from its statistics, expects far more rows than anybody counts."""
    sql, params = queryset.order_by().values("pk").query.sql_with_params()
    with connections[queryset.db].cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        plan = cursor.fetchone()[0]
        expected = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"]
        if expected < SURELY_BEYOND:
            return False
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [queryset.model._meta.db_table])
        return bool(expected >= SURELY_SHARE * cursor.fetchone()[0])
