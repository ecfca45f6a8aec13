"""Transactional outbox: what must happen after a commit is written with the change and done at least once.

`publish` writes a row. A relay turns each row into one delivery per subscriber; each delivery runs once, in one transaction with
its effects. Redis only rings the bell: without it the sweeps of beat find the rows.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar

from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils.module_loading import import_string

from core.actors import Actor
from core.bulk import to_json
from core.models import OutboxDelivery, OutboxEvent

log = logging.getLogger(__name__)
RELAY_BATCH = 200
#: Seconds for which a bell counts as heard; beat looks about as often anyway.
RUNG_FOR = 5
MAX_ATTEMPTS = 12
#: A delivery that was sent to a worker and not heard of again is sent anew after this time.
DELIVERY_LEASE = timedelta(seconds=60)

#: Called before events are relayed, with `now`: each turns what piled up somewhere into events (see `add_source`).
_sources: list[Callable[..., Any]] = []

#: A handler takes the event, who caused it and the time; it runs inside the transaction that marks it done.
Handler = Callable[..., None]


def own_transactions(handler: Handler) -> Handler:
    """Decorate a handler that changes several things, each in a transaction of its own, because it must not hold their locks together.

    It runs before its delivery is marked done, so it may run twice and must be safe to.
    """
    handler.own_transactions = True  # type: ignore[attr-defined]
    return handler


@dataclass(frozen=True, slots=True)
class Event:
    """Base of events: past-tense names, ids only."""

    name: ClassVar[str] = ""


_WRITE = "INSERT INTO core_outboxevent (name, payload, actor) VALUES (%s, %s::jsonb, %s)"


def publish(event: Event, *, actor: Actor) -> None:
    """Write the event in the current transaction; refuses outside one, because then it could be told without having happened."""
    if not connection.in_atomic_block:
        raise RuntimeError("publish() needs a transaction")
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [event.name, to_json(asdict(event)), actor.ref])
    ring_at_commit()


def ring_at_commit() -> None:
    """Have the relay woken when the current transaction commits."""
    if not any(function is _ring for _sids, function, _robust in connection.run_on_commit):
        transaction.on_commit(_ring, robust=True)  # once per transaction, however many events it has


def _ring() -> None:
    bell.ring("core.tasks.relay_outbox")


class Bell:
    """Tells a worker that there is something to do. When the broker is away it stays silent for a while: beat will find it."""

    def __init__(self, silence: float = 10.0) -> None:
        self.silence = silence
        self._quiet_until = 0.0

    def ring(self, task: str, *args: Any) -> bool:
        """Send a task; False when the broker could not be reached (nothing is lost, the rows are there).

        A task without arguments looks for everything that waits, so one that was rung for and has not begun (`answered`) is enough.
        """
        if time.monotonic() < self._quiet_until:
            return False
        if not args and not cache.add(f"bell:{task}", 1, RUNG_FOR):
            return True
        from celery import current_app

        try:
            current_app.send_task(task, args=args, retry=False, ignore_result=True)
        except Exception as error:  # noqa: BLE001 - kombu raises many kinds; none may reach the person who just saved
            log.warning("broker unavailable: %s", type(error).__name__)
            self._quiet_until = time.monotonic() + self.silence
            return False
        return True

    def answered(self, task: str) -> None:
        """Called by the task before it looks: what happens from now on rings again."""
        cache.delete(f"bell:{task}")


bell = Bell()


@lru_cache(maxsize=1)
def subscriptions() -> Mapping[str, tuple[type[Event], Sequence[str]]]:
    """Event name → (class, dotted paths of its handlers), from the table named by settings.OMS_SUBSCRIPTIONS."""
    table: Mapping[type[Event], Sequence[str]] = import_string(settings.OMS_SUBSCRIPTIONS)
    return {event.name: (event, tuple(handlers)) for event, handlers in table.items()}


def add_source(source: Callable[..., Any]) -> None:
    """Have `source(now=…)` called each time before events are relayed. For apps that merge many small changes into one event."""
    if source not in _sources:
        _sources.append(source)


def relay(*, now: datetime) -> int:
    """Turn waiting events into deliveries and send each to a worker; the number of events taken."""
    for source in _sources:
        source(now=now)
    with transaction.atomic():
        events = list(
            OutboxEvent.objects.select_for_update(skip_locked=True)
            .filter(relayed_at__isnull=True)
            .order_by("id")[:RELAY_BATCH]
        )
        if not events:
            return 0
        deliveries = OutboxDelivery.objects.bulk_create(
            [
                OutboxDelivery(event=event, handler=handler, due_at=now + DELIVERY_LEASE)
                for event in events
                for handler in subscriptions().get(event.name, (None, ()))[1]
            ]
        )
        OutboxEvent.objects.filter(id__in=[event.id for event in events]).update(relayed_at=now)
    for delivery in deliveries:
        bell.ring("core.tasks.deliver", delivery.id)
    return len(events)


def due_deliveries(*, now: datetime) -> QuerySet[OutboxDelivery]:
    """Deliveries that were not heard of in time, oldest first."""
    return OutboxDelivery.objects.filter(done_at__isnull=True, gave_up_at__isnull=True, due_at__lte=now).order_by(
        "due_at"
    )


def redeliver_due(*, now: datetime, limit: int = RELAY_BATCH) -> int:
    """Send overdue deliveries again; the number sent."""
    ids = list(due_deliveries(now=now).values_list("id", flat=True)[:limit])
    OutboxDelivery.objects.filter(id__in=ids).update(due_at=now + DELIVERY_LEASE)
    for delivery_id in ids:
        bell.ring("core.tasks.deliver", delivery_id)
    return len(ids)


def deliver(delivery_id: int, *, now: datetime) -> bool:
    """Run one delivery once: False when another worker has it or it is done. A failure is kept with a later due time."""
    try:
        with transaction.atomic():
            delivery = _claim(delivery_id)
            if delivery is None:
                return False
            if not _runs_alone(delivery):
                _handle(delivery, now=now)
                _mark_done(delivery, now=now)
                return True
            OutboxDelivery.objects.filter(id=delivery_id).update(due_at=now + DELIVERY_LEASE)
        _handle(delivery, now=now)
        _mark_done(delivery, now=now)
    except Exception as error:
        _note_failure(delivery_id, error, now=now)
        raise
    return True


def _claim(delivery_id: int) -> OutboxDelivery | None:
    return (
        OutboxDelivery.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("event")
        .filter(id=delivery_id, done_at__isnull=True, gave_up_at__isnull=True)
        .first()
    )


def _runs_alone(delivery: OutboxDelivery) -> bool:
    return getattr(import_string(delivery.handler), "own_transactions", False)


def _handle(delivery: OutboxDelivery, *, now: datetime) -> None:
    event_class, _handlers = subscriptions()[delivery.event.name]
    handler: Handler = import_string(delivery.handler)
    kind, _sep, key = delivery.event.actor.partition(":")
    handler(event_class(**delivery.event.payload), actor=Actor(kind, key, delivery.event.actor), now=now)


def _mark_done(delivery: OutboxDelivery, *, now: datetime) -> None:
    OutboxDelivery.objects.filter(id=delivery.id).update(done_at=now, attempts=F("attempts") + 1, error="")


def _note_failure(delivery_id: int, error: Exception, *, now: datetime) -> None:
    delivery = OutboxDelivery.objects.filter(id=delivery_id).first()
    if delivery is None:
        return
    delivery.attempts += 1
    delivery.error = f"{type(error).__name__}: {error}"[:2000]
    delivery.due_at = now + timedelta(seconds=min(3600, 5 * 2**delivery.attempts))
    if delivery.attempts >= MAX_ATTEMPTS:
        delivery.gave_up_at = now
    delivery.save(update_fields=["attempts", "error", "due_at", "gave_up_at"])


def prune(*, now: datetime, keep: timedelta = timedelta(days=14)) -> int:
    """Delete events that were told long ago; those with an unfinished delivery stay."""
    old = OutboxEvent.objects.filter(relayed_at__lt=now - keep).exclude(
        deliveries__done_at__isnull=True, deliveries__id__isnull=False
    )
    deleted, _by_model = old.delete()
    return deleted
