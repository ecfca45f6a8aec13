"""Mail to people: a row in the transaction of the change, sent by a worker, each thing said once."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import translation

from core.models import OutgoingMail, StoredFile

log = logging.getLogger(__name__)
MAX_ATTEMPTS = 10
SEND_LEASE = timedelta(minutes=5)


def queue_mail(
    *,
    to: str,
    template: str,
    context: dict[str, Any],
    language: str,
    dedupe_key: str,
    about: str = "",
    attachment: StoredFile | None = None,
    now: datetime,
) -> bool:
    """Queue `templates/mail/<template>.txt` (first line: subject) in the person's language; False if it was queued before.

    about: subject in the timeline ("order:12"). attachment: a kept file that goes with it. An empty address queues nothing.
    """
    if not to:
        return False
    with translation.override(language):
        rendered = render_to_string(f"mail/{template}.txt", context)
    subject, _newline, text = rendered.strip().partition("\n")
    mail = OutgoingMail(
        dedupe_key=dedupe_key,
        to=to,
        subject=" ".join(subject.split())[:250],
        text=text.strip() + "\n",
        about=about,
        attachment=attachment,
        due_at=now,
    )
    OutgoingMail.objects.bulk_create([mail], ignore_conflicts=True)
    from core.outbox import bell

    transaction.on_commit(lambda: bell.ring("core.tasks.send_due_mail"), robust=True)
    return True


def send_due(*, now: datetime, limit: int = 50) -> int:
    """Send what is due; the number sent. A refused message is tried again later, with growing pauses, then given up."""
    with transaction.atomic():
        mails = list(
            OutgoingMail.objects.select_for_update(of=("self",), skip_locked=True)
            .select_related("attachment")
            .filter(sent_at__isnull=True, gave_up_at__isnull=True, due_at__lte=now)
            .order_by("due_at")[:limit]
        )
        OutgoingMail.objects.filter(id__in=[mail.id for mail in mails]).update(due_at=now + SEND_LEASE)
    return sum(_send(mail, now=now) for mail in mails)


def _send(mail: OutgoingMail, *, now: datetime) -> bool:
    message = EmailMultiAlternatives(mail.subject, mail.text, to=[mail.to], headers={"Message-ID": _message_id(mail)})
    if mail.attachment is not None:
        message.attach(mail.attachment.name, bytes(mail.attachment.data), mail.attachment.content_type)
    try:
        message.send()
    except Exception as error:  # noqa: BLE001 - any transport failure means: later
        log.warning("mail %s not sent: %s", mail.id, type(error).__name__)
        attempts = mail.attempts + 1
        OutgoingMail.objects.filter(id=mail.id).update(
            attempts=attempts,
            error=f"{type(error).__name__}: {error}"[:1000],
            due_at=now + timedelta(seconds=min(6 * 3600, 30 * 2**attempts)),
            gave_up_at=now if attempts >= MAX_ATTEMPTS else None,
        )
        return False
    OutgoingMail.objects.filter(id=mail.id).update(sent_at=now, attempts=F("attempts") + 1, error="")
    return True


def _message_id(mail: OutgoingMail) -> str:
    """The same id for each try, so that a mail server or client can drop a repeat."""
    return f"<mail-{mail.id}-{mail.created_at:%Y%m%d}@oms.invalid>"
