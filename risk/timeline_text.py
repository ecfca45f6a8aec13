"""How risk reads in histories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.timeline_text import Change, fill, register
from risk.states import Decision, Level, RuleKind
from risk.telling import tell_rule

_LEVELS = {"level": dict(Level.choices)}
_DECISIONS = {"decision": dict(Decision.choices)}


def _with_reason(text: str, data: Mapping[str, Any]) -> str:
    return f"{text} {fill(translate('“{reason}”'), data)}" if data.get("reason") else text


def _decided(data: Mapping[str, Any]) -> str:
    return _with_reason(fill(translate("Risk decided with a score of {score}: {decision}."), data, _DECISIONS), data)


def _as_is(data: Mapping[str, Any]) -> str:
    return _with_reason(translate("It ships to the address as it is written."), data)


def _rule(sentence: Any) -> Any:
    def told(data: Mapping[str, Any]) -> str:
        rule = tell_rule(data["rule"], data["params"]) if data.get("rule") in RuleKind.values else ""
        return f"{fill(str(sentence), data)} {rule}".strip()

    return told


def _changes(data: Mapping[str, Any]) -> list[Change]:
    return [Change(name, before, after) for name, before, after in data.get("changes") or []]


register("risk.assessed", _("Risk score {score}: {level}."), words=_LEVELS, tone="bad")
register("risk.decided", _decided, tone="key")
register("address.corrected", _("The address was written in its right form."), changes=_changes)
register("address.as_is", _as_is, tone="key")
register("risk.settings", _("To review from {review_at}, held from {hold_at}."))
register("risk.rule_added", _rule(_("Rule added, score {score}:")))
register("risk.rule_changed", _rule(_("Rule changed, score {score}:")))
register("risk.rule_removed", _rule(_("Rule removed:")), tone="bad")
