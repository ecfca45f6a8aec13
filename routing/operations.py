"""Keep the receipts of routing runs; publish rule sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.bulk import copy_rows, to_json
from core.refusals import Invalid, Stale
from core.timeline import record
from routing.models import RoutingDecision, RuleSet

def record_decisions(rows: Iterable[tuple[int, int, Mapping[str, Any]]], *, cause: str, now: datetime) -> None:
    """Store receipts: (order id, rule set version, receipt) each."""
    copy_rows(
        RoutingDecision,
        ("order_id", "rule_set_version", "receipt", "cause", "at"),
        ((order_id, version, to_json(receipt), cause, now) for order_id, version, receipt in rows),
    )


def publish_rules(*, rules: Mapping[str, Any], note: str, based_on: int, actor: Actor, now: datetime) -> RuleSet:
    """Make these rules live as a new version. Raises Invalid for rules the engine cannot run, Stale when somebody published since.

    based_on: the version that the editor was looking at.
    """
    from routing.engine.parameters import RuleError
    from routing.engine.plan import Planner
    from routing.queries import engine_rules

    with transaction.atomic():
        live = RuleSet.objects.select_for_update().filter(live=True).first()
        version = live.version if live else 0
        if version != based_on:
            raise Stale("rules_changed", _("Somebody published version {version} in the meantime.").format(version=version))
        try:
            Planner({}, engine_rules(version + 1, rules))
        except RuleError as error:
            raise Invalid("bad_rule", str(error), field="rules") from error
        RuleSet.objects.filter(live=True).update(live=False)
        newest = RuleSet.objects.order_by("-version").values_list("version", flat=True).first() or 0
        stored = RuleSet.objects.create(
            version=newest + 1, rules=dict(rules), note=note[:200], live=True, actor=actor.ref, actor_label=actor.label[:120], created_at=now
        )
        record("routing:rules", "routing.published", actor=actor, at=now, version=stored.version, note=note)
        return stored
