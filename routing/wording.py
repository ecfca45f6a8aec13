"""Rules in words: what each one does, with its parameters, and how two rule sets differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from babel.numbers import format_decimal
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.formats import active_locale
from core.timeline_text import Change
from routing.rules import KINDS, Difference, Group, Rules, differences, values_of

Values = Mapping[str, Any]


def label_of(group: Group, name: str) -> str:
    """The rule's name for people; its own name for one that is no longer known."""
    kind = KINDS[group].get(name)
    return _(kind.label) if kind else name


def describe(group: Group, rule: Mapping[str, Any]) -> str:
    """What the rule does, in one sentence."""
    name = str(rule["name"])
    if name not in KINDS[group]:
        return _("This rule is no longer known. Remove it.")
    sentence = _SENTENCES.get(name)
    return (
        sentence({param.name: value for param, value in values_of(group, rule)}) if sentence else label_of(group, name)
    )


def parameter(value: Any) -> str:
    """A parameter's value in words."""
    if isinstance(value, list | tuple):
        return "; ".join(", ".join(sorted(group)) for group in value) or "—"
    return format_decimal(value, locale=active_locale())


def group_label(group: Group) -> str:
    """What a list of rules is called."""
    return _("Who may ship") if group == "filters" else _("Who is better")


def in_words(rules: Rules) -> list[tuple[str, list[tuple[str, str]]]]:
    """The lists of a rule set as (heading, [(name of the rule, what it does)]), in order."""
    return [
        (group_label(group), [(label_of(group, str(rule["name"])), describe(group, rule)) for rule in rules[group]])
        for group in KINDS
    ]


def changes_between(before: Rules, after: Rules) -> list[Change]:
    """The differences: the list that each is in, and what it is in a sentence."""
    return [Change(group_label(step.group), "", _change(step)) for step in differences(before, after)]


def _change(step: Difference) -> str:
    if step.what == "reordered":
        return _("the order is now {order}").format(
            order=" → ".join(label_of(step.group, name) for name in step.names[1])
        )
    rule = step.rule or {}
    label = label_of(step.group, str(rule["name"]))
    if step.what == "removed":
        return _("“{rule}” is gone").format(rule=label)
    if step.what == "added":
        return _("“{rule}” is new, in place {place}").format(rule=label, place=step.place)
    was = {param.name: value for param, value in values_of(step.group, step.was or {})}
    parts = [
        f"{_(param.label)} {parameter(was[param.name])} → {parameter(value)}"
        for param, value in values_of(step.group, rule)
        if was[param.name] != value
    ]
    return _("“{rule}” is changed: {changes}").format(rule=label, changes=", ".join(parts))


def _capacity(values: Values) -> str:
    keep = values["keep_free"]
    if not keep:
        return _("Only locations that can still take an order today; one without a daily limit always can.")
    text = ngettext(
        "Only locations that can still take more than {n} order today, so that {n} stays free; one without a daily limit always can.",
        "Only locations that can still take more than {n} orders today, so that {n} stay free; one without a daily limit always can.",
        keep,
    )
    return text.format(n=parameter(keep))


def _market(values: Values) -> str:
    if not values["markets"]:
        return _("Rather from the customer's own country.")
    return _("Rather from the customer's own market: {markets}; every other country is a market by itself.").format(
        markets=parameter(values["markets"])
    )


def _nearest(values: Values) -> str:
    return _("Rather from near the customer, as the crow flies; distances within the same {km} km are a tie.").format(
        km=parameter(values["step_km"])
    )


_SENTENCES: Mapping[str, Callable[[Values], str]] = {
    "may_ship_online": lambda values: _("Only locations that may ship online orders."),
    "ships_to_zone": lambda values: _(
        "Only locations that ship to the customer's country; one without a list of countries ships everywhere."
    ),
    "channel": lambda values: _(
        "Only locations that serve the order's sales channel; one without a list of channels serves all."
    ),
    "capacity_left": _capacity,
    "fewest_parcels": lambda values: _("As few parcels as possible: the true least number, not a guess."),
    "stay_in_market": _market,
    "nearest": _nearest,
    "ranked_locations": lambda values: _(
        "Rather from the location with the better rank, the number on the location's own page; lower is better."
    ),
}
