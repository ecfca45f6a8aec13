"""Credit notes that a person decides: chosen units or an amount of one invoice, never beyond what is left of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.money import format_money, is_exact
from core.refusals import Invalid, NotFound, Refusal
from invoicing.billing import ZERO, Left, Row, credit_amount, credit_units, left_of
from invoicing.models import Document
from invoicing.operations.writing import New, facts_of, write_documents
from invoicing.queries import documents_of, issued_of
from invoicing.states import DocumentKind
from orders.operations import lock_order


def left_of_invoice(invoice: Document, documents: list[Document] | None = None) -> list[Left]:
    """What credit notes have left of each row of an invoice."""
    assert invoice.order_id is not None  # noqa: S101 - a constraint holds it for invoices
    return left_of(issued_of(documents if documents is not None else documents_of(invoice.order_id)))[invoice.pk]


def credit_invoice(
    *, invoice_id: int, units: Mapping[int, int] | None = None, amount: Decimal | None = None, reason: str, key: str, mail: bool = False,
    actor: Actor, now: datetime,
) -> Document:  # fmt: skip
    """Credit units of rows (place of the row → units), or an amount spread over what is left. The same key again answers the first note.

    It says nothing of money: refunds are recorded on the order, and one that follows is taken as told by this note. Raises NotFound,
    Refusal `not_an_invoice` or `over_credit`, Invalid naming the field.
    """
    found = Document.objects.filter(pk=invoice_id).first()
    if found is None:
        raise NotFound("no_such_document", _("There is no such document."))
    if found.kind != DocumentKind.INVOICE or found.order_id is None:
        raise Refusal("not_an_invoice", _("Only an invoice can be credited."))
    if not reason.strip():
        raise Invalid("no_reason", _("Say why: it stands on the credit note."), field="reason")
    with transaction.atomic():
        order = lock_order(found.order_id)
        known = Document.objects.filter(subject=found.subject, key=f"credit:{key}"[:120]).first()
        if known is not None:
            return known
        left = left_of_invoice(found)
        most = creditable(left)
        rows = _of_units(found, left, units) if units else _of_amount(found, left, amount)
        total = sum((row.gross for row in rows), ZERO)
        if total <= 0:
            raise Invalid("nothing_chosen", _("Choose what is credited."), field="amount")
        if total > most:
            raise _too_much(found, most)
        new = New(DocumentKind.CREDIT_NOTE, rows, f"credit:{key}", found, reason)
        return write_documents(facts_of(order, now=now), [new], mail=mail, actor=actor, now=now)[0]


def _of_units(invoice: Document, left: list[Left], units: Mapping[int, int]) -> list[Row]:
    rows = []
    for place, count in sorted(units.items()):
        if not 0 <= place < len(left):
            raise Invalid("no_such_row", _("That row is not part of the invoice."), field=f"units-{place}")
        if not 0 <= count <= left[place].quantity:
            raise Refusal(
                "over_credit", _("At most {most} are left to be credited.").format(most=left[place].quantity), field=f"units-{place}"
            )  # fmt: skip
        if count and left[place].gross > 0:
            rows.append(credit_units(left[place], count, tax_included=invoice.tax_included, currency=invoice.currency))
    return rows


def _of_amount(invoice: Document, left: list[Left], amount: Decimal | None) -> list[Row]:
    if amount is None:
        raise Invalid("nothing_chosen", _("Choose units, or give an amount."), field="amount")
    if not amount.is_finite() or amount <= 0 or not is_exact(amount, invoice.currency):
        raise Invalid("bad_amount", _("Give an amount above zero, in the currency's decimals."), field="amount")
    most = creditable(left)
    if amount > most:
        raise _too_much(invoice, most)
    return credit_amount(left, amount, tax_included=invoice.tax_included, currency=invoice.currency)


def _too_much(invoice: Document, most: Decimal) -> Refusal:
    text = _("At most {left} is left of {number}.")
    return Refusal(
        "over_credit", text.format(left=format_money(most, invoice.currency), number=invoice.number), field="amount"
    )


def creditable(left: list[Left]) -> Decimal:
    """The most that can be credited: what is left, where a row that takes away counts too."""
    return sum((one.gross for one in left), ZERO)
