"""Reads of risk: facts of many orders in a fixed number of statements, the rules, and what the pages list."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from core.addresses import Address, postal_key
from core.money import quantize
from core.text import fold
from orders.models import Order
from orders.states import Lifecycle
from risk.models import AddressCheck, RiskAssessment, RiskRule, RiskSettings
from risk.rules import Facts, Finding, Rule, evaluate, level_of
from risk.states import Level, RuleKind

_FIELDS = (
    "id", "number", "placed_at", "customer_id", "email", "phone", "currency", "total", "ship_country", "shipping_address",
    "billing_address", "payment_voided", "rate__currency", "rate__rate",
)  # fmt: skip


def current_settings() -> RiskSettings:
    """The one row; its defaults where nobody has set anything."""
    return RiskSettings.objects.filter(pk=1).first() or RiskSettings(pk=1)


def active_rules() -> list[RiskRule]:
    """The rules that count."""
    return list(RiskRule.objects.filter(active=True).order_by("pk"))


def facts_of(order_ids: Collection[int], rules: Sequence[Rule]) -> dict[int, Facts]:
    """What these rules ask of these orders: at most four statements, whatever their number. Orders that arrived finished are left
    out. Orders of one source are counted from the traces, so write those first."""
    rows = list(Order.objects.filter(pk__in=order_ids, historic=False).order_by("pk").values(*_FIELDS))
    kinds = {rule.kind for rule in rules}
    units = _most_units(order_ids) if RuleKind.MANY_UNITS in kinds else {}
    before = _known_before(order_ids) if kinds & {RuleKind.FIRST_ORDER, RuleKind.VOIDED_BEFORE} else {}
    velocity = _velocity(rows, rules) if RuleKind.VELOCITY in kinds else {}
    return {row["id"]: _facts(row, units, before, velocity.get(row["id"], {})) for row in rows}


def _facts(
    row: Mapping[str, Any],
    units: Mapping[int, tuple[int, str]],
    before: Mapping[int, tuple[bool, int]],
    velocity: Mapping[tuple[str, int], int],
) -> Facts:
    shipping, billing = Address.from_json(row["shipping_address"]), Address.from_json(row["billing_address"])
    amounts = {row["currency"]: row["total"]}
    if row["rate__rate"]:
        amounts[row["rate__currency"]] = quantize(row["total"] * row["rate__rate"], row["rate__currency"])
    known, voided = before.get(row["id"], (False, 0))
    most, sku = units.get(row["id"], (0, ""))
    return Facts(
        order_id=row["id"], amounts=amounts, currency=row["currency"], email=row["email"], ship_country=row["ship_country"],
        bill_country=billing.country, addresses_differ=bool(row["billing_address"]) and address_key(shipping) != address_key(billing),
        most_units=most, most_units_sku=sku, first=not known, voided_before=voided, velocity=velocity,
    )  # fmt: skip


_MOST_UNITS = """
    SELECT DISTINCT ON (order_id) order_id, units, sku
      FROM (SELECT order_id, sku, sum(ordered - cancelled) AS units FROM orders_orderline WHERE order_id = ANY(%s) GROUP BY 1, 2) l
     ORDER BY order_id, units DESC, sku
"""
# Orders of the customer that were placed before, those of the same moment by their number; each customer is looked at once.
_KNOWN_BEFORE = """
    WITH asked AS (SELECT id, customer_id, placed_at, payment_voided FROM orders_order WHERE id = ANY(%s) AND customer_id IS NOT NULL),
         voided AS (SELECT c.customer_id, count(*) AS n FROM (SELECT DISTINCT customer_id FROM asked) c
                      JOIN orders_order p ON p.customer_id = c.customer_id AND p.payment_voided GROUP BY 1)
    SELECT a.id,
           EXISTS (SELECT FROM orders_order p WHERE p.customer_id = a.customer_id AND (p.placed_at, p.id) < (a.placed_at, a.id)
                      AND p.lifecycle <> 'cancelled'),
           coalesce(v.n, 0) - a.payment_voided::int
      FROM asked a LEFT JOIN voided v ON v.customer_id = a.customer_id
"""
# The fullest stretch of so many hours that the order lies in: so it does not matter which order of a burst is looked at first. Time
# is counted in stretches (epoch / length), for a window's width must be a constant.
_VELOCITY = """
    SELECT order_id, kind, hours, max(count)
      FROM (SELECT n.order_id, n.kind, n.hours, n.at, t.at AS begins,
                   count(*) OVER (PARTITION BY n.order_id, n.kind, n.hours ORDER BY extract(epoch FROM t.at) / (n.hours * 3600)
                                  RANGE BETWEEN CURRENT ROW AND 1 FOLLOWING) AS count
              FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::int[]) AS n (order_id, kind, key, at, hours)
              JOIN risk_risktrace t ON t.key = n.key AND t.kind = n.kind
               AND t.at >= n.at - make_interval(hours => n.hours) AND t.at <= n.at + make_interval(hours => n.hours)) stretch
     WHERE begins <= at GROUP BY 1, 2, 3
"""


def _most_units(order_ids: Collection[int]) -> dict[int, tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(_MOST_UNITS, [list(order_ids)])
        return {order_id: (int(units), sku) for order_id, units, sku in cursor.fetchall()}


def _known_before(order_ids: Collection[int]) -> dict[int, tuple[bool, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN_BEFORE, [list(order_ids)])
        return {order_id: (known, voided) for order_id, known, voided in cursor.fetchall()}


def _velocity(rows: Iterable[Mapping[str, Any]], rules: Iterable[Rule]) -> dict[int, dict[tuple[str, int], int]]:
    asked = {(rule.params["source"], int(rule.params["hours"])) for rule in rules if rule.kind == RuleKind.VELOCITY}
    columns: list[tuple[Any, ...]] = [
        (row["id"], source, key, row["placed_at"], hours)
        for row in rows
        for source, key in source_keys(row).items()
        for wanted, hours in sorted(asked)
        if wanted == source
    ]
    found: dict[int, dict[tuple[str, int], int]] = {}
    if columns:
        with connection.cursor() as cursor:
            cursor.execute(_VELOCITY, [list(column) for column in zip(*columns, strict=True)])
            for order_id, source, hours, count in cursor.fetchall():
                found.setdefault(order_id, {})[source, hours] = count
    return found


def source_keys(row: Mapping[str, Any]) -> dict[str, str]:
    """Source → hash of the e-mail address, phone number and shipping address of an order, of those that say something."""
    digits = "".join(char for char in fold(row["phone"]) if char.isdigit())
    found = {
        "email": row["email"].strip().lower(),
        "phone": digits[-9:] if len(set(digits)) > 2 and len(digits) >= 7 else "",
        "address": address_key(Address.from_json(row["shipping_address"])),
    }
    return {source: hashlib.sha256(text.encode()).hexdigest()[:32] for source, text in found.items() if text}


def address_key(address: Address) -> str:
    """One form of a place, whatever the spelling: letters and digits of street, city, postal code and country; "" without a street."""
    street = "".join(char for char in fold(address.line1 + address.line2) if char.isalnum())
    city = "".join(char for char in fold(address.city) if char.isalnum())
    return f"{street}|{city}|{postal_key(fold(address.postal_code))}|{address.country}" if street else ""


@dataclass(frozen=True, slots=True)
class Tried:
    """What rules would say of some orders. flagged: rule's place in what was asked → orders it speaks against."""

    orders: int
    flagged: dict[int, int]
    review: int
    hold: int


def try_rules(rules: Sequence[RiskRule], settings: RiskSettings, *, last: int) -> Tried:
    """How many of the newest orders each rule would flag, active or not, and what the active ones add up to. Writes nothing."""
    ids = list(Order.objects.filter(historic=False).order_by("-placed_at", "-id").values_list("pk", flat=True)[:last])
    facts = facts_of(ids, rules)
    flagged = dict.fromkeys(range(len(rules)), 0)
    levels = {Level.REVIEW: 0, Level.HOLD: 0}
    for one in facts.values():
        total = 0
        for n, rule in enumerate(rules):
            met = bool(evaluate([_as_active(rule)], one))
            flagged[n] += met
            total += rule.score if met and rule.active else 0
        level = level_of(total, review_at=settings.review_at, hold_at=settings.hold_at)
        if level in levels:
            levels[Level(level)] += 1
    return Tried(len(facts), flagged, levels[Level.REVIEW], levels[Level.HOLD])


def _as_active(rule: RiskRule) -> RiskRule:
    return (
        rule if rule.active else RiskRule(pk=rule.pk, kind=rule.kind, params=rule.params, score=rule.score, active=True)
    )


def findings_of(facts: Facts, rules: Iterable[Rule]) -> tuple[int, list[Finding]]:
    """Score and findings of one order."""
    found = evaluate(rules, facts)
    return sum(finding.score for finding in found), found


#: Traces older than any rule looks back, and a day more.
TRACES_KEPT = timedelta(hours=24 * 31)


def listed_assessments() -> QuerySet[RiskAssessment]:
    """Flagged assessments with what their list shows of the order."""
    return (
        RiskAssessment.objects.exclude(level=Level.LOW)
        .select_related("order")
        .only(
            "score", "level", "findings", "at", "decision", "decided_label", "decided_at", "reason", "order__number", "order__placed_at",
            "order__customer_name", "order__email", "order__total", "order__currency", "order__payment", "order__fulfillment",
            "order__lifecycle",
        )
    )  # fmt: skip


def listed_checks() -> QuerySet[AddressCheck]:
    """Addresses that are not in order, with what their list shows of the order."""
    return (
        AddressCheck.objects.exclude(state="ok")
        .select_related("order")
        .only(
            "state", "undeliverable", "problems", "suggestion", "at", "settled", "settled_label", "order__number", "order__customer_name",
            "order__shipping_address", "order__lifecycle", "order__fulfillment",
        )
    )  # fmt: skip


#: Of open orders: nothing is to be decided about the others.
OPEN = {"order__lifecycle": Lifecycle.OPEN}
