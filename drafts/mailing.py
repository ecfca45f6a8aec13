"""A draft goes to its customer: its pro forma is issued and drawn by a worker, and queued as mail with the link; each sending once.

A pro forma has a number of its own series and never changes. What is not sent yet is looked at as an offer (`drafts.paper`), without a number.
"""

from __future__ import annotations

import base64
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from core.actors import Actor
from core.addresses import Address
from core.mail import queue_mail
from core.models import OutgoingMail, Shop
from core.money import format_money, quantize
from core.outbox import own_transactions
from core.paper.language import known_language, long_date, paper_locale
from core.refusals import Unavailable
from core.shop import shop
from drafts.events import DraftSent
from drafts.models import DraftOrder
from drafts.paper import Paper, PaperLine
from drafts.queries import lines_of, money_of
from drafts.states import LIVE_STATES
from drafts.totals import due_on
from invoicing.billing import Row
from invoicing.drawing import pdf_of
from invoicing.operations.issuing import issue_free_pro_forma
from invoicing.operations.writing import Facts, seller_of, shop_day
from invoicing.queries import settings as settings_of_invoices


@own_transactions
def mail_draft(event: DraftSent, *, actor: Actor, now: datetime) -> None:
    """Draw the draft outside any transaction; then keep the file and queue the mail together. A second run finds the mail queued."""
    key = f"draft:{event.draft_id}:{event.version}"
    draft = DraftOrder.objects.get(pk=event.draft_id)
    if draft.state not in LIVE_STATES or OutgoingMail.objects.filter(dedupe_key=key).exists():
        return
    own = shop()
    facts, rows = pro_forma_of(draft, own, now=now)
    document = issue_free_pro_forma(facts=facts, rows=rows, key=str(event.version), actor=actor, now=now)
    try:
        file = pdf_of(document)
    except Unavailable:  # this machine makes no PDF; the link says the same
        file = None
    language = known_language(draft.language)
    with transaction.atomic():
        # Two workers with the same event: the second waits here and then finds the mail.
        DraftOrder.objects.select_for_update(of=("self",), no_key=True).get(pk=draft.pk)
        if OutgoingMail.objects.filter(dedupe_key=key).exists():
            return
        queue_mail(
            to=draft.email, template="draft_offer", language=language, dedupe_key=key, about=draft.subject, attachment=file, now=now,
            context={
                "number": draft.number, "merchant": own.name, "contact": own.support_email, "name": draft.customer_name,
                "total": format_money(draft.total, draft.currency, language), "note": draft.note,
                "url": link_of(draft), "attached": file is not None,
                "valid_until": long_date(timezone.localdate(draft.expires_at), paper_locale(language)) if draft.expires_at else "",
            },
        )  # fmt: skip


def pro_forma_of(draft: DraftOrder, own: Shop, *, now: datetime) -> tuple[Facts, list[Row]]:
    """What a pro forma of the draft says; its rows add up to the draft's total."""
    lines = lines_of(draft)
    money = money_of(draft, lines)
    rows = [
        _row(
            f"line:{line.pk}", line.title, total.amount, total.tax, draft, line.rate_in(draft), quantity=line.quantity,
            sku=line.variant.sku if line.variant else "", unit_price=line.unit_price, discount=total.discount,
        )
        for line, total in zip(lines, money.lines, strict=True)
    ]  # fmt: skip
    with translation.override(known_language(draft.language)):
        if money.shipping:
            rate = Decimal(0) if draft.tax_exempt else draft.shipping_tax_rate
            rows.append(_row("shipping", _("Shipping"), money.shipping, money.shipping_tax, draft, rate))
        if rest := money.total - sum((row.gross for row in rows), Decimal(0)):
            rows.append(Row("rest", _("Rounding"), 1, rest, Decimal(0), rest, None))
    day = shop_day(now, own)
    bill = draft.billing_address or draft.shipping_address
    address = Address.from_json(bill)
    buyer = {
        "name": address.company or address.name or draft.customer_name or draft.email,
        "address": bill or {"name": draft.customer_name},
    }
    if draft.shipping_address and draft.shipping_address != bill:
        buyer["ship_to"] = draft.shipping_address
    facts = Facts(
        subject=draft.subject, order_id=None, order_number=draft.number, channel_id=draft.channel_id, currency=draft.currency,
        language=draft.language, tax_included=draft.tax_included, email=draft.email, po_number=draft.po_number,
        due_on=due_on(draft.terms, day), settled=money.total == 0, seller=seller_of(settings_of_invoices(), own), buyer=buyer,
    )  # fmt: skip
    return facts, rows


def _row(
    key: str,
    title: str,
    amount: Decimal,
    tax: Decimal,
    draft: DraftOrder,
    rate: Decimal | None,
    *,
    quantity: int = 1,
    **more: Any,
) -> Row:
    charged = quantize(amount, draft.currency)
    net = charged - tax if draft.tax_included else charged
    return Row(key, title, quantity, net, tax, net + tax, rate, **more)


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
