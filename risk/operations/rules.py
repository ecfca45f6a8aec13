"""Keep the rules and thresholds. Each change raises the version that assessments name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.models import Shop
from core.refusals import Invalid, NotFound
from core.timeline import record
from risk.models import RiskRule, RiskSettings
from risk.states import RuleKind

SUBJECT = "risk:rules"


def change_settings(*, review_at: int, hold_at: int, hold_addresses: bool, actor: Actor, now: datetime) -> RiskSettings:
    """Set the thresholds and whether undeliverable addresses hold their order. Raises Invalid."""
    if not 0 < review_at <= hold_at:
        raise Invalid(
            "bad_threshold", _("An order that is held must be reviewed too: not below the other one."), field="hold_at"
        )
    with transaction.atomic():
        settings = _changing()
        settings.review_at, settings.hold_at, settings.hold_addresses = review_at, hold_at, hold_addresses
        settings.save()
        record(
            SUBJECT,
            "risk.settings",
            actor=actor,
            at=now,
            review_at=review_at,
            hold_at=hold_at,
            hold_addresses=hold_addresses,
        )
        return settings


def add_rule(
    *, kind: str, params: Mapping[str, Any], score: int, active: bool = True, actor: Actor, now: datetime
) -> RiskRule:
    """Add a rule; params are those of its kind, checked by the form or the caller. Raises Invalid for an unknown kind."""
    if kind not in RuleKind.values:
        raise Invalid("bad_kind", _("There is no such kind of rule."), field="kind")
    with transaction.atomic():
        _changing().save()
        rule = RiskRule.objects.create(kind=kind, params=dict(params), score=score, active=active)
        _record(rule, "risk.rule_added", actor=actor, now=now)
        return rule


def change_rule(
    *, rule_id: int, params: Mapping[str, Any], score: int, active: bool, actor: Actor, now: datetime
) -> RiskRule:
    """Change a rule. Raises NotFound."""
    with transaction.atomic():
        _changing().save()
        rule = _find(rule_id)
        rule.params, rule.score, rule.active = dict(params), score, active
        rule.save()
        _record(rule, "risk.rule_changed", actor=actor, now=now)
        return rule


def remove_rule(*, rule_id: int, actor: Actor, now: datetime) -> None:
    """Take a rule away; assessments keep what it said. Raises NotFound."""
    with transaction.atomic():
        _changing().save()
        rule = _find(rule_id)
        _record(rule, "risk.rule_removed", actor=actor, now=now)
        rule.delete()


def add_usual_rules(*, actor: Actor, now: datetime) -> list[RiskRule]:
    """The rules most shops begin with, in the shop's currency; nothing where there are rules already."""
    with transaction.atomic():
        _changing()  # its lock: two who begin at once begin once
        if RiskRule.objects.exists():
            return []
        currency = Shop.objects.values_list("currency", flat=True).first() or "EUR"
        return [
            add_rule(kind=kind, params=params, score=score, actor=actor, now=now)
            for kind, params, score in (
                (RuleKind.AMOUNT, {"limit": "1000", "currency": currency}, 30),
                (RuleKind.COUNTRIES_DIFFER, {}, 40),
                (RuleKind.VELOCITY, {"orders": 4, "hours": 24, "source": "email"}, 40),
                (RuleKind.VELOCITY, {"orders": 5, "hours": 24, "source": "address"}, 40),
                (RuleKind.DISPOSABLE_EMAIL, {}, 60),
                (RuleKind.FIRST_ORDER, {"limit": "500", "currency": currency}, 30),
                (RuleKind.MANY_UNITS, {"units": 20}, 30),
                (RuleKind.VOIDED_BEFORE, {}, 40),
            )
        ]


def _changing() -> RiskSettings:
    """The settings under lock, with the next version: changes of rules take turns."""
    RiskSettings.objects.bulk_create([RiskSettings(pk=1)], ignore_conflicts=True)
    settings = RiskSettings.objects.select_for_update().get(pk=1)
    settings.version += 1
    return settings


def _find(rule_id: int) -> RiskRule:
    rule = RiskRule.objects.filter(pk=rule_id).first()
    if rule is None:
        raise NotFound("no_such_rule", _("There is no such rule."))
    return rule


def _record(rule: RiskRule, kind: str, *, actor: Actor, now: datetime) -> None:
    record(SUBJECT, kind, actor=actor, at=now, rule=rule.kind, params=rule.params, score=rule.score, active=rule.active)
