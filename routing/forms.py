"""A rule set being edited. The draft lives in the form alone: every button sends all of it, and nothing is kept until it is published.

So there is no half-saved state: leaving the page forgets the draft, two people may each have one, and only publishing can meet
another's work (which is refused, with the draft still in the form).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.addresses import known_country
from routing.engine.parameters import Param
from routing.rules import KINDS, MOST, Group, Rules, plain
from routing.wording import describe, group_label, label_of

#: How many open orders a draft may be tried on at once.
TRIED_ON = (50, 100, 200)
_LARGEST = 1_000_000


class CountryGroupsField(forms.CharField):
    """Lists of country codes, one list a line: “PL, CZ, SK”."""

    widget = forms.Textarea(attrs={"rows": 3, "autocapitalize": "characters", "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(", ".join(group) for group in value) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> list[list[str]]:
        groups = []
        for line in re.split(r"[\n;]", super().clean(value)):
            codes = [code.upper() for code in re.split(r"[\s,]+", line) if code]
            for code in codes:
                if not known_country(code):
                    raise forms.ValidationError(
                        _("“{code}” is no country code. Use two letters, such as PL.").format(code=code)
                    )
            if codes:
                groups.append(sorted(set(codes)))
        return groups


def field_for(param: Param) -> forms.Field:
    """The field that a parameter is entered in; an empty one means the default."""
    options: dict[str, Any] = {
        "label": _(param.label),
        "help_text": _(param.help) if param.help else "",
        "required": False,
    }
    if param.kind == "country_groups":
        options["help_text"] = _(
            "One market a line, as country codes with commas. A country in no line is a market by itself."
        )
        return CountryGroupsField(**options)
    options |= {"min_value": param.minimum, "max_value": _LARGEST}
    whole = param.kind == "integer"
    options["widget"] = forms.NumberInput(attrs={"step": 1 if whole else "any", "placeholder": param.default})
    return forms.IntegerField(**options) if whole else forms.FloatField(**options)


class RuleForm(forms.Form):
    """The parameters of one rule of the draft. A rule that the engine does not know (any more) is an error of its own."""

    def __init__(self, group: Group, at: int, name: str, texts: Mapping[str, Any], *, nth: int = 0) -> None:
        self.group, self.at, self.name, self.nth = group, at, name, nth
        self.kind = KINDS[group].get(name)
        prefix = f"{group}-{at}"
        super().__init__({f"{prefix}-{key}": value for key, value in texts.items()}, prefix=prefix)
        self.texts = texts
        for param in self.kind.params if self.kind else ():
            self.fields[param.name] = field_for(param)

    def clean(self) -> dict[str, Any]:
        if self.kind is None:
            raise forms.ValidationError(_("There is no rule “{rule}” any more. Remove it.").format(rule=self.name))
        return super().clean() or {}

    @property
    def label(self) -> str:
        return label_of(self.group, self.name)

    @property
    def uid(self) -> str:
        """A name that stays with the rule while it is moved, so that the focus stays on its button."""
        return f"{self.group}-{self.name}-{self.nth}"

    @property
    def place(self) -> int:
        """From 1, as people count."""
        return self.at + 1

    @property
    def rule(self) -> dict[str, Any]:
        """The rule with the parameters that were entered rightly; an empty field leaves the default."""
        _checked = self.errors
        return {
            "name": self.name,
            "params": {key: value for key, value in self.cleaned_data.items() if value is not None},
        }

    @property
    def sentence(self) -> str:
        """What the rule does with what is entered now."""
        return describe(self.group, self.rule)


class PublishForm(forms.Form):
    """What goes with a new version."""

    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Why the rules change, for those who look later."),
    )
    based_on = forms.IntegerField(min_value=0, widget=forms.HiddenInput)


class Draft:
    """The rule set in the form: the forms of its rules in order, and what goes with publishing it."""

    def __init__(
        self, items: Mapping[Group, Sequence[tuple[str, Mapping[str, Any]]]], *, note: str, based_on: Any
    ) -> None:
        self.items = {group: list(items[group])[:MOST] for group in KINDS}
        self.forms = {group: _forms(group, rows) for group, rows in self.items.items()}
        self.publishing = PublishForm({"note": note, "based_on": based_on})
        self.moved = ""

    @classmethod
    def from_rules(cls, rules: Rules, *, based_on: int, note: str = "") -> Draft:
        """A draft that begins as these rules."""
        return cls(
            {group: [_item(group, rule) for rule in rules[group]] for group in KINDS}, note=note, based_on=based_on
        )

    @classmethod
    def from_post(cls, data: Mapping[str, Any]) -> Draft:
        """The draft that a form has sent. Numbers of rules run from 0 without a gap."""
        items: dict[Group, list[tuple[str, dict[str, Any]]]] = {}
        for group in KINDS:
            names = [str(data[f"{group}-{at}-name"]) for at in range(MOST) if f"{group}-{at}-name" in data]
            items[group] = [(name, _texts(group, at, name, data)) for at, name in enumerate(names)]
        return cls(items, note=data.get("note", ""), based_on=data.get("based_on"))

    def after(self, act: str, data: Mapping[str, Any]) -> Draft:
        """The draft after a button: “up rankers 2”, “down …”, “remove …”, “add rankers”; any other leaves it as it is."""
        word, group, at = _parsed(act)
        items = {name: list(rows) for name, rows in self.items.items()}
        said = ""
        if (
            word == "add"
            and group
            and (name := str(data.get(f"add-{group}", ""))) in KINDS[group]
            and len(items[group]) < MOST
        ):
            items[group].append(_item(group, {"name": name}))
            said = _("“{rule}” added in place {place}.").format(rule=label_of(group, name), place=len(items[group]))
        elif group and at < len(items[group]):
            rows = items[group]
            label = label_of(group, rows[at][0])
            to = at + {"up": -1, "down": 1}.get(word, 0)
            if word == "remove":
                del rows[at]
                said = _("“{rule}” removed.").format(rule=label)
            elif 0 <= to < len(rows) and to != at:
                rows[at], rows[to] = rows[to], rows[at]
                said = _("“{rule}” is now in place {place}.").format(rule=label, place=to + 1)
        changed = Draft(items, note=self.publishing.data["note"], based_on=self.publishing.data["based_on"])
        changed.moved = said
        return changed

    def on(self, version: int) -> Draft:
        """The same draft, compared with another live version."""
        return Draft(self.items, note=self.publishing.data["note"], based_on=version)

    def is_valid(self) -> bool:
        return not self.problems and self.publishing.is_valid()

    @property
    def rules(self) -> dict[str, list[dict[str, Any]]]:
        """The rules as `routing.rules` takes them; what was entered wrongly is left out."""
        return {group: [form.rule for form in rows] for group, rows in self.forms.items()}

    @property
    def problems(self) -> list[str]:
        """What is wrong, each naming its rule and field."""
        found = []
        for form in (form for rows in self.forms.values() for form in rows):
            for name, errors in form.errors.items():
                where = form.label if name == "__all__" else f"{form.label}, {form.fields[name].label}"
                found += [f"{where}: {error}" for error in errors]
        return found

    @property
    def lists(self) -> list[dict[str, Any]]:
        """The two lists as the page shows them: heading, rules, and what may be added."""
        return [
            {
                "name": group,
                "label": group_label(group),
                "forms": rows,
                "kinds": [(name, label_of(group, name), describe(group, {"name": name})) for name in KINDS[group]],
                "full": len(rows) >= MOST,
            }
            for group, rows in self.forms.items()
        ]

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """The draft as hidden fields, for a page that only carries it."""
        pairs = [
            (f"{group}-{at}-name", name) for group, rows in self.items.items() for at, (name, _texts) in enumerate(rows)
        ]
        pairs += [
            (form.add_prefix(key), text)
            for rows in self.forms.values()
            for form in rows
            for key, text in form.texts.items()
        ]
        return [*pairs, ("note", self.publishing.data["note"]), ("based_on", self.publishing.data["based_on"])]


def _forms(group: Group, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[RuleForm]:
    names = [name for name, _values in rows]
    return [RuleForm(group, at, name, texts, nth=names[:at].count(name)) for at, (name, texts) in enumerate(rows)]


def _parsed(act: str) -> tuple[str, Group | None, int]:
    word, _space, rest = act.partition(" ")
    group, _space, at = rest.partition(" ")
    place = int(at) if at.isascii() and at.isdigit() and len(at) < 4 else MOST
    return word, next((known for known in KINDS if known == group), None), place


def _item(group: Group, rule: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A stored rule as name and texts of its fields."""
    name = str(rule["name"])
    kind = KINDS[group].get(name)
    given = rule.get("params") or {}
    return name, {
        param.name: _text(param, given.get(param.name, param.default)) for param in (kind.params if kind else ())
    }


def _text(param: Param, value: Any) -> str:
    if param.kind == "country_groups":
        return "\n".join(", ".join(sorted(group)) for group in plain(value))
    return str(value)


def _texts(group: Group, at: int, name: str, data: Mapping[str, Any]) -> dict[str, Any]:
    kind = KINDS[group].get(name)
    return {param.name: data.get(f"{group}-{at}-{param.name}", "") for param in (kind.params if kind else ())}


class TryForm(forms.Form):
    """Which order, by which rules, and which of its units."""

    SCOPES = [
        ("whole", gettext_lazy("All that is not shipped, as if it were routed anew")),
        ("open", gettext_lazy("Only the units without a place")),
    ]
    q = forms.CharField(
        label=gettext_lazy("Order"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
        help_text=gettext_lazy("Its number, or the customer's name, e-mail or a SKU."),
    )
    rules = forms.TypedChoiceField(label=gettext_lazy("Rules"), coerce=int, required=False, empty_value=None)
    scope = forms.ChoiceField(label=gettext_lazy("Which units"), choices=SCOPES, required=False)

    def __init__(self, *args: Any, versions: Sequence[tuple[int, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if versions:
            self.fields["rules"].choices = versions  # type: ignore[attr-defined]
        else:
            del self.fields["rules"]  # the draft's own

    def clean_scope(self) -> str:
        return self.cleaned_data["scope"] or "whole"
