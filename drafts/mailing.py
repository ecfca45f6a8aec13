"""A draft goes to its customer: drawn by a worker, kept, and queued as mail with the link and the PDF attached; each sending once."""

from __future__ import annotations

import base64
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation

from core.actors import Actor
from core.files import store_file
from core.mail import queue_mail
from core.models import OutgoingMail, Shop
from core.money import format_money, quantize
from core.outbox import own_transactions
from core.paper.language import known_language, long_date, paper_locale
from core.paper.weasy import PdfUnavailable
from core.shop import shop
from drafts.events import DraftSent
from drafts.models import DraftOrder
from drafts.paper import Paper, PaperLine, draft_pdf
from drafts.queries import lines_of, money_of
from drafts.states import LIVE_STATES


@own_transactions
def mail_draft(event: DraftSent, *, actor: Actor, now: datetime) -> None:
    """Draw the draft outside any transaction; then keep the file and queue the mail together. A second run finds the mail queued."""
    key = f"draft:{event.draft_id}:{event.version}"
    draft = DraftOrder.objects.get(pk=event.draft_id)
    if draft.state not in LIVE_STATES or OutgoingMail.objects.filter(dedupe_key=key).exists():
        return
    own = shop()
    try:
        pdf = draft_pdf(paper_of(draft, own))
    except PdfUnavailable:  # the link says the same
        pdf = None
    language = known_language(draft.language)
    with transaction.atomic():
        # Two workers with the same event: the second waits here and then finds the mail.
        DraftOrder.objects.select_for_update(of=("self",), no_key=True).get(pk=draft.pk)
        if OutgoingMail.objects.filter(dedupe_key=key).exists():
            return
        file = store_file(name=f"{draft.number}.pdf", content_type="application/pdf", data=pdf) if pdf else None
        queue_mail(
            to=draft.email, template="draft_offer", language=language, dedupe_key=key, about=draft.subject, attachment=file, now=now,
            context={
                "number": draft.number, "merchant": own.name, "contact": own.support_email, "name": draft.customer_name,
                "total": format_money(draft.total, draft.currency, language), "note": draft.note,
                "url": link_of(draft), "attached": file is not None,
                "valid_until": long_date(timezone.localdate(draft.expires_at), paper_locale(language)) if draft.expires_at else "",
            },
        )  # fmt: skip


def link_of(draft: DraftOrder) -> str:
    """The customer's page of the draft."""
    return settings.PUBLIC_URL + reverse("draft-offer", args=[draft.token])


def paper_of(draft: DraftOrder, own: Shop | None = None) -> Paper:
    """The draft as paper shows it now."""
    own, lines = own or shop(), lines_of(draft)
    money = money_of(draft, lines)
    rows = tuple(
        PaperLine(
            line.variant.sku if line.variant else "", line.title, line.quantity, line.unit_price, total.discount,
            quantize(total.amount, draft.currency),
        )
        for line, total in zip(lines, money.lines, strict=True)
    )  # fmt: skip
    ship, bill = draft.ship_to, draft.bill_to
    with translation.override(known_language(draft.language)):
        terms = str(draft.get_terms_display())
        return Paper(
            number=draft.number, language=draft.language, currency=draft.currency, written_on=timezone.localdate(draft.sent_at or draft.updated_at),
            valid_until=timezone.localdate(draft.expires_at) if draft.expires_at else None, merchant=own.name, logo=_logo(own),
            contact=own.support_email, bill_to=tuple((bill if bill.line1 or bill.company else ship).lines()) or (draft.customer_name,),
            ship_to=tuple(ship.lines()), terms=terms, po_number=draft.po_number, note=draft.note,
            url=link_of(draft) if draft.state == "sent" else "", lines=rows, shipping=money.shipping,
            taxes=tuple((each.rate * 100, each.net, each.tax) for each in money.taxes), tax_included=draft.tax_included, total=money.total,
        )  # fmt: skip


def _logo(own: Shop) -> str:
    if own.logo is None:
        return ""
    return f"data:{own.logo.content_type};base64,{base64.b64encode(bytes(own.logo.data)).decode()}"
