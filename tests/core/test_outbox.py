"""The outbox: told after the commit, at least once, with effects once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from django.core import mail as django_mail
from django.db import transaction

from core import mail, outbox
from core.actors import Actor
from core.models import OutboxDelivery, OutboxEvent, OutgoingMail, TimelineEntry
from core.outbox import Event, deliver, own_transactions, publish, redeliver_due, relay

ACTOR = Actor.system("test")
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
broken = {"times": 0}


@dataclass(frozen=True, slots=True)
class Happened(Event):
    name: ClassVar[str] = "test.happened"
    thing_id: int


def remember(event: Happened, *, actor: Actor, now: datetime) -> None:
    TimelineEntry.objects.create(
        subject=f"thing:{event.thing_id}", kind="seen", actor=actor.ref, actor_label="", at=now
    )
    if broken["times"]:
        broken["times"] -= 1
        raise RuntimeError("later")


@own_transactions
def remember_alone(event: Happened, *, actor: Actor, now: datetime) -> None:
    with transaction.atomic():
        TimelineEntry.objects.get_or_create(
            subject=f"alone:{event.thing_id}", defaults={"kind": "seen", "actor": "", "actor_label": "", "at": now}
        )


@pytest.fixture(autouse=True)
def table(monkeypatch):
    handlers = (f"{__name__}.remember", f"{__name__}.remember_alone")
    monkeypatch.setattr(outbox, "subscriptions", lambda: {"test.happened": (Happened, handlers)})
    monkeypatch.setattr(outbox, "import_string", lambda path: globals()[path.rsplit(".", 1)[1]])
    broken["times"] = 0


def seen() -> int:
    return TimelineEntry.objects.filter(kind="seen").count()


def run_all() -> None:
    for pk in list(OutboxDelivery.objects.filter(done_at__isnull=True).values_list("pk", flat=True)):
        deliver(pk, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_publishing_outside_a_transaction_is_refused_and_a_rollback_tells_nothing():
    with pytest.raises(RuntimeError):
        publish(Happened(1), actor=ACTOR)
    with pytest.raises(ZeroDivisionError):
        _publish_and_fail()
    assert OutboxEvent.objects.count() == 0


@transaction.atomic
def _publish_and_fail() -> None:
    publish(Happened(1), actor=ACTOR)
    raise ZeroDivisionError


@pytest.mark.django_db
def test_an_event_reaches_each_handler_once_however_often_it_is_delivered():
    publish(Happened(7), actor=ACTOR)
    assert relay(now=NOW) == 1 and relay(now=NOW) == 0
    ids = list(OutboxDelivery.objects.values_list("pk", flat=True))
    assert [deliver(pk, now=NOW) for pk in ids + ids] == [True, True, False, False]
    assert seen() == 2


@pytest.mark.django_db
def test_a_failing_handler_leaves_no_trace_and_is_tried_again_later():
    broken["times"] = 1
    publish(Happened(7), actor=ACTOR)
    relay(now=NOW)
    first = OutboxDelivery.objects.order_by("pk")[0]
    with pytest.raises(RuntimeError):
        deliver(first.pk, now=NOW)
    first.refresh_from_db()
    assert seen() == 0 and first.attempts == 1 and "later" in first.error and first.due_at > NOW
    assert redeliver_due(now=first.due_at + timedelta(seconds=1)) >= 1
    assert deliver(first.pk, now=NOW) and TimelineEntry.objects.filter(subject="thing:7").count() == 1


@pytest.mark.django_db(transaction=True)
def test_eight_relays_and_eight_workers_at_once_do_it_once(threads):
    with transaction.atomic():
        for n in range(20):
            publish(Happened(n), actor=ACTOR)
    threads(8, lambda i: relay(now=NOW))
    assert OutboxDelivery.objects.count() == 40
    ids = list(OutboxDelivery.objects.values_list("pk", flat=True))
    threads(8, lambda i: [deliver(pk, now=NOW) for pk in ids])
    assert TimelineEntry.objects.filter(subject__startswith="thing:").count() == 20


@pytest.mark.django_db
def test_old_told_events_are_forgotten_and_untold_ones_stay():
    publish(Happened(1), actor=ACTOR)
    relay(now=NOW)
    assert outbox.prune(now=NOW + timedelta(days=60)) == 0
    run_all()
    outbox.prune(now=NOW + timedelta(days=60))
    assert OutboxEvent.objects.count() == 0


@pytest.mark.django_db
def test_mail_is_sent_once_and_tried_again_when_the_server_is_down(settings, monkeypatch):
    monkeypatch.setattr(mail, "render_to_string", lambda name, context: f"Subject of {context['n']}\n\nText")
    for _ in range(2):
        mail.queue_mail(to="a@example.com", template="x", context={"n": 1}, language="en", dedupe_key="one", now=NOW)
    settings.EMAIL_BACKEND = "nowhere.Backend"
    assert mail.send_due(now=NOW) == 0
    waiting = OutgoingMail.objects.get()
    assert waiting.attempts == 1 and waiting.sent_at is None and waiting.due_at > NOW
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert mail.send_due(now=NOW) == 0, "not before it is due"
    assert mail.send_due(now=waiting.due_at) == 1 and mail.send_due(now=waiting.due_at) == 0
    assert [m.subject for m in django_mail.outbox] == ["Subject of 1"]
