"""Filters: who may ship. The first filter in the rule set that says no is the one the receipt names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .parameters import Param, RuleError, gettext_noop, settle
from .types import Demand, Rule, Site

Passes = Callable[[Site, Demand, Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Filter:
    """One kind of filter.

    reads: the fields of Demand that ``passes`` looks at, and no others. Orders alike in them share one verdict, so that a
    batch asks once per country and channel, not once per order. removed: the group's heading on a receipt.
    """

    name: str
    label: str
    removed: str
    passes: Passes
    reads: tuple[str, ...] = ()
    params: tuple[Param, ...] = ()


def _may_ship_online(site: Site, demand: Demand, params: Mapping[str, Any]) -> bool:
    return site.may_ship_online


def _ships_to_zone(site: Site, demand: Demand, params: Mapping[str, Any]) -> bool:
    return not site.ships_to or demand.country in site.ships_to


def _channel(site: Site, demand: Demand, params: Mapping[str, Any]) -> bool:
    return not site.channels or demand.channel_id in site.channels


def _capacity_left(site: Site, demand: Demand, params: Mapping[str, Any]) -> bool:
    return site.capacity_left is None or site.capacity_left > params["keep_free"]


FILTERS: dict[str, Filter] = {
    kind.name: kind
    for kind in (
        Filter(
            "may_ship_online",
            gettext_noop("Ships online orders"),
            gettext_noop("Does not ship online orders"),
            _may_ship_online,
        ),
        Filter(
            "ships_to_zone",
            gettext_noop("Ships to the destination"),
            gettext_noop("Does not ship to the destination"),
            _ships_to_zone,
            reads=("country",),
        ),
        Filter(
            "channel",
            gettext_noop("Serves the channel"),
            gettext_noop("Does not serve the channel"),
            _channel,
            reads=("channel_id",),
        ),
        Filter(
            "capacity_left",
            gettext_noop("Has capacity left today"),
            gettext_noop("No capacity left today"),
            _capacity_left,
            params=(
                Param(
                    "keep_free",
                    gettext_noop("Orders kept free"),
                    "integer",
                    0,
                    0,
                    gettext_noop("Stop this many orders before the daily capacity is reached."),
                ),
            ),
        ),
    )
}


def compile_filters(rules: tuple[Rule, ...]) -> tuple[tuple[Filter, dict[str, Any]], ...]:
    """The rule set's filters with their settled parameters. Raises RuleError."""
    compiled = []
    for rule in rules:
        kind = FILTERS.get(rule.name)
        if kind is None:
            raise RuleError(rule.name, None, f"there is no filter {rule.name!r}")
        compiled.append((kind, settle(rule.name, kind.params, rule.params)))
    return tuple(compiled)
