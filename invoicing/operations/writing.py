"""A document is written: its number, what it shows, its taxes, its line in the history, its event, together."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from core.actors import Actor
from core.addresses import Address
from core.models import Shop
from core.money import smallest_unit
from core.outbox import publish
from core.paper.weasy import pdf_available
from core.refusals import Invalid, Unavailable
from core.shop import shop
from core.text import search_words
from core.timeline import record
from invoicing.billing import ZERO, Row, tax_summary
from invoicing.events import DocumentIssued
from invoicing.models import BillingProfile, Document, DocumentTax, Settings
from invoicing.operations.numbering import lock_series, take_number
from invoicing.queries import billing_profile, settings
from invoicing.states import DocumentKind
from orders.models import Order

LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Facts:
    """What a document shows besides its rows, as it is when it is issued."""

    subject: str
    order_id: int | None
    order_number: str
    channel_id: int | None
    currency: str
    language: str
    tax_included: bool
    email: str
    po_number: str
    due_on: date | None
    settled: bool
    seller: Mapping[str, Any]
    buyer: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class New:
    """One document to write. key: names it within its subject."""

    kind: str
    rows: Sequence[Row]
    key: str
    corrects: Document | None = None
    reason: str = ""


def shop_day(now: datetime, own: Shop | None = None) -> date:
    """The day of a moment in the shop's zone: the day that stands on a document."""
    return now.astimezone(zoneinfo.ZoneInfo((own or shop()).time_zone)).date()


def facts_of(order: Order, *, now: datetime) -> Facts:
    """What documents of an order show of seller, buyer, terms: read once, kept in each of them."""
    own, rules, profile = shop(), settings(), billing_profile(order)
    return Facts(
        subject=order.subject, order_id=order.pk, order_number=order.number, channel_id=order.channel_id, currency=order.currency,
        language=order.language, tax_included=order.tax_included, email=order.email, po_number=order.po_number,
        due_on=due_day(order, profile, rules, shop_day(now, own)), settled=order.owed_by_customer == 0,
        seller=seller_of(rules, own), buyer=buyer_of(order, profile),
    )  # fmt: skip


def due_day(order: Order, profile: BillingProfile, rules: Settings, day: date) -> date | None:
    """When it is to be paid: as agreed for the order, else after the customer's days, else after the shop's; nothing once it is paid."""
    if order.owed_by_customer == 0:
        return None
    days = rules.payment_days if profile.payment_days is None else profile.payment_days
    return order.payment_due_on or day + timedelta(days=days)


def seller_of(rules: Settings, own: Shop) -> dict[str, Any]:
    """The issuer as plain values."""
    address = Address(
        name=rules.legal_name or own.name, line1=rules.line1, line2=rules.line2, postal_code=rules.postal_code, city=rules.city,
        province=rules.province, country=rules.country,
    )  # fmt: skip
    names = ("tax_number", "register_number", "phone", "bank_name", "bank_account", "bank_code", "footer")
    values = {"address": address.to_json(), "email": rules.email or own.support_email, "shop": own.name}
    return values | {name: value for name in names if (value := getattr(rules, name))}


def buyer_of(order: Order, profile: BillingProfile) -> dict[str, Any]:
    """The buyer as plain values: the billing address, else the one it is shipped to, and where that is another one too."""
    billed = order.billing_address or order.shipping_address
    address = Address.from_json(billed)
    name = address.company or address.name or order.customer_name or order.email
    found: dict[str, Any] = {"name": name, "address": billed or Address(name=order.customer_name).to_json()}
    if profile.tax_number:
        found["tax_number"] = profile.tax_number
    if order.shipping_address and order.shipping_address != billed:
        found["ship_to"] = order.shipping_address
    return found


def write_documents(facts: Facts, new: Sequence[New], *, mail: bool, actor: Actor, now: datetime) -> list[Document]:
    """Write documents in the caller's transaction, which holds the order's lock. Series are locked last, all at once.

    Raises Unavailable where they should be mailed and this machine cannot make PDF.
    """
    if mail:
        available, hint = pdf_available()
        if not available:
            raise Unavailable("pdf_off", hint)
    series = lock_series([one.kind for one in new], facts.channel_id)
    day = shop_day(now)
    written = []
    for one in new:
        number = take_number(series[one.kind], day=day)
        document = _document(facts, one, actor=actor, now=now)
        document.series, document.period, document.sequence = number.series, number.period, number.sequence
        document.number, document.issued_on = number.text, number.day
        if one.kind == DocumentKind.CREDIT_NOTE:
            document.due_on = None
        document.search_text = search_words(
            number.text, facts.order_number, document.buyer_name, facts.email, facts.po_number
        )
        document.save(force_insert=True)
        DocumentTax.objects.bulk_create(
            DocumentTax(document=document, rate=rate, net=net, tax=tax, gross=gross)
            for rate, net, tax, gross in tax_summary(one.rows)
        )
        record(
            facts.subject, "document.issued", actor=actor, at=now, kind=one.kind, number=document.number,
            amount=document.total, currency=document.currency, document=document.pk, reason=document.reason,
        )  # fmt: skip
        publish(DocumentIssued(document.pk, mail and bool(facts.email)), actor=actor)
        written.append(document)
    return written


def _document(facts: Facts, new: New, *, actor: Actor, now: datetime) -> Document:
    net = sum((row.net for row in new.rows), ZERO)
    tax = sum((row.tax for row in new.rows), ZERO)
    _check_exact([net, tax, *(row.gross for row in new.rows)], facts.currency)
    buyer = facts.buyer
    return Document(
        kind=new.kind, subject=facts.subject, order_id=facts.order_id, order_number=facts.order_number, corrects=new.corrects,
        issued_at=now, due_on=facts.due_on, settled=facts.settled, currency=facts.currency, language=facts.language,
        tax_included=facts.tax_included, seller=facts.seller, buyer=buyer, buyer_name=str(buyer.get("name", ""))[:200],
        buyer_country=Address.from_json(buyer.get("address")).country, email=facts.email, po_number=facts.po_number,
        reason=new.reason[:LONGEST_REASON], lines=[row.to_json() for row in new.rows], net_total=net, tax_total=tax, total=net + tax,
        key=new.key[:120], actor=actor.ref, actor_label=actor.label[:120],
    )  # fmt: skip


def _check_exact(amounts: Sequence[Decimal], currency: str) -> None:
    unit = smallest_unit(currency)
    if any(amount % unit for amount in amounts):
        raise Invalid("bad_amount", _("{currency} has fewer decimals than that.").format(currency=currency))
