"""Invoices of an order: what is not billed yet, corrections of what was, pro formas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Invalid, Refusal
from core.timeline import record
from invoicing.billing import Planned, Row, plan
from invoicing.models import BillingProfile, Document
from invoicing.operations.writing import Facts, New, facts_of, write_documents
from invoicing.queries import ISSUED, SHIPPED, WHOLE, documents_of, goodwill_of, issued_of, worth_of
from invoicing.states import DocumentKind
from orders.models import Order, OrderLine
from orders.operations import lock_order

SCOPES = (WHOLE, SHIPPED, ISSUED)


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be issued now: the same arithmetic as issuing, and nothing written."""

    planned: list[Planned]
    documents: list[Document]

    @property
    def total(self) -> Decimal:
        """What the documents add to what is billed."""
        return sum((one.total if one.corrects is None else -one.total for one in self.planned), Decimal(0))


def preview_billing(order: Order, *, scope: str = WHOLE) -> Preview:
    """The documents that `bill_order` would issue for an order as it is."""
    lines = _lines(order)
    documents = documents_of(order.pk)
    issued = issued_of(documents)
    worth = worth_of(order, lines, issued, scope=scope)
    planned = plan(
        worth.parts, issued, goodwill=goodwill_of(order), tax_included=order.tax_included, currency=order.currency,
        partial=not worth.complete,
    )  # fmt: skip
    return Preview(planned, documents)


def bill_order(
    *, order_id: int, scope: str = WHOLE, mail: bool = False, reason: str = "", actor: Actor, now: datetime, version: int | None = None,
) -> list[Document]:  # fmt: skip
    """Issue what brings the documents of an order to what it is worth: an invoice for what is not billed, credit notes for what is too much.

    scope: WHOLE; SHIPPED, only what has left (and what nobody ships); ISSUED, corrections of what was billed only. Safe to repeat:
    with nothing to say the answer is empty. mail: the documents go to the customer. Raises NotFound, Stale.
    """
    if scope not in SCOPES:
        raise Invalid("bad_scope", _("Choose what is billed."), field="scope")
    with transaction.atomic():
        order = lock_order(order_id, version=version)
        preview = preview_billing(order, scope=scope)
        if not preview.planned:
            return []
        return _write(order, preview, reason=reason, mail=mail, actor=actor, now=now)


def _write(order: Order, preview: Preview, *, reason: str, mail: bool, actor: Actor, now: datetime) -> list[Document]:
    """Write the planned documents; one that corrects an invoice of this very plan comes after it."""
    facts = facts_of(order, now=now)
    by_id = {document.pk: document for document in preview.documents}
    count, written = len(preview.documents), []
    steps = [list(range(len(preview.planned)))]
    late = [n for n in steps[0] if (preview.planned[n].corrects or 0) < 0]
    for group in ([n for n in steps[0] if n not in late], late):
        new = [_new(preview.planned[n], by_id, f"{count + n + 1}", reason) for n in group]
        documents = write_documents(facts, new, mail=mail, actor=actor, now=now) if new else []
        by_id |= {-1 - n: document for n, document in zip(group, documents, strict=True)}
        written += documents
    return written


def _new(planned: Planned, by_id: dict[int, Document], key: str, reason: str) -> New:
    if planned.corrects is None:
        return New(DocumentKind.INVOICE, planned.rows, key)
    return New(DocumentKind.CREDIT_NOTE, planned.rows, key, by_id[planned.corrects], reason)


def issue_pro_forma(
    *, order_id: int, key: str, mail: bool = False, actor: Actor, now: datetime, version: int | None = None
) -> Document:
    """A pro forma of the order as it is now. The same key again answers the first one. Raises NotFound, Stale, Refusal `nothing_to_bill`."""
    with transaction.atomic():
        order = lock_order(order_id)
        known = Document.objects.filter(subject=order.subject, key=f"pro-forma:{key}"[:120]).first()
        if known is not None:
            return known
        lock_order(order_id, version=version)
        planned = plan(
            worth_of(order, _lines(order), []).parts, [], goodwill=Decimal(0), tax_included=order.tax_included, currency=order.currency
        )  # fmt: skip
        if not planned:
            raise Refusal("nothing_to_bill", _("Order {number} is worth nothing.").format(number=order.number))
        new = New(DocumentKind.PRO_FORMA, planned[0].rows, f"pro-forma:{key}")
        return write_documents(facts_of(order, now=now), [new], mail=mail, actor=actor, now=now)[0]


def issue_free_pro_forma(
    *, facts: Facts, rows: Sequence[Row], key: str, mail: bool = False, actor: Actor, now: datetime
) -> Document:
    """A pro forma for what is no order yet (a draft): its rows and facts are the caller's. The same key again answers the first one."""
    with transaction.atomic():
        known = Document.objects.filter(subject=facts.subject, key=f"pro-forma:{key}"[:120]).first()
        if known is not None:
            return known
        new = New(DocumentKind.PRO_FORMA, rows, f"pro-forma:{key}")
        return write_documents(facts, [new], mail=mail, actor=actor, now=now)[0]


def save_billing_profile(
    *, order_id: int, tax_number: str, payment_days: int | None = None, actor: Actor, now: datetime
) -> BillingProfile:
    """Keep a customer's tax number (and days to pay) for this and later documents. Raises Invalid where the order has no customer."""
    with transaction.atomic():
        order = lock_order(order_id)
        if order.customer_id is None:
            raise Invalid("no_customer", _("The order has no customer to keep a tax number for."), field="tax_number")
        values = {"tax_number": " ".join(tax_number.split())[:40], "payment_days": payment_days}
        profile, made = BillingProfile.objects.get_or_create(customer_id=order.customer_id, defaults=values)
        changed = {name: value for name, value in values.items() if getattr(profile, name) != value}
        if changed and not made:
            BillingProfile.objects.filter(pk=profile.pk).update(**changed)
        if changed or (made and values["tax_number"]):
            record(
                f"customer:{order.customer_id}", "billing.changed", actor=actor, at=now, tax_number=values["tax_number"]
            )
        return BillingProfile(customer_id=order.customer_id, **values)


def _lines(order: Order) -> list[OrderLine]:
    return list(order.lines.select_related("bundle").order_by("position"))
