"""A receipt as a person reads it: who could offer what, how each rule judged, what removed the others, what decided.

Made from the stored JSON alone (`routing.engine.receipt` describes its fields) and the names of what it mentions, so that an old
receipt reads the same for ever, and a trial reads like a stored one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from babel.numbers import format_decimal
from django.utils.translation import get_language_bidi, ngettext
from django.utils.translation import gettext as _

from core.formats import active_locale
from inventory.models import Location, Variant
from orders.models import OrderLine
from routing.engine import sentence
from routing.engine.filters import FILTERS
from routing.wording import label_of

#: Names shown of a group of locations that were out of the running.
NAMED = 12
#: With more lines than this the offers are shown as a count.
LINES_IN_COLUMNS = 4


@dataclass(frozen=True, slots=True)
class LineHead:
    """An order line that was to be routed."""

    sku: str
    title: str
    units: int


@dataclass(frozen=True, slots=True)
class Offer:
    """What a location has of a line, and whether that is all that is wanted."""

    sku: str
    units: int
    enough: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """A rule's value for a location; place: its rank by this rule among those listed (0: the rule does not tell them apart)."""

    rule: str
    text: str
    place: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A location that might ship and has something. role: chosen, runner_up or empty."""

    site: int
    name: str
    role: str
    offers: list[Offer]
    whole: int
    judged: list[Judged]

    @property
    def complete(self) -> bool:
        return self.whole == len(self.offers)


@dataclass(frozen=True, slots=True)
class Rung:
    """One ranker on the way down: what the chosen plan and the runner-up have by it. verdict: tie, decides, unasked."""

    rule: str
    chosen: str
    other: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Out:
    """Locations that were out of the running for one reason; more: how many are not named."""

    reason: str
    count: int
    names: list[str]
    more: int


@dataclass(frozen=True, slots=True)
class Given:
    """Where the units of a line go; waiting: units that no location has."""

    line: LineHead
    parts: list[tuple[int, str]]
    waiting: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The receipt in words and tables."""

    sentence: str
    version: int
    given: list[Given]
    heads: list[LineHead]
    rules: list[str]
    candidates: list[Candidate]
    unlisted: int
    ladder: list[Rung]
    decided: str
    chosen: str
    runner_up: str
    out: list[Out]
    proven: bool

    @property
    def in_columns(self) -> bool:
        """True while each line has a column of its own."""
        return len(self.heads) <= LINES_IN_COLUMNS


def read_receipts(receipts: Sequence[Mapping[str, Any]], lines: Iterable[OrderLine]) -> list[Reading]:
    """Receipts of one order in words. One statement, for the names of the locations."""
    by_id = {line.pk: line for line in lines}
    sites = {site for receipt in receipts for site in _sites_of(receipt)}
    names = _names_of(sites)
    return [_read(receipt, by_id, names) for receipt in receipts]


def sentences(receipts: Sequence[Mapping[str, Any]], skus: Mapping[int, str] | None = None) -> list[str]:
    """Each receipt in one sentence, of any orders. Statements: one for the locations, and one for the SKUs where none are given."""
    if skus is None:
        waiting = {variant for receipt in receipts for _line_id, variant, _units in receipt["backorders"]}
        skus = dict(Variant.objects.filter(pk__in=waiting).values_list("pk", "sku")) if waiting else {}
    sites = {
        site
        for receipt in receipts
        for plan in ("chosen", "runner_up")
        if receipt[plan]
        for site in receipt[plan]["sites"]
    }
    return _told(receipts, _names_of(sites), skus)


def _told(receipts: Iterable[Mapping[str, Any]], names: Mapping[int, str], skus: Mapping[int, str]) -> list[str]:
    """The sentences. In a language that runs from right to left each name keeps its own direction (FSI … PDI of Unicode)."""
    if get_language_bidi():
        names, skus = ({key: f"\u2068{text}\u2069" for key, text in words.items()} for words in (names, skus))
    return [sentence(dict(receipt), names, skus, _) for receipt in receipts]


def _names_of(sites: Iterable[int]) -> dict[int, str]:
    return dict(Location.objects.filter(pk__in=list(sites)).values_list("pk", "name"))


def _sites_of(receipt: Mapping[str, Any]) -> set[int]:
    found = {*receipt["candidates"]["sites"]}
    for group in (receipt["no_stock"], *receipt["removed"].values()):
        found.update(group["sites"][:NAMED])
    for plan in (receipt["chosen"], receipt["runner_up"]):
        found.update(plan["sites"] if plan else ())
    return found


def _read(receipt: Mapping[str, Any], lines: Mapping[int, OrderLine], names: Mapping[int, str]) -> Reading:
    heads = [_head(need, lines) for need in receipt["needs"]]
    skus = {need[1]: head.sku for need, head in zip(receipt["needs"], heads, strict=True)}
    candidates = _candidates(receipt, heads, names)
    plans = [_together(receipt[plan], names) for plan in ("chosen", "runner_up")]
    return Reading(
        sentence=_told([receipt], names, skus)[0],
        version=receipt["rules"]["version"],
        given=_given(receipt, heads, names),
        heads=heads,
        rules=[label_of("rankers", name) for name in receipt["rankers"]],
        candidates=candidates,
        unlisted=receipt["candidates_count"] - len(candidates),
        ladder=_ladder(receipt),
        decided=_decided(receipt),
        chosen=plans[0],
        runner_up=plans[1],
        out=_out(receipt, names),
        proven=receipt["proven"],
    )


def _head(need: Sequence[int], lines: Mapping[int, OrderLine]) -> LineHead:
    line = lines.get(need[0])
    return LineHead(line.sku, line.title, need[2]) if line else LineHead(f"#{need[1]}", "", need[2])


def _name(site: int, names: Mapping[int, str]) -> str:
    return names.get(site, f"#{site}")


def _together(plan: Mapping[str, Any] | None, names: Mapping[int, str]) -> str:
    return " + ".join(_name(site, names) for site in plan["sites"]) if plan else ""


def _given(receipt: Mapping[str, Any], heads: Sequence[LineHead], names: Mapping[int, str]) -> list[Given]:
    waiting = {line: quantity for line, _variant, quantity in receipt["backorders"]}
    return [
        Given(
            head,
            [(units, _name(site, names)) for line, _variant, site, units in receipt["allocations"] if line == need[0]],
            waiting.get(need[0], 0),
        )
        for need, head in zip(receipt["needs"], heads, strict=True)
    ]


# ---- the candidates --------------------------------------------------------------------------------------------------


def _candidates(receipt: Mapping[str, Any], heads: Sequence[LineHead], names: Mapping[int, str]) -> list[Candidate]:
    """The listed locations: the chosen ones, the runner-up, those that have it all, the rest; within each by the rules in order."""
    seen = receipt["candidates"]
    sites, columns = seen["sites"], seen["values"] or [None] * len(receipt["rankers"])
    roles = {site: role for role in ("runner_up", "chosen") for site in (receipt[role] or {"sites": []})["sites"]}
    places = [_places(column) for column in columns]
    rows = []
    for at, site in enumerate(sites):
        offers = [
            Offer(head.sku, units[at], units[at] >= head.units)
            for head, units in zip(heads, seen["units"], strict=True)
        ]
        judged = [
            Judged(
                label_of("rankers", name),
                _value_words(name, column[at] if column else None, said=column is not None),
                place[at] if place else 0,
            )
            for name, column, place in zip(receipt["rankers"], columns, places, strict=True)
        ]
        candidate = Candidate(
            site, _name(site, names), roles.get(site, ""), offers, sum(offer.enough for offer in offers), judged
        )
        rows.append((candidate, [place[at] if place else 0 for place in places]))
    rows.sort(key=lambda row: (_ROLES[row[0].role], -row[0].whole, row[1], row[0].site))
    return [candidate for candidate, _order in rows]


_ROLES = {"chosen": 0, "runner_up": 1, "": 2}


def _places(column: Sequence[Any] | None) -> list[int] | None:
    """Rank of each value, from 1, equals sharing one, unknown last; None where all are equal."""
    if not column:
        return None
    levels = sorted(set(column), key=lambda value: (value is None, value or 0))
    if len(levels) == 1:
        return None
    return [levels.index(value) + 1 for value in column]


# ---- what decided ----------------------------------------------------------------------------------------------------


def _ladder(receipt: Mapping[str, Any]) -> list[Rung]:
    """The rankers in order, as far as they tell the chosen plan from the runner-up; empty where there is no runner-up."""
    chosen, other, at = receipt["chosen"], receipt["runner_up"], receipt["decided_at"]
    if not chosen or not other:
        return []
    rungs = []
    for place, name in enumerate(receipt["rankers"]):
        verdict = "tie" if at is None or place < at else "decides" if place == at else "unasked"
        one = len(chosen["sites"]) == len(other["sites"]) == 1
        said = receipt["candidates"]["values"][place] is not None
        ours, theirs = (
            (_value_words if one else _sum_words)(name, plan["values"][place], said=said) for plan in (chosen, other)
        )
        rungs.append(Rung(label_of("rankers", name), ours, theirs, verdict))
    return rungs


def _decided(receipt: Mapping[str, Any]) -> str:
    at = receipt["decided_at"]
    if at is not None:
        return _("Rule {n}, “{rule}”").format(n=at + 1, rule=label_of("rankers", receipt["rankers"][at]))
    return {
        "only_candidate": _("There was only one location with any of it"),
        "only_complete": _("There was only one location with all of it"),
        "only_way": _("There was only one way"),
        "not_compared": _("The best by all rules; there are too many ways to name the second best"),
        "fewer_parcels": _("Every rule is level; fewer parcels win"),
        "lowest_id": _("Every rule is level; the location that was set up first goes first"),
        "no_stock": _("No location that may ship has any of it"),
        "no_set": _("What locations have does not make a whole set"),
        "no_site": _("No location may ship this order"),
        "nothing_to_ship": _("There is nothing to ship"),
    }.get(receipt["decided_by"], receipt["decided_by"])


def _number(value: float) -> str:
    return format_decimal(value, locale=active_locale())


def _value_words(ranker: str, value: Any, *, said: bool = True) -> str:
    """A ranker's value for one location. said: False where the ranker had nothing to say about the order."""
    if not said:
        return "—"
    if value is None:
        return _("unknown")
    if ranker == "fewest_parcels":
        return ngettext("{n} parcel", "{n} parcels", value).format(n=_number(value))
    if ranker == "stay_in_market":
        return _("outside") if value else _("in the market")
    if ranker == "nearest":
        return _("{n} km").format(n=_number(value))
    return _("rank {n}").format(n=_number(value)) if ranker == "ranked_locations" else _number(value)


def _sum_words(ranker: str, value: Any, *, said: bool = True) -> str:
    """A ranker's sum over the locations of a plan; said as above."""
    if ranker == "stay_in_market" and value is not None:
        return (
            ngettext("{n} parcel from outside", "{n} parcels from outside", value).format(n=_number(value))
            if value
            else _("all in the market")
        )
    if ranker == "ranked_locations" and value is not None:
        return _("ranks add up to {n}").format(n=_number(value))
    return _value_words(ranker, value, said=said)


# ---- who was out of the running --------------------------------------------------------------------------------------


def _out(receipt: Mapping[str, Any], names: Mapping[int, str]) -> list[Out]:
    groups = [
        (_removed_by(name), receipt["removed"][name])
        for name in dict.fromkeys(receipt["filters"])
        if name in receipt["removed"]
    ]
    groups.append((_("Has nothing of the order"), receipt["no_stock"]))
    found = []
    for reason, group in groups:
        named = [_name(site, names) for site in group["sites"][:NAMED]]
        if group["count"]:
            found.append(Out(reason, group["count"], named, group["count"] - len(named)))
    return found


def _removed_by(name: str) -> str:
    return _(FILTERS[name].removed) if name in FILTERS else name
