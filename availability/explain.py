"""A number of a channel in words: short in a list, one sentence on its page. Names stand in it as they are: escape where shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from availability.models import AvailabilityRule, ChannelAvailability, Scope
from availability.shown import Receipt


def why(row: ChannelAvailability) -> str:
    """The row in short: “12 available − 2 kept back + 3 on budget, at most 10”."""
    text = _("{n} available").format(n=row.available)
    if row.withheld:
        text += " − " + _("{n} kept back").format(n=row.withheld)
    if row.extra:
        text += " + " + _("{n} on budget").format(n=row.extra)
    endings = {
        "maximum": _("at most {n}").format(n=row.shown),
        "never": _("never shown"),
        "inactive": _("switched off"),
    }
    return f"{text}, {endings[row.reason]}" if row.reason in endings else text


def rule_name(rule: AvailabilityRule | None) -> str:
    """What a rule speaks of, in words."""
    if rule is None:
        return _("No rule")
    if rule.scope == Scope.SKU:
        return _("SKU {sku}").format(sku=rule.variant.sku if rule.variant else "")
    if rule.scope == Scope.TAG:
        return _("Tag “{tag}”").format(tag=rule.target)
    if rule.scope == Scope.TYPE:
        return _("Type “{name}”").format(name=rule.target)
    return _("All SKUs")


def sentence(receipt: Receipt, skus: Mapping[int, str]) -> str:
    """The receipt in one sentence: “8 shown = min(A 12/1, B 16/2) − 2 kept back (20 %).”"""
    parts = [step for step in receipt["steps"] if step["step"] == "pool"]
    steps = {step["step"]: step for step in receipt["steps"] if step["step"] != "pool"}
    if "bundle" in steps:
        each = ", ".join(f"{skus.get(step['variant'], '#')} {step['available']}/{step['quantity']}" for step in parts)
        text = _("min({components})").format(components=each) if parts else _("no components")
    else:
        text = _("{n} available").format(n=receipt["available"])
    if "buffer" in steps:
        text += " − " + _buffer(steps["buffer"])
    if "budget" in steps:
        text += " + " + _budget(steps["budget"])
    text = _("{n} shown = {sum}").format(n=receipt["shown"], sum=text)
    for name in ("maximum", "never", "inactive"):
        if name in steps:
            text += "; " + _ending(name, steps[name])
    if receipt["oversold"]:
        text += "; " + _("{n} of them oversold by budget").format(n=receipt["oversold"])
    return text + "."


def _buffer(step: Mapping[str, Any]) -> str:
    text = _("{n} kept back").format(n=step["withheld"])
    if step["kind"] == "percent":
        return f"{text} ({step['value']} %)"
    if step["kind"] == "days":
        note = _("{value} days of sales, {sold} sold in 28 days").format(value=step["value"], sold=step["sold"])
        return f"{text} ({note})"
    return text


def _budget(step: Mapping[str, Any]) -> str:
    if step["backordered"]:
        return _("{open} of the oversell budget of {budget}, of which {used} are back-ordered").format(
            open=step["open"], budget=step["budget"], used=step["backordered"]
        )
    return _("{open} of the oversell budget").format(open=step["open"])


def _ending(name: str, step: Mapping[str, Any]) -> str:
    if name == "maximum":
        return _("never more than {n}").format(n=step["maximum"])
    return _("the rule never shows it") if name == "never" else _("the SKU is switched off")
