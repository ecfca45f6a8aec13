"""Rule sets as data: whether the engine can run them, the one form in which they are kept, and how two of them differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext as _

from core.refusals import Invalid
from routing.engine.filters import FILTERS, Filter
from routing.engine.parameters import Param, RuleError, settle
from routing.engine.rankers import RANKERS, Ranker

Group = Literal["filters", "rankers"]
Rules = Mapping[str, Sequence[Mapping[str, Any]]]

#: The kinds of rules of each list, by name.
KINDS: Mapping[Group, Mapping[str, Filter | Ranker]] = {"filters": FILTERS, "rankers": RANKERS}
#: More rules than this in one list are a mistake.
MOST = 30


def normal_form(rules: Any) -> dict[str, list[dict[str, Any]]]:
    """The rules with their lists in order and, of each rule's parameters, those that differ from the defaults.

    Two rule sets decide alike by their parameters if their normal forms are equal. Raises Invalid naming the place
    (`rankers[2].step_km`) for what the engine cannot run.
    """
    if not isinstance(rules, Mapping) or set(rules) != set(KINDS):
        raise Invalid("bad_rules", _("A rule set has the lists “filters” and “rankers”."), field="rules")
    return {group: _normal_list(group, rules[group]) for group in KINDS}


def _normal_list(group: Group, items: Any) -> list[dict[str, Any]]:
    if not isinstance(items, list | tuple) or len(items) > MOST:
        raise Invalid("bad_rules", _("Each list holds {most} rules at most.").format(most=MOST), field=group)
    found: list[dict[str, Any]] = []
    for at, item in enumerate(items):
        rule = _normal_rule(group, at, item)
        if rule in found:
            label = _(KINDS[group][rule["name"]].label)
            raise Invalid(
                "same_rule_twice",
                _("The rule “{rule}” stands in the list twice.").format(rule=label),
                field=f"{group}[{at}]",
            )
        found.append(rule)
    return found


def _normal_rule(group: Group, at: int, item: Any) -> dict[str, Any]:
    where = f"{group}[{at}]"
    name = item.get("name") if isinstance(item, Mapping) else None
    kind = KINDS[group].get(str(name))
    if kind is None:
        raise Invalid("unknown_rule", _("There is no rule “{rule}”.").format(rule=name), field=where)
    given = item.get("params") or {}
    label = _(kind.label)
    if not isinstance(given, Mapping):
        raise Invalid(
            "bad_rule",
            _("The parameters of “{rule}” are no list of names and values.").format(rule=label),
            field=f"{where}.params",
        )
    try:
        settled = settle(kind.name, kind.params, given)
    except RuleError as error:
        text = _("The rule “{rule}” cannot be run: {problem}.").format(rule=label, problem=error)
        raise Invalid("bad_rule", text, field=f"{where}.{error.param}") from error
    defaults = settle(kind.name, kind.params, {})
    return {
        "name": kind.name,
        "params": {p.name: plain(settled[p.name]) for p in kind.params if settled[p.name] != defaults[p.name]},
    }


def plain(value: Any) -> Any:
    """A settled parameter as JSON keeps it."""
    return [sorted(group) for group in value] if isinstance(value, tuple) else value


def values_of(group: Group, rule: Mapping[str, Any]) -> list[tuple[Param, Any]]:
    """Each parameter of a rule with its value, defaults filled in; empty for a rule that is no longer known."""
    kind = KINDS[group].get(str(rule["name"]))
    given = rule.get("params") or {}
    return [(param, given.get(param.name, param.default)) for param in kind.params] if kind else []


@dataclass(frozen=True, slots=True)
class Difference:
    """One step from a rule set to another.

    what: added, removed, changed (its parameters) or reordered. place: where an added rule stands, from 1. names: the rules
    that both have in their old order, then in the new one, for `reordered`.
    """

    group: Group
    what: Literal["added", "removed", "changed", "reordered"]
    rule: Mapping[str, Any] | None = None
    was: Mapping[str, Any] | None = None
    place: int = 0
    names: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())


def differences(before: Rules, after: Rules) -> list[Difference]:
    """What was removed, added and changed, and whether the order of the rest is another. Empty for equal rule sets."""
    return [step for group in KINDS for step in _list_differences(group, before[group], after[group])]


def _list_differences(
    group: Group, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> list[Difference]:
    old, new = _keyed(before), _keyed(after)
    steps = [Difference(group, "removed", rule) for key, rule in old.items() if key not in new]
    for place, (key, rule) in enumerate(new.items(), start=1):
        if key not in old:
            steps.append(Difference(group, "added", rule, place=place))
        elif (old[key].get("params") or {}) != (rule.get("params") or {}):
            steps.append(Difference(group, "changed", rule, was=old[key]))
    stayed = [key for key in old if key in new], [key for key in new if key in old]
    if stayed[0] != stayed[1]:
        steps.append(
            Difference(group, "reordered", names=(tuple(k[0] for k in stayed[0]), tuple(k[0] for k in stayed[1])))
        )
    return steps


def _keyed(rules: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int], Mapping[str, Any]]:
    """The rules by name and by how many of that name stand before: the same ranker may stand twice, in steps of 50 and of 1 km."""
    seen: dict[str, int] = {}
    keyed = {}
    for rule in rules:
        name = str(rule["name"])
        keyed[name, seen.get(name, 0)] = rule
        seen[name] = seen.get(name, 0) + 1
    return keyed
