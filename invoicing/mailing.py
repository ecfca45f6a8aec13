"""Documents go to their customers: drawn outside any transaction, kept, and queued as mail with the PDF attached; each sending once."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from core.actors import Actor
from core.mail import queue_mail
from core.models import OutgoingMail
from core.money import format_money
from core.outbox import own_transactions, publish
from core.paper.language import known_language, long_date, paper_locale
from core.refusals import Invalid, NotFound, Refusal
from core.timeline import record
from invoicing.drawing import pdf_of
from invoicing.events import DocumentIssued, DocumentMailAsked
from invoicing.models import Document
from invoicing.states import DocumentKind


@own_transactions
def mail_issued(event: DocumentIssued, *, actor: Actor, now: datetime) -> None:
    """A document that goes out by itself."""
    if event.mail:
        document = Document.objects.select_related("order", "corrects").get(pk=event.document_id)
        send(document, to=document.email, key="issued", actor=actor, now=now)


@own_transactions
def mail_again(event: DocumentMailAsked, *, actor: Actor, now: datetime) -> None:
    """A document that somebody sends."""
    document = Document.objects.select_related("order", "corrects").get(pk=event.document_id)
    send(document, to=event.to, key=event.key, actor=actor, now=now)


def ask_for_mail(*, document_id: int, to: str = "", key: str, actor: Actor, now: datetime) -> Document:
    """Have a document mailed by a worker, to its customer or to another address. Raises NotFound, Invalid, Refusal `no_email`."""
    document = Document.objects.filter(pk=document_id).first()
    if document is None:
        raise NotFound("no_such_document", _("There is no such document."))
    address = (to or document.email).strip()
    if not address:
        raise Refusal("no_email", _("{number} has no e-mail address.").format(number=document.number), field="to")
    try:
        validate_email(address)
    except ValidationError:
        raise Invalid("bad_email", _("This is not an e-mail address."), field="to") from None
    with transaction.atomic():
        publish(DocumentMailAsked(document.pk, address, key[:40]), actor=actor)
    return document


def send(document: Document, *, to: str, key: str, actor: Actor, now: datetime) -> bool:
    """Queue the mail of a document under a key; False where it was queued before or there is no address."""
    dedupe = mail_key(document.pk, key)
    if not to or OutgoingMail.objects.filter(dedupe_key=dedupe).exists():
        return False
    file = pdf_of(document)
    language = known_language(document.paper_language)
    with transaction.atomic():
        # Two workers with the same event: the second waits here and then finds the mail.
        Document.objects.select_for_update(of=("self",), no_key=True).only("pk").get(pk=document.pk)
        if OutgoingMail.objects.filter(dedupe_key=dedupe).exists():
            return False
        queue_mail(
            to=to, template="document", language=language, dedupe_key=dedupe, about=document.subject, attachment=file, now=now,
            context=_context(document, language),
        )  # fmt: skip
        record(
            document.subject, "document.mailed", actor=actor, at=now, kind=document.kind, number=document.number, to=to
        )
    return True


def mail_key(document_id: int, key: str) -> str:
    """What names one sending of a document."""
    return f"document:{document_id}:{key}"


def _context(document: Document, language: str) -> dict[str, str]:
    locale = paper_locale(language)
    with translation.override(language):
        title = str(DocumentKind(document.kind).label)
    payable = document.due_on is not None and document.kind != DocumentKind.CREDIT_NOTE
    return {
        "kind": document.kind, "title": title, "number": document.number, "merchant": str(document.seller.get("shop") or ""),
        "name": str(document.buyer.get("name") or ""), "total": format_money(document.total, document.currency, language),
        "order_number": document.order_number, "corrects": document.corrects.number if document.corrects else "",
        "due_on": long_date(document.due_on, locale) if payable and document.due_on else "",
        "url": settings.PUBLIC_URL + reverse("tracking", args=[document.order.token]) if document.order else "",
    }  # fmt: skip
