"""Bring the promises of waiting lines in line with what is on its way, and tell customers whose day has moved.

Whoever computes holds the lock of the variants first and reads afterwards, so the last word about a variant is always about what is
newest. Nothing of orders, purchases or stock is locked: a promise follows them and decides nothing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from backorders.models import FillingSettings, LinePromise, PromisePart
from backorders.operations.settings import filling_settings
from backorders.reading import STOCK, Facts, read_facts
from backorders.sharing import Part, Told, allocate, news, promised_on, rank
from core import formats
from core.actors import Actor
from core.mail import queue_mail
from core.timeline import record_many
from fulfillment.delivery.book import current_book
from orders.models import Order, OrderLine
from orders.queries import shop_zone

#: Class of the advisory locks of promises, and among how many locks the variants are spread.
LOCK_CLASS, LOCKS = 41_057, 64
#: Variants computed in one transaction.
AT_ONCE = 200
PROMISES = Actor.system("promises")

_LOCK = """
    SELECT pg_advisory_xact_lock(%s, bucket)
      FROM (SELECT DISTINCT (variant %% %s)::int AS bucket FROM unnest(%s::bigint[]) AS v (variant) ORDER BY 1 OFFSET 0) AS wanted
"""
#: Of these variants the ones somebody waits for, or is still said to.
_WAITED_FOR = """
    SELECT v FROM unnest(%s::bigint[]) AS v
     WHERE EXISTS (SELECT FROM orders_orderline ol WHERE ol.variant_id = v AND ol.backordered > 0)
        OR EXISTS (SELECT FROM backorders_linepromise p WHERE p.variant_id = v)
     ORDER BY v
"""
_ALL = """
    SELECT variant_id FROM orders_orderline WHERE backordered > 0 AND variant_id IS NOT NULL
     UNION SELECT variant_id FROM backorders_linepromise ORDER BY 1
"""


def recompute(variant_ids: Iterable[int], *, now: datetime) -> int:
    """Compute the promises of these variants anew, some hundred in a transaction; the number of lines whose promise changed."""
    wanted = sorted(set(variant_ids))
    if not wanted:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_WAITED_FOR, [wanted])
        found = [row[0] for row in cursor.fetchall()]
    return sum(_recompute(found[i : i + AT_ONCE], now=now) for i in range(0, len(found), AT_ONCE))


def recompute_all(*, now: datetime) -> int:
    """Every promise anew: days pass, and a message may have been lost."""
    with connection.cursor() as cursor:
        cursor.execute(_ALL, [])
        found = [row[0] for row in cursor.fetchall()]
    return sum(_recompute(found[i : i + AT_ONCE], now=now) for i in range(0, len(found), AT_ONCE))


@dataclass(slots=True)
class _Change:
    """What becomes of the promise of a line."""

    promise: LinePromise
    parts: Sequence[Part]
    told: str = ""
    before: date | None = None


@dataclass(slots=True)
class _Round:
    """What is to be written."""

    new: list[_Change] = field(default_factory=list)
    changed: list[_Change] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)


def _recompute(variant_ids: Sequence[int], *, now: datetime) -> int:
    if not variant_ids:
        return 0
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, [LOCK_CLASS, LOCKS, list(variant_ids)])
        how = filling_settings()
        facts = read_facts(variant_ids, book=current_book(), today=now.astimezone(shop_zone()).date())
        found = _compare(variant_ids, facts, shares_of(facts, how.strategy), how, now=now)
        documents = {s.key: (s.document, s.number[:24]) for sources in facts.sources.values() for s in sources}
        _write(found, documents | {"": (None, "")})
        _tell([change for change in (*found.new, *found.changed) if change.told], now=now)
        return len(found.new) + len(found.changed) + len(found.gone)


def shares_of(facts: Facts, strategy: str) -> dict[int, list[Part]]:
    """line id → its parts, as the strategy shares out what is on its way."""
    shares: dict[int, list[Part]] = {}
    for variant_id, lines in facts.lines.items():
        sources = facts.sources.get(variant_id, [])
        orders = [facts.orders[pk] for pk in dict.fromkeys(line.order_id for line in lines)]
        wanted = sum(line.units for line in lines)
        total = sum(wanted if source.units is None else source.units for source in sources)
        place = {pk: n for n, pk in enumerate(rank(orders, strategy, {variant_id: total}))}
        shares |= allocate(sorted(lines, key=lambda line: (place[line.order_id], line.line_id)), sources)
    return shares


def _compare(
    variant_ids: Sequence[int], facts: Facts, shares: Mapping[int, list[Part]], how: FillingSettings, *, now: datetime
) -> _Round:
    known = {row.line_id: row for row in LinePromise.objects.filter(variant_id__in=list(variant_ids))}
    parts: dict[int, dict[str, tuple[int, date | None]]] = defaultdict(dict)
    for row in PromisePart.objects.filter(promise__in=[promise.pk for promise in known.values()]):
        parts[row.promise_id][row.source] = (row.units, row.promised_on)
    found = _Round()
    for variant_id, lines in facts.lines.items():
        for line in lines:
            share = shares[line.line_id]
            promise = known.pop(line.line_id, None)
            placed_at = facts.orders[line.order_id].placed_at
            fresh = promise is None
            if promise is None:
                promise = LinePromise(
                    line_id=line.line_id, order_id=line.order_id, variant_id=variant_id, waiting_since=placed_at
                )
            same = {part.source: (part.units, part.promised_on) for part in share}
            change = _promise(promise, share, line.units, how, now=now)
            if fresh:
                found.new.append(change)
            elif same != parts[promise.pk] or change.told or _differs(change, line.units):
                found.changed.append(change)
    found.gone = [promise.pk for promise in known.values()]
    return found


def _differs(change: _Change, units: int) -> bool:
    return change.promise.units != units or change.before != change.promise.promised_on


def _promise(
    promise: LinePromise, share: Sequence[Part], units: int, how: FillingSettings, *, now: datetime
) -> _Change:
    """Set what is promised now, and what the customer knows of it after this."""
    day = promised_on(share)
    change = _Change(promise, share, before=promise.promised_on)
    told = Told(promise.first_promised_on is not None, promise.told_on, promise.told)
    here = all(part.source == STOCK for part in share)
    change.told = news(told, day, quiet_days=how.quiet_days, tell_first=how.tell_first, here=here)
    if promise.first_promised_on is None and day is not None:
        promise.first_promised_on = promise.told_on = day
    if change.told:
        change.before, promise.told_on, promise.told_at = told.day, day, now
        promise.told += 1
    promise.units, promise.promised_on = units, day
    return change


def _write(found: _Round, documents: Mapping[str, tuple[int | None, str]]) -> None:
    LinePromise.objects.filter(pk__in=found.gone).delete()
    LinePromise.objects.bulk_create([change.promise for change in found.new])
    LinePromise.objects.bulk_update(
        [change.promise for change in found.changed],
        ["units", "promised_on", "first_promised_on", "told_on", "told_at", "told"],
        batch_size=500,
    )
    PromisePart.objects.filter(promise__in=[change.promise.pk for change in found.changed]).delete()
    PromisePart.objects.bulk_create(
        [
            PromisePart(
                promise_id=change.promise.pk,
                source=part.source,
                units=part.units,
                promised_on=part.promised_on,
                document=documents[part.source][0],
                number=documents[part.source][1],
            )
            for change in (*found.new, *found.changed)
            for part in change.parts
        ],
        batch_size=2000,
    )


def _tell(changes: Sequence[_Change], *, now: datetime) -> None:
    """One mail for each order, whatever the number of its lines that moved."""
    if not changes:
        return
    by_order: dict[int, list[_Change]] = defaultdict(list)
    for change in changes:
        by_order[change.promise.order_id].append(change)
    orders = Order.objects.in_bulk(by_order)
    lines = OrderLine.objects.in_bulk([change.promise.line_id for change in changes])
    history = []
    for order_id, moved in sorted(by_order.items()):
        moved.sort(key=lambda change: lines[change.promise.line_id].position)
        if _mail(orders[order_id], [(change, lines[change.promise.line_id]) for change in moved], now=now):
            told = [
                {"sku": lines[c.promise.line_id].sku, "before": _iso(c.before), "day": _iso(c.promise.promised_on)}
                for c in moved
            ]
            history.append((orders[order_id].subject, "promise.told", {"lines": told}))
    if history:
        record_many(history, actor=PROMISES, at=now)


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def _mail(order: Order, moved: Sequence[tuple[_Change, OrderLine]], *, now: datetime) -> bool:
    kinds = {change.told for change, _line in moved}
    key = ",".join(f"{change.promise.line_id}.{change.promise.told}" for change, _line in moved)
    with translation.override(order.language):
        items = [f"{change.promise.units} × {line.title}: {_said(change)}" for change, line in moved]
    return queue_mail(
        to=order.email,
        template="promise_moved",
        context={
            "order_number": order.number,
            "name": order.customer_name,
            "items": items,
            "kind": kinds.pop() if len(kinds) == 1 else "mixed",
            "url": settings.PUBLIC_URL + reverse("tracking", args=[order.token]),
        },
        language=order.language,
        dedupe_key=f"promise:{order.pk}:{hashlib.sha256(key.encode()).hexdigest()[:32]}",
        about=order.subject,
        now=now,
    )


def _said(change: _Change) -> str:
    """The new day in the language that is active, with the one known before."""
    day, before = change.promise.promised_on, change.before
    if day is None:
        return _("we do not know the new day yet (it was {before}).").format(before=formats.day(before))
    if before is None or change.told == "first":
        return _("leaves us about {day}.").format(day=formats.day(day))
    return _("leaves us about {day} (before: {before}).").format(day=formats.day(day), before=formats.day(before))
