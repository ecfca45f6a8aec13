"""Tasks of the kernel: a few lines each; safe to run twice, in any order, at once."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.core.management import call_command
from django.utils import timezone

from core import files, jobs, mail, outbox, ratelimit


@shared_task
def relay_outbox() -> int:
    """Send waiting events to their subscribers, and late deliveries again."""
    outbox.bell.answered("core.tasks.relay_outbox")
    taken = 0
    while count := outbox.relay(now=timezone.now()):
        taken += count
    return taken + outbox.redeliver_due(now=timezone.now())


@shared_task
def deliver(delivery_id: int) -> None:
    """Run one delivery of an event."""
    outbox.deliver(delivery_id, now=timezone.now())


@shared_task(soft_time_limit=1500, time_limit=1600)
def run_job(job_id: int) -> None:
    """Work on a job for up to 20 minutes; it hands over to a fresh task after that."""
    jobs.run_job(job_id, clock=timezone.now, until=timezone.now() + timedelta(minutes=20))


@shared_task
def sweep_jobs() -> int:
    """Find jobs that nobody works on."""
    return jobs.sweep(now=timezone.now())


@shared_task
def send_due_mail() -> int:
    """Send mail that is due."""
    outbox.bell.answered("core.tasks.send_due_mail")
    sent = 0
    while count := mail.send_due(now=timezone.now()):
        sent += count
    return sent


@shared_task
def drop_expired_files() -> int:
    """Delete files that were kept for a while only."""
    return files.drop_expired(now=timezone.now())


@shared_task
def prune_outbox() -> int:
    """Forget events that were told long ago."""
    return outbox.prune(now=timezone.now())


@shared_task
def prune_rate_counts() -> int:
    """Forget attempts of long ago."""
    return ratelimit.prune(now=timezone.now())


@shared_task
def clear_sessions() -> None:
    """Delete sessions that have run out."""
    call_command("clearsessions")
