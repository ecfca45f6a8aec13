"""A person lets alerts be quiet for a while, or takes that back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.outcomes import BulkOutcome
from core.refusals import Invalid, NotFound, Refusal, Stale
from core.timeline import record_many
from replenishment.models import Alert
from replenishment.operations.evaluating import lock_variants
from replenishment.operations.policies import label_of
from replenishment.queries import available_now
from replenishment.states import ALERT_MACHINE, AlertState

#: Nothing is kept quiet for longer than this many days.
LONGEST = 366


def snooze_alerts(
    *,
    alert_ids: Sequence[int],
    until: datetime | None = None,
    units_lower: int | None = None,
    version: int | None = None,
    actor: Actor,
    now: datetime,
) -> BulkOutcome:
    """Be quiet until a moment, until available is so many units lower than now, or until the first of both.

    Raises Invalid for neither or a wrong one, Stale when `version` (of a single alert) is not the present one. Alerts that are resolved
    are refused one by one. A snooze ends with its alert: the next crossing is told.
    """
    if until is None and units_lower is None:
        raise Invalid("no_end", _("Say until when, or until how many units lower."), field="until")
    if until is not None and not now < until:
        raise Invalid("in_the_past", _("This moment has passed."), field="until")
    if until is not None and (until - now).days > LONGEST:
        raise Invalid("too_far", _("At most {days} days.").format(days=LONGEST), field="until")
    if units_lower is not None and not 1 <= units_lower <= 10_000_000:
        raise Invalid("bad_units", _("At least one unit lower."), field="units_lower")

    def change(alert: Alert, available: int) -> dict[str, Any]:
        alert.state = AlertState.SNOOZED
        alert.snoozed_until = until
        alert.snoozed_below = available - units_lower if units_lower is not None else None
        alert.news = ""
        return {"until": until, "below": alert.snoozed_below}

    return _act("snooze", alert_ids, change, version=version, actor=actor, now=now)


def wake_alerts(*, alert_ids: Sequence[int], version: int | None = None, actor: Actor, now: datetime) -> BulkOutcome:
    """Take a snooze back. Nobody is mailed: a person is looking already."""

    def change(alert: Alert, _available: int) -> dict[str, Any]:
        alert.state, alert.snoozed_until, alert.snoozed_below = AlertState.OPEN, None, None
        return {}

    return _act("wake", alert_ids, change, version=version, actor=actor, now=now)


def _act(
    name: str, alert_ids: Sequence[int], change: Any, *, version: int | None, actor: Actor, now: datetime
) -> BulkOutcome:
    """Lock the variants (as whoever evaluates does), look what the alerts are now, and change those that allow it."""
    outcome, changed, history = BulkOutcome(), [], []
    with transaction.atomic():
        lock_variants(Alert.objects.filter(pk__in=alert_ids).values_list("variant_id", flat=True))
        alerts = list(Alert.objects.filter(pk__in=alert_ids).select_related("variant", "location").order_by("pk"))
        if version is not None:
            _check_version(alerts, version)
        available = available_now([(alert.variant_id, alert.location_id) for alert in alerts])
        for alert in alerts:
            label = label_of(alert.variant.sku, alert.location.name if alert.location else None)
            try:
                ALERT_MACHINE.check(alert, name)
            except Refusal as refusal:
                outcome.refuse(label, refusal)
                continue
            data = change(alert, available.get((alert.variant_id, alert.location_id), 0))
            alert.version += 1
            changed.append(alert)
            history.append((alert.subject, f"alert.{name}", data))
            outcome.done.append(label)
        Alert.objects.bulk_update(changed, ["state", "snoozed_until", "snoozed_below", "news", "version"])
        record_many(history, actor=actor, at=now)
    return outcome


def _check_version(alerts: list[Alert], version: int) -> None:
    if not alerts:
        raise NotFound("no_such_alert", _("There is no such alert."))
    if alerts[0].version != version:
        raise Stale("stale", _("The alert changed since this page was shown. Look again."))
