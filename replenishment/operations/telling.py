"""Mail about low stock: at once with a pause for each SKU, or once a day. What is told is marked in the same transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse

from core.mail import queue_mail
from core.models import User
from core.shop import shop
from orders.queries import shop_zone
from replenishment.models import Alert, AlertPreference, ReplenishmentSettings
from replenishment.operations.evaluating import LOCK_CLASS, LOCKS, Subject
from replenishment.queries import replenishment_settings, stock_now
from replenishment.states import AlertState, Frequency, News

#: The most alerts that are told in one transaction, and the most that one mail lists by name.
AT_ONCE, LISTED = 5_000, 100

#: Alerts with news whose SKU was not mailed within the pause. Rows that an evaluation holds are left for the next time.
_DUE = """
    SELECT a.id FROM replenishment_alert a
     WHERE a.news <> '' AND (a.state = 'open' OR a.news = 'back' AND a.state = 'resolved')
       AND NOT EXISTS (SELECT FROM replenishment_alert b
                        WHERE b.variant_id = a.variant_id AND coalesce(b.location_id, 0) = coalesce(a.location_id, 0)
                          AND b.told_at > %s)
     ORDER BY a.id LIMIT %s FOR UPDATE OF a SKIP LOCKED
"""
#: How often the variants' subjects crossed their points since they were told last, a moment at the earliest.
_CROSSINGS = """
    SELECT a.variant_id, a.location_id, count(*) FILTER (WHERE a.opened_at > t.told_at)
      FROM replenishment_alert a
      JOIN LATERAL (SELECT greatest(max(b.told_at), %s) AS told_at FROM replenishment_alert b
                     WHERE b.variant_id = a.variant_id AND coalesce(b.location_id, 0) = coalesce(a.location_id, 0)) t ON true
     WHERE a.variant_id = ANY(%s) AND a.opened_at > %s GROUP BY 1, 2
"""
#: Crossings further back are not counted in mails.
RECENT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Told:
    """A line of a mail. crossings: how often the reorder point was reached since somebody was told."""

    sku: str
    title: str
    location: str
    news: str
    threshold: int
    available: int
    incoming: int
    crossings: int


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets which mail: preference and person in one."""

    user: User
    location_ids: frozenset[int]
    back_in_stock: bool

    def wants(self, alert: Alert) -> bool:
        return not self.location_ids or alert.location_id is None or alert.location_id in self.location_ids


def tell_news(*, now: datetime) -> int:
    """Queue the mail for people who want to hear at once; the number of alerts with news. Each piece of news is told once.

    A SKU that crosses its point again and again is told once in a pause; the mail says how often it happened.
    """
    pause = timedelta(minutes=replenishment_settings().mail_pause_minutes)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_CLASS, LOCKS])  # one mailer at a time
            cursor.execute(_DUE, [now - pause, AT_ONCE])
            ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return 0
        alerts = _current(_alerts(ids))
        lines = _lines(alerts, since=now - RECENT)
        heard: set[int] = set()
        for recipient in recipients(Frequency.AT_ONCE):
            mine = [alert for alert in alerts if recipient.wants(alert)]
            if not recipient.back_in_stock:
                mine = [alert for alert in mine if alert.news != News.BACK]
            if mine:
                key = f"low_stock:{recipient.user.pk}:{mine[0].pk}.{mine[0].version}"
                _mail(recipient, "low_stock", [lines[alert.pk] for alert in mine], key=key, now=now)
                heard.update(alert.pk for alert in mine)
        Alert.objects.filter(pk__in=heard).update(told_at=now)
        Alert.objects.filter(pk__in=ids).update(news="")
    return len(alerts)


def send_digest(*, now: datetime) -> int:
    """Queue the daily mail once it is the hour in the shop's zone, once for each of its days; the number of mails.

    An hour that a change of the clocks leaves out is reached with the next one, and one that it repeats is the same day still. A shop that
    was asleep at that hour gets its mail late rather than never.
    """
    zone = shop_zone()
    local = now.astimezone(zone)
    with transaction.atomic():
        ReplenishmentSettings.objects.get_or_create(id=1)
        decided = ReplenishmentSettings.objects.select_for_update().get(id=1)
        if local.hour < decided.digest_hour or (decided.digest_done_on and decided.digest_done_on >= local.date()):
            return 0
        ReplenishmentSettings.objects.filter(id=1).update(digest_done_on=local.date())
        people = recipients(Frequency.DAILY)
        if not people:
            return 0
        low = Alert.objects.filter(state=AlertState.OPEN).select_related("variant", "location")
        alerts = list(low.order_by("-kind", "variant__sku", "pk")[:AT_ONCE])
        lines = _lines(alerts, since=now - timedelta(days=1))
        sent = 0
        for recipient in people:
            if mine := [lines[alert.pk] for alert in alerts if recipient.wants(alert)]:
                key = f"low_stock_digest:{recipient.user.pk}:{local.date().isoformat()}"
                _mail(recipient, "low_stock_digest", mine, key=key, now=now)
                sent += 1
    return sent


def recipients(frequency: str) -> list[Recipient]:
    """The people with an address who want mail this often. Who never said gets the daily one if they may restock, else none."""
    said = {preference.user_id: preference for preference in AlertPreference.objects.all()}
    found = []
    for user in User.objects.filter(is_active=True).exclude(email="").order_by("pk"):
        preference = said.get(user.pk) or default_preference(user)
        if preference.frequency == frequency and user.can("replenishment.view"):
            found.append(Recipient(user, frozenset(preference.location_ids), preference.back_in_stock))
    return found


def default_preference(user: User) -> AlertPreference:
    """What holds for a person who never said."""
    daily = user.can("replenishment.edit")
    return AlertPreference(user=user, frequency=Frequency.DAILY if daily else Frequency.NONE)


def _alerts(ids: Sequence[int]) -> list[Alert]:
    return list(Alert.objects.filter(pk__in=ids).select_related("variant", "location").order_by("pk"))


def _current(alerts: Sequence[Alert]) -> list[Alert]:
    """Without what came back and is out again meanwhile."""
    resolved = [alert for alert in alerts if alert.state == AlertState.RESOLVED]
    if not resolved:
        return list(alerts)
    live = Alert.objects.filter(variant_id__in={alert.variant_id for alert in resolved}, kind="out").exclude(
        state=AlertState.RESOLVED
    )
    out = set(live.values_list("variant_id", "location_id"))
    return [
        alert
        for alert in alerts
        if alert.state != AlertState.RESOLVED or (alert.variant_id, alert.location_id) not in out
    ]


def _lines(alerts: Sequence[Alert], *, since: datetime) -> dict[int, Told]:
    """Each alert as a line, with the stock of now. Two statements."""
    stock = stock_now((alert.variant_id, alert.location_id) for alert in alerts)
    crossings = _crossings({alert.variant_id for alert in alerts}, since=since)
    lines = {}
    for alert in alerts:
        key = (alert.variant_id, alert.location_id)
        available, incoming = stock.get(key, (0, 0))
        lines[alert.pk] = Told(
            alert.variant.sku, alert.variant.title, alert.location.name if alert.location else "", alert.news or alert.kind,
            alert.threshold, available, incoming, crossings[key],
        )  # fmt: skip
    return lines


def _crossings(variant_ids: Iterable[int], *, since: datetime) -> Counter[Subject]:
    with connection.cursor() as cursor:
        cursor.execute(_CROSSINGS, [since, list(variant_ids), since])
        return Counter({(variant, place): n for variant, place, n in cursor.fetchall()})


def _mail(recipient: Recipient, template: str, lines: Sequence[Told], *, key: str, now: datetime) -> None:
    context: dict[str, Any] = {
        "out": [line for line in lines[:LISTED] if line.news == News.OUT],
        "low": [line for line in lines[:LISTED] if line.news == News.LOW],
        "back": [line for line in lines[:LISTED] if line.news == News.BACK],
        "count": len(lines),
        "more": max(0, len(lines) - LISTED),
        "first": lines[0],
        "url": settings.PUBLIC_URL + reverse("alerts"),
    }
    user = recipient.user
    queue_mail(
        to=user.email, template=template, context=context, language=user.language or shop().language, dedupe_key=key, now=now
    )  # fmt: skip
