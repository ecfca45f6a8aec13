"""Keep the receipts of routing runs; publish rule sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.bulk import copy_rows, to_json
from core.formats import exact
from core.outbox import publish
from core.refusals import Refusal, Stale
from core.timeline import record
from routing.events import RulesPublished
from routing.models import RoutingDecision, RuleSet
from routing.queries import DEFAULT_RULES
from routing.rules import normal_form

#: Of the history of the rules in the timeline.
SUBJECT = "routing:rules"


def record_decisions(rows: Iterable[tuple[int, int, Mapping[str, Any]]], *, cause: str, now: datetime) -> None:
    """Store receipts: (order id, rule set version, receipt) each."""
    copy_rows(
        RoutingDecision,
        ("order_id", "rule_set_version", "receipt", "cause", "at"),
        ((order_id, version, to_json(receipt), cause, now) for order_id, version, receipt in rows),
    )


def publish_rules(
    *, rules: Mapping[str, Any], note: str, based_on: int, restores: int | None = None, actor: Actor, now: datetime
) -> RuleSet:
    """Make these rules live as a new version; orders that no location could ship are then tried again.

    based_on: the version that the editor was looking at (0: the rules of a new installation). restores: the old version that
    these rules are, if they are one. Sent twice by the same person, it is done once and the same version answers.
    Raises Invalid naming the place of a rule that the engine cannot run, Stale when somebody published since, and Refusal
    `rules_unchanged` when these rules are live already.
    """
    rules = normal_form(rules)
    note = note.strip()[:200]
    with transaction.atomic():
        # The first version has no row to lock, and a second publisher must see the first one's row: the table is the lock.
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE routing_ruleset IN SHARE ROW EXCLUSIVE MODE")
        live = RuleSet.objects.filter(live=True).first()
        version = live.version if live else 0
        if live and version != based_on:
            if (live.actor, live.rules, live.note) == (actor.ref, rules, note):
                return live
            raise Stale(
                "rules_changed",
                _("{who} published version {version} on {when}. Compare it with yours, then publish again.").format(
                    who=live.actor_label, version=version, when=exact(live.created_at)
                ),
                version=version,
            )
        if based_on != version:
            raise Stale("rules_changed", _("Version {version} is not live.").format(version=based_on), version=version)
        was = live.rules if live else DEFAULT_RULES
        if rules == was:
            raise Refusal("rules_unchanged", _("These rules are live already."))
        RuleSet.objects.filter(live=True).update(live=False)
        newest = RuleSet.objects.order_by("-version").values_list("version", flat=True).first() or 0
        stored = RuleSet.objects.create(
            version=newest + 1,
            rules=rules,
            note=note,
            live=True,
            actor=actor.ref,
            actor_label=actor.label[:120],
            created_at=now,
        )
        record(
            SUBJECT,
            "routing.published",
            actor=actor,
            at=now,
            version=stored.version,
            note=note,
            restores=restores,
            was=was,
            rules=rules,
        )
        publish(RulesPublished(version=stored.version), actor=actor)
        return stored
