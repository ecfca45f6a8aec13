"""The order goes to its supplier: drawn by a worker, kept, and queued as mail with the PDF attached; each sending once."""

from __future__ import annotations

import base64
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from core.actors import Actor
from core.files import store_file
from core.mail import queue_mail
from core.models import OutgoingMail, Shop
from core.money import format_money, quantize
from core.outbox import own_transactions
from core.paper.language import known_language, long_date, paper_locale
from core.shop import shop
from purchasing.events import PurchaseOrderSent
from purchasing.models import PurchaseLine, PurchaseOrder
from purchasing.paper import Paper, PaperLine, purchase_pdf
from purchasing.states import PurchaseState


@own_transactions
def mail_purchase(event: PurchaseOrderSent, *, actor: Actor, now: datetime) -> None:
    """Draw the order outside any transaction; then keep the file and queue the mail together. A second run finds the mail queued."""
    key = f"purchase:{event.purchase_id}:{event.version}"
    order = PurchaseOrder.objects.select_related("supplier", "location").get(pk=event.purchase_id)
    if order.state == PurchaseState.CANCELLED or OutgoingMail.objects.filter(dedupe_key=key).exists():
        return
    own = shop()
    paper = paper_of(order, own)
    pdf = purchase_pdf(paper)
    language = known_language(paper.language)
    locale = paper_locale(language)
    with transaction.atomic():
        # Two workers with the same event: the second waits here and then finds the mail.
        PurchaseOrder.objects.select_for_update(of=("self",), no_key=True).get(pk=order.pk)
        if OutgoingMail.objects.filter(dedupe_key=key).exists():
            return
        file = store_file(name=f"{order.number}.pdf", content_type="application/pdf", data=pdf)
        PurchaseOrder.objects.filter(pk=order.pk).update(pdf=file)
        queue_mail(
            to=order.supplier.email, template="purchase_order", language=language, dedupe_key=key, about=order.subject, attachment=file,
            now=now,
            context={
                "number": order.number, "merchant": own.name, "contact": own.support_email, "units": order.units,
                "total": format_money(paper.total, order.currency, language),
                "expected_on": long_date(order.expected_on, locale) if order.expected_on else "",
            },
        )  # fmt: skip


def paper_of(order: PurchaseOrder, own: Shop, lines: list[PurchaseLine] | None = None) -> Paper:
    """The order as paper shows it: a firm one with what was ordered, at the day it was sent."""
    found = lines if lines is not None else list(order.lines.select_related("variant").order_by("position", "pk"))
    supplier, place = order.supplier, order.location
    rows = tuple(
        PaperLine(
            line.variant.sku, line.variant.title, line.supplier_sku, line.ordered, line.unit_cost,
            quantize(line.unit_cost * line.ordered, order.currency),
        )
        for line in found
    )  # fmt: skip
    return Paper(
        number=order.number, language=supplier.language, currency=order.currency,
        ordered_on=timezone.localdate(order.sent_at or order.created_at), expected_on=order.expected_on,
        merchant=own.name, logo=_logo(own), contact=own.support_email,
        supplier=tuple(supplier.postal_address.lines()) or (supplier.name,),
        ship_to=tuple(place.postal_address.lines()) or (place.name,),
        payment_terms=supplier.payment_terms, reference=order.supplier_reference, note=order.note, lines=rows,
        total=sum((row.amount for row in rows), quantize(order.total * 0, order.currency)),
    )  # fmt: skip


def _logo(own: Shop) -> str:
    if own.logo is None:
        return ""
    return f"data:{own.logo.content_type};base64,{base64.b64encode(bytes(own.logo.data)).decode()}"
