"""The rules as pure functions: facts of an order in, findings with their values out. Nothing here reads or writes anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol

from risk.states import Level, RuleKind

#: The longest time over which orders of one source are counted; older traces are forgotten.
MOST_HOURS = 24 * 30
SOURCES = ("email", "phone", "address")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules ask of an order.

    amounts: currency → what the total is worth in it; only those that are known. velocity: (source, hours) → orders of that source
    within so many hours, this one counted. first: nobody known has ordered before. voided_before: payments that came to nothing.
    """

    order_id: int
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    currency: str = ""
    email: str = ""
    ship_country: str = ""
    bill_country: str = ""
    addresses_differ: bool = False
    most_units: int = 0
    most_units_sku: str = ""
    first: bool = False
    voided_before: int = 0
    velocity: Mapping[tuple[str, int], int] = field(default_factory=dict)


class Rule(Protocol):
    """A rule as it is kept (risk.models.RiskRule is one)."""

    pk: int | None
    kind: str
    params: Any
    score: int
    active: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that an order meets, with the values that made it so."""

    rule: int
    kind: str
    score: int
    values: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """As assessments keep it."""
        return {"rule": self.rule, "kind": self.kind, "score": self.score, "values": self.values}


def _amount(facts: Facts, params: Mapping[str, Any]) -> dict[str, Any] | None:
    amount, limit = facts.amounts.get(params["currency"]), Decimal(params["limit"])
    if amount is None or amount <= limit:
        return None
    return {"total": str(amount), "limit": str(limit), "currency": params["currency"]}


def _countries_differ(facts: Facts, _params: Mapping[str, Any]) -> dict[str, Any] | None:
    if not facts.bill_country or not facts.ship_country or facts.bill_country == facts.ship_country:
        return None
    return {"billing": facts.bill_country, "shipping": facts.ship_country}


def _addresses_differ(facts: Facts, _params: Mapping[str, Any]) -> dict[str, Any] | None:
    return {} if facts.addresses_differ else None


def _velocity(facts: Facts, params: Mapping[str, Any]) -> dict[str, Any] | None:
    count = facts.velocity.get((params["source"], int(params["hours"])), 0)
    if count < int(params["orders"]):
        return None
    return {"count": count, "source": params["source"], "hours": int(params["hours"]), "orders": int(params["orders"])}


def _disposable_email(facts: Facts, _params: Mapping[str, Any]) -> dict[str, Any] | None:
    domain = disposable_domain(facts.email)
    return {"domain": domain} if domain else None


def _first_order(facts: Facts, params: Mapping[str, Any]) -> dict[str, Any] | None:
    return _amount(facts, params) if facts.first else None


def _country(facts: Facts, params: Mapping[str, Any]) -> dict[str, Any] | None:
    for where, country in (("shipping", facts.ship_country), ("billing", facts.bill_country)):
        if country in params["countries"]:
            return {"country": country, "where": where}
    return None


def _many_units(facts: Facts, params: Mapping[str, Any]) -> dict[str, Any] | None:
    if facts.most_units < int(params["units"]):
        return None
    return {"units": facts.most_units, "sku": facts.most_units_sku, "limit": int(params["units"])}


def _voided_before(facts: Facts, _params: Mapping[str, Any]) -> dict[str, Any] | None:
    return {"count": facts.voided_before} if facts.voided_before else None


Meets = Callable[[Facts, Mapping[str, Any]], dict[str, Any] | None]
KINDS: dict[str, Meets] = {
    RuleKind.AMOUNT: _amount,
    RuleKind.COUNTRIES_DIFFER: _countries_differ,
    RuleKind.ADDRESSES_DIFFER: _addresses_differ,
    RuleKind.VELOCITY: _velocity,
    RuleKind.DISPOSABLE_EMAIL: _disposable_email,
    RuleKind.FIRST_ORDER: _first_order,
    RuleKind.COUNTRY: _country,
    RuleKind.MANY_UNITS: _many_units,
    RuleKind.VOIDED_BEFORE: _voided_before,
}


def evaluate(rules: Iterable[Rule], facts: Facts) -> list[Finding]:
    """The findings of the active rules, heaviest first. Each rule counts once."""
    found = []
    for rule in rules:
        values = KINDS[rule.kind](facts, rule.params) if rule.active else None
        if values is not None:
            found.append(Finding(rule.pk or 0, rule.kind, rule.score, values))
    return sorted(found, key=lambda finding: (-finding.score, finding.rule))


def level_of(score: int, *, review_at: int, hold_at: int) -> str:
    """What a score means."""
    if score >= hold_at:
        return Level.HOLD
    return Level.REVIEW if score >= review_at else Level.LOW


def disposable_domain(email: str) -> str:
    """The throw-away domain of an e-mail address, also where it is a part of one (`x.mailinator.com`), or ""."""
    parts = email.rpartition("@")[2].strip().lower().rstrip(".").split(".")
    domains = (".".join(parts[n:]) for n in range(len(parts) - 1))
    return next((domain for domain in domains if domain in _disposable()), "")


@lru_cache(maxsize=1)
def _disposable() -> frozenset[str]:
    from disposable_email_domains import blocklist

    return frozenset(blocklist)
