"""Parameters of rules: a small schema that a form can draw, an API can document and the engine can trust."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

Kind = Literal["integer", "number", "country_groups"]


def gettext_noop(text: str) -> str:
    """Mark ``text`` for the translators' catalogue; whoever shows it translates it."""
    return text


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a rule. minimum: smallest allowed value of an integer or a number."""

    name: str
    label: str
    kind: Kind
    default: Any
    minimum: float | None = None
    help: str = ""


class RuleError(ValueError):
    """A rule that the engine cannot run. rule: its name; param: the parameter at fault, or None for the name itself."""

    def __init__(self, rule: str, param: str | None, message: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.param = param


def settle(rule: str, schema: tuple[Param, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a rule, defaults filled in. Raises RuleError for an unknown name or a wrong value."""
    known = {param.name for param in schema}
    for name in given:
        if name not in known:
            raise RuleError(rule, name, f"{rule} has no parameter {name!r}")
    return {param.name: _value(rule, param, given.get(param.name, param.default)) for param in schema}


def _value(rule: str, param: Param, value: Any) -> Any:
    if param.kind == "country_groups":
        return _groups(rule, param, value)
    whole = param.kind == "integer"
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise RuleError(rule, param.name, f"{param.name} must be a {param.kind}, not {value!r}")
    if not isfinite(value):
        raise RuleError(rule, param.name, f"{param.name} must be finite")
    if param.minimum is not None and value < param.minimum:
        raise RuleError(rule, param.name, f"{param.name} must be at least {param.minimum}")
    return value


def _groups(rule: str, param: Param, value: Any) -> tuple[frozenset[str], ...]:
    if not isinstance(value, list | tuple):
        raise RuleError(rule, param.name, f"{param.name} must be a list of lists of country codes")
    for group in value:
        if not isinstance(group, list | tuple | set | frozenset) or not all(
            isinstance(code, str) and len(code) == 2 and code.isalpha() and code.isupper() for code in group
        ):
            raise RuleError(rule, param.name, f"{param.name} must hold lists of two-letter country codes")
    return tuple(frozenset(group) for group in value)
