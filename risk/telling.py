"""Findings and problems in sentences, in the reader's language: what is kept is the kind and its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from babel import Locale
from django.utils.translation import get_language, gettext_lazy, ngettext, to_locale

from core.money import format_money
from risk.states import RuleKind

_SOURCES = {
    "email": gettext_lazy("e-mail address"),
    "phone": gettext_lazy("phone number"),
    "address": gettext_lazy("shipping address"),
}
_FIELDS = {
    "name": gettext_lazy("Name"),
    "line1": gettext_lazy("Street and number"),
    "city": gettext_lazy("City"),
    "province": gettext_lazy("Province"),
    "postal_code": gettext_lazy("Postal code"),
    "country": gettext_lazy("Country"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A finding or a problem as people read it. title: the kind of rule, or the field of the address."""

    title: str
    sentence: str
    score: int = 0


def tell_findings(findings: list[dict[str, Any]]) -> list[Told]:
    """Sentences of what rules found."""
    labels = dict(RuleKind.choices)
    return [Told(str(labels[one["kind"]]), tell_finding(one["kind"], one["values"]), one["score"]) for one in findings]


def tell_finding(kind: str, values: Mapping[str, Any]) -> str:
    """One finding with its values."""
    told = _readable(values)
    if kind == RuleKind.VOIDED_BEFORE:
        text = ngettext(
            "{count} payment of this customer came to nothing before.",
            "{count} payments of this customer came to nothing before.",
            int(values["count"]),
        )
        return text.format(**told)
    return str(_SENTENCES[kind]).format(**told)


_SENTENCES = {
    RuleKind.AMOUNT: gettext_lazy("The total of {total} is above {limit}."),
    RuleKind.COUNTRIES_DIFFER: gettext_lazy("It is billed to {billing} and shipped to {shipping}."),
    RuleKind.ADDRESSES_DIFFER: gettext_lazy("The billing address is not the shipping address."),
    RuleKind.VELOCITY: gettext_lazy(
        "{count} orders with the same {source} within {hours} hours; the rule says {orders}."
    ),
    RuleKind.DISPOSABLE_EMAIL: gettext_lazy("{domain} gives out throw-away e-mail addresses."),
    RuleKind.FIRST_ORDER: gettext_lazy("It is the customer's first order, and its total of {total} is above {limit}."),
    RuleKind.COUNTRY: gettext_lazy("{country} is on the list of risky countries."),
    RuleKind.MANY_UNITS: gettext_lazy("{units} units of {sku}; the rule says {limit}."),
}


def _readable(values: Mapping[str, Any]) -> dict[str, Any]:
    told = dict(values)
    if currency := values.get("currency"):
        for name in ("total", "limit"):
            told[name] = format_money(Decimal(values[name]), currency)
    for name in ("billing", "shipping", "country"):
        if name in values:
            told[name] = country_name(values[name])
    if "source" in values:
        told["source"] = _SOURCES[values["source"]]
    return told


def country_name(code: str) -> str:
    """A country in the reader's language, or its code."""
    return str(Locale.parse(to_locale(get_language() or "en")).territories.get(code, code))


_PROBLEMS = {
    "required": gettext_lazy("It is missing, and the post of {country} needs it."),
    "unknown_country": gettext_lazy("“{given}” is no country."),
    "no_country": gettext_lazy("Without a country nothing can be sent."),
    "no_name": gettext_lazy("There is nobody to hand it to."),
    "no_form": gettext_lazy("“{given}” is no postal code of {country}; one looks like {example}."),
    "elsewhere": gettext_lazy("“{given}” does not lie in {province}."),
    "unknown_province": gettext_lazy("“{given}” is no province of {country}."),
}


def tell_problems(problems: list[dict[str, Any]]) -> list[Told]:
    """Sentences of what is wrong with an address, each with its field."""
    return [
        Told(
            str(_FIELDS.get(one["field"], one["field"])), str(_PROBLEMS[one["code"]]).format(**_readable(one["values"]))
        )
        for one in problems
    ]


def tell_rule(kind: str, params: Mapping[str, Any]) -> str:
    """What a rule asks, in a sentence."""
    told = dict(params)
    if "currency" in params:
        told["limit"] = format_money(Decimal(params["limit"]), params["currency"])
    if "source" in params:
        told["source"] = _SOURCES[params["source"]]
    if "countries" in params:
        told["countries"] = ", ".join(country_name(code) for code in params["countries"])
    return str(_RULES[kind]).format(**told)


_RULES = {
    RuleKind.AMOUNT: gettext_lazy("The total is above {limit}."),
    RuleKind.COUNTRIES_DIFFER: gettext_lazy("Billing and shipping address lie in different countries."),
    RuleKind.ADDRESSES_DIFFER: gettext_lazy("Billing and shipping address differ."),
    RuleKind.VELOCITY: gettext_lazy("At least {orders} orders with the same {source} within {hours} hours."),
    RuleKind.DISPOSABLE_EMAIL: gettext_lazy("The e-mail address is of a throw-away service."),
    RuleKind.FIRST_ORDER: gettext_lazy("The customer's first order, and its total is above {limit}."),
    RuleKind.COUNTRY: gettext_lazy("Billed or shipped to one of: {countries}."),
    RuleKind.MANY_UNITS: gettext_lazy("At least {units} units of one SKU."),
    RuleKind.VOIDED_BEFORE: gettext_lazy("A payment of the customer came to nothing before."),
}
