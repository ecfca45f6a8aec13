"""Invoices, credit notes and pro formas over the API."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import Field

from api.idempotency import HEADER, once
from api.reading import amount_text
from api.schemas import Amount, Input, PositiveAmount, Problem, text
from core.actors import Actor
from core.files import file_response
from core.listing.keyset import Keyset
from core.permissions import require_permission
from core.refusals import Invalid, NotFound
from invoicing.billing import Row
from invoicing.drawing import pdf_of
from invoicing.models import Document
from invoicing.operations import bill_order, credit_invoice, issue_pro_forma
from invoicing.queries import listed
from invoicing.states import DocumentKind

router = Router(tags=["Invoices"])
NEWEST_FIRST = Keyset(("id",), desc=True)
_ANSWERS = {404: Problem, 409: Problem, 422: Problem}
_LARGEST_KEY = 2**63 - 1


class DocumentOut(Schema):
    id: int
    number: str
    kind: DocumentKind
    order_id: int | None
    order_number: str
    corrects_id: int | None = Field(description="of a credit note: its invoice")
    issued_at: datetime
    issued_on: date = Field(description="the day in the shop's zone that stands on it")
    due_on: date | None
    settled: bool = Field(description="paid when it was issued")
    currency: str
    tax_included: bool
    buyer_name: str
    po_number: str
    net_total: Amount
    tax_total: Amount
    total: Amount = Field(description="above zero on a credit note too: what is credited")


class RowOut(Schema):
    title: str
    sku: str
    quantity: int
    unit_price: Amount | None
    discount: Amount
    rate: Decimal | None = Field(description="a fraction: 0.23")
    net: Amount
    tax: Amount
    gross: Amount


class TaxOut(Schema):
    rate: Decimal | None
    net: Amount
    tax: Amount
    gross: Amount


class DocumentFull(DocumentOut):
    reason: str
    seller: dict[str, Any]
    buyer: dict[str, Any]
    rows: list[RowOut]
    taxes: list[TaxOut]


class DocumentPage(Schema):
    items: list[DocumentOut]
    next: str | None


class DocumentsOut(Schema):
    items: list[DocumentFull]


class IssueIn(Input):
    kind: Literal["invoice", "pro_forma"] = "invoice"
    scope: Literal["whole", "shipped", "issued"] = Field(
        "whole", description="what is billed: all, what has left, or corrections of what was billed only"
    )
    mail: bool = False
    reason: text(200) = Field("", description="stands on credit notes")
    version: int | None = Field(None, description="refuse when the order was changed since this version")


class CreditUnits(Input):
    row: int = Field(ge=0, le=10_000, description="place of the row on the invoice, from 0")
    quantity: int = Field(ge=1, le=1_000_000)


class CreditIn(Input):
    units: list[CreditUnits] = Field([], max_length=1000)
    amount: PositiveAmount | None = Field(None, description="instead of units: spread over what is left")
    reason: text(200, 1)
    mail: bool = False


@router.get("/invoices", response={200: DocumentPage, 422: Problem}, summary="Documents, newest first")
def list_documents(
    request: HttpRequest,
    kind: DocumentKind | None = None,
    order_id: int | None = Query(None, ge=1, le=_LARGEST_KEY),
    issued_from: date | None = None,
    issued_to: date | None = None,
    limit: int = Query(100, ge=1, le=1000),
    cursor: str = Query("", max_length=1000),
) -> dict[str, Any]:
    require_permission(request.api_token, "invoices.view")  # type: ignore[attr-defined]
    asked = {"kind": kind, "order_id": order_id, "issued_on__gte": issued_from, "issued_on__lte": issued_to}
    found = listed(Document.objects.filter(**{name: value for name, value in asked.items() if value is not None}))
    page = NEWEST_FIRST.page(found, size=limit, after=cursor or None)
    return {"items": [_summary(one) for one in page.rows], "next": page.next}


@router.get("/invoices/{document_id}", response={200: DocumentFull, 404: Problem}, summary="One document")
def get_document(request: HttpRequest, document_id: int) -> dict[str, Any]:
    require_permission(request.api_token, "invoices.view")  # type: ignore[attr-defined]
    return _full(_find(document_id))


@router.get("/invoices/{document_id}/pdf", response={404: Problem, 503: Problem}, summary="Its PDF")
def get_pdf(request: HttpRequest, document_id: int) -> HttpResponse:
    """The same bytes whenever it is asked for."""
    require_permission(request.api_token, "invoices.view")  # type: ignore[attr-defined]
    document = _find(document_id)
    file = pdf_of(document)
    return file_response(document.file_name, file.content_type, file.data)


@router.post(
    "/orders/{order_id}/invoices", response={201: DocumentsOut, **_ANSWERS}, summary="Issue documents of an order"
)
def issue(request: HttpRequest, order_id: int, data: IssueIn) -> Status:
    """Issues what brings the documents to what the order is worth: an invoice, and credit notes for what was billed too high.

    With nothing to issue the answer is an empty list. A pro forma needs an `Idempotency-Key`.
    """
    actor, now = _actor(request), timezone.now()
    if order_id > _LARGEST_KEY:
        raise NotFound("no_such_order", "There is no such order.")

    def act() -> tuple[int, dict[str, Any]]:
        who = {"order_id": order_id, "mail": data.mail, "version": data.version, "actor": actor, "now": now}
        if data.kind == "pro_forma":
            made = [issue_pro_forma(key=_key(request), **who)]
        else:
            made = bill_order(scope=data.scope, reason=data.reason, **who)
        return 201, {"items": [_full(one) for one in made]}

    return Status(*once(request, act))


@router.post(
    "/invoices/{document_id}/credit-notes", response={201: DocumentFull, **_ANSWERS}, summary="Credit an invoice"
)
def credit(request: HttpRequest, document_id: int, data: CreditIn) -> Status:
    """Credits units or an amount, never beyond the invoice. No money goes back by it. Needs an `Idempotency-Key`."""
    actor, now, key = _actor(request), timezone.now(), _key(request)
    units = {one.row: one.quantity for one in data.units}
    if len(units) < len(data.units):
        raise Invalid("row_twice", "A row is named twice.", field="units")

    def act() -> tuple[int, dict[str, Any]]:
        made = credit_invoice(
            invoice_id=_find(document_id).pk, units=units, amount=data.amount, reason=data.reason, key=key, mail=data.mail, actor=actor, now=now
        )  # fmt: skip
        return 201, _full(made)

    return Status(*once(request, act))


def _actor(request: HttpRequest) -> Actor:
    require_permission(request.api_token, "invoices.issue")  # type: ignore[attr-defined]
    return Actor.token(request.api_token)  # type: ignore[attr-defined]


def _key(request: HttpRequest) -> str:
    key = request.headers.get(HEADER, "")
    if not key:
        raise Invalid(
            "no_idempotency_key", "Send an Idempotency-Key, so that a repeat issues nothing more.", field=HEADER
        )
    return f"api:{request.api_token.pk}:{key}"[:100]  # type: ignore[attr-defined]


def _find(document_id: int) -> Document:
    found = Document.objects.filter(pk=document_id).first() if 0 < document_id <= _LARGEST_KEY else None
    if found is None:
        raise NotFound("no_such_document", "There is no such document.", field="document_id")
    return found


def _summary(one: Document) -> dict[str, Any]:
    plain = (
        "id", "number", "kind", "order_id", "order_number", "corrects_id", "issued_at", "issued_on", "due_on", "settled", "currency",
        "tax_included", "buyer_name", "po_number",
    )  # fmt: skip
    amounts = {name: amount_text(getattr(one, name), one.currency) for name in ("net_total", "tax_total", "total")}
    return {name: getattr(one, name) for name in plain} | amounts


def _full(one: Document) -> dict[str, Any]:
    def money(amount: Decimal | None) -> str | None:
        return None if amount is None else amount_text(amount, one.currency)

    rows = [Row.from_json(row) for row in one.lines]
    return _summary(one) | {
        "reason": one.reason,
        "seller": one.seller,
        "buyer": one.buyer,
        "rows": [
            {
                "title": row.title, "sku": row.sku, "quantity": row.quantity, "unit_price": money(row.unit_price), "discount": money(row.discount),
                "rate": row.rate, "net": money(row.net), "tax": money(row.tax), "gross": money(row.gross),
            }
            for row in rows
        ],
        "taxes": [
            {"rate": tax.rate, "net": money(tax.net), "tax": money(tax.tax), "gross": money(tax.gross)}
            for tax in one.taxes.order_by("-rate")
        ],
    }  # fmt: skip
