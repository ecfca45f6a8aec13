"""Draft orders over the API: composed, held, sent, made orders."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import Field, StringConstraints

from api.idempotency import once
from api.reading import amount_text
from api.schemas import AddressIn, Amount, Input, Moment, PositiveAmount, Problem, text
from core.actors import Actor
from core.addresses import Address
from core.listing.keyset import Keyset
from core.permissions import require_permission
from core.refusals import Invalid, NotFound
from drafts.models import DraftLine, DraftOrder
from drafts.operations import (
    LineEdit,
    NewLine,
    PaidInPerson,
    begin_draft,
    complete_draft,
    edit_draft,
    end_draft,
    hold_stock,
    release_stock,
    send_draft,
)
from drafts.queries import lines_of, money_of
from drafts.states import DraftState, Scenario, Terms
from drafts.totals import NO_DISCOUNT, Discount
from inventory.models import Location, Variant
from orders.models import Channel

router = Router(tags=["Drafts"])
NEWEST_FIRST = Keyset(("id",), desc=True)
_ANSWERS = {404: Problem, 409: Problem, 422: Problem}
#: A hold that names no end lasts so long.
HELD_FOR = timedelta(days=2)


class DiscountIn(Input):
    kind: Literal["none", "amount", "percent"] = "none"
    value: PositiveAmount = Decimal(0)


class DraftLineIn(Input):
    id: int | None = Field(None, description="an existing line that is changed; without it a line is added")
    sku: text(64) = Field("", description="of a new line that is a product")
    title: text(255) = Field("", description="of a line that is words and a price")
    quantity: int = Field(ge=0, le=1_000_000, description="0 takes an existing line away")
    unit_price: PositiveAmount | None = Field(None, description="null: as it is, or the product's own")
    discount: DiscountIn | None = None
    tax_rate: Decimal | None = Field(
        None, ge=0, lt=1, decimal_places=5, max_digits=7, description="a fraction; null: the country's"
    )


class DraftEditIn(Input):
    version: int | None = Field(None, description="refuse when it was changed since this version")
    customer_name: text(200) | None = None
    email: text(254) | None = None
    phone: text(40) | None = None
    language: text(8, 2) | None = None
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    shipping_address: AddressIn | None = None
    billing_address: AddressIn | None = None
    shipping_method: text(80) | None = None
    shipping_total: PositiveAmount | None = None
    discount: DiscountIn | None = None
    tax_included: bool | None = None
    tax_exempt: bool | None = None
    po_number: text(60) | None = None
    terms: Terms | None = None
    expires_at: Moment | None = None
    tags: list[text(40, 1)] | None = Field(None, max_length=20)
    note: text(4000) | None = None
    location: text(120) | None = Field(
        None, description="name or code of the location that hands the goods over at once; empty: they are shipped"
    )
    lines: list[DraftLineIn] = Field(
        default_factory=list, max_length=200, description="lines that are not named stay as they are"
    )


class DraftIn(DraftEditIn):
    scenario: Scenario = Scenario.PHONE
    channel: text(80) = Field("", description="name of the channel; empty: the scenario's")


class HoldIn(Input):
    until: Moment | None = Field(None, description="two days from now when absent")
    version: int | None = None


class SendIn(Input):
    mail: bool = Field(True, description="by e-mail with link and PDF; else the link alone is opened")
    version: int | None = None


class PaidIn(Input):
    amount: PositiveAmount | None = Field(None, description="null: all of it")
    method: text(60, 1)
    reference: text(120) = ""


class CompleteIn(Input):
    how: Literal["paid", "terms", "place"] = Field(
        description="paid in person, on terms, or unpaid under a payment hold"
    )
    paid: PaidIn | None = None
    version: int | None = None


class EndIn(Input):
    version: int | None = None


class DraftLineOut(Schema):
    id: int
    sku: str = Field(description="empty for words and a price")
    title: str
    quantity: int
    unit_price: Amount
    discount: Amount = Field(description="its own and its share of the draft's")
    amount: Amount = Field(description="price × quantity less discounts")
    tax: Amount
    tax_rate: Decimal | None


class DraftSummary(Schema):
    id: int
    number: str
    state: DraftState
    scenario: Scenario
    channel: str
    customer_name: str
    email: str
    currency: str
    units: int
    total: Amount
    hold_until: Any = Field(description="ISO 8601, or null")
    expires_at: Any = Field(description="ISO 8601, or null")
    order_id: int | None
    version: int


class DraftOut(DraftSummary):
    po_number: str
    terms: Terms
    tax_included: bool
    subtotal: Amount
    discount_total: Amount
    shipping_total: Amount
    tax_total: Amount
    lines: list[DraftLineOut]


class DraftList(Schema):
    items: list[DraftSummary]
    next: str | None


@router.get("/drafts", response={200: DraftList, 422: Problem}, summary="Drafts, newest first")
def list_drafts(
    request: HttpRequest,
    state: DraftState | None = None,
    limit: int = Query(100, ge=1, le=1000),
    cursor: str = Query("", max_length=1000),
) -> dict[str, Any]:
    require_permission(request.api_token, "drafts.view")  # type: ignore[attr-defined]
    found = DraftOrder.objects.select_related("channel").defer("search", "search_text")
    page = NEWEST_FIRST.page(found.filter(state=state) if state else found, size=limit, after=cursor or None)
    return {"items": [_summary(draft) for draft in page.rows], "next": page.next}


@router.get("/drafts/{draft_id}", response={200: DraftOut, 404: Problem}, summary="One draft with its lines")
def get_draft(request: HttpRequest, draft_id: int) -> dict[str, Any]:
    require_permission(request.api_token, "drafts.view")  # type: ignore[attr-defined]
    return _full(draft_id)


@router.post("/drafts", response={201: DraftOut, **_ANSWERS}, summary="Begin a draft")
def create_draft(request: HttpRequest, data: DraftIn) -> Status:
    """Nothing is reserved yet. Send an `Idempotency-Key`, so that a repeat is the same draft."""
    actor, now = _actor(request), timezone.now()

    def act() -> tuple[int, dict[str, Any]]:
        channel = _channel(data.channel) if data.channel else None
        made = begin_draft(scenario=data.scenario, channel_id=channel, actor=actor, now=now)
        edits, added = _lines(data.lines, [])
        edit_draft(draft_id=made.pk, head=_head(data), edits=edits, added=added, actor=actor, now=now)
        return 201, _full(made.pk)

    return Status(*once(request, act))


@router.patch("/drafts/{draft_id}", response={200: DraftOut, **_ANSWERS}, summary="Change a draft")
def change_draft(request: HttpRequest, draft_id: int, data: DraftEditIn) -> Status:
    """What is not named stays. Held stock follows the lines."""
    actor, now = _actor(request), timezone.now()

    def act() -> tuple[int, dict[str, Any]]:
        edits, added = _lines(data.lines, lines_of(_draft(draft_id)))
        edit_draft(
            draft_id=draft_id, head=_head(data), edits=edits, added=added, version=data.version, actor=actor, now=now
        )
        return 200, _full(draft_id)

    return Status(*once(request, act))


@router.post("/drafts/{draft_id}/hold", response={200: DraftOut, **_ANSWERS}, summary="Hold its stock until a moment")
def hold(request: HttpRequest, draft_id: int, data: HoldIn) -> Status:
    """As much as there is; 409 `nothing_to_hold` when there is nothing."""
    actor, now = _actor(request), timezone.now()

    def act() -> tuple[int, dict[str, Any]]:
        hold_stock(
            draft_id=_key(draft_id), until=data.until or now + HELD_FOR, version=data.version, actor=actor, now=now
        )
        return 200, _full(draft_id)

    return Status(*once(request, act))


@router.post("/drafts/{draft_id}/release", response={200: DraftOut, **_ANSWERS}, summary="Give its held stock back")
def release(request: HttpRequest, draft_id: int, data: EndIn) -> Status:
    actor, now = _actor(request), timezone.now()

    def act() -> tuple[int, dict[str, Any]]:
        release_stock(draft_id=_key(draft_id), version=data.version, actor=actor, now=now)
        return 200, _full(draft_id)

    return Status(*once(request, act))


@router.post("/drafts/{draft_id}/send", response={200: DraftOut, **_ANSWERS}, summary="Send it to its customer")
def send(request: HttpRequest, draft_id: int, data: SendIn) -> Status:
    actor, now = _actor(request), timezone.now()

    def act() -> tuple[int, dict[str, Any]]:
        send_draft(draft_id=_key(draft_id), mail=data.mail, version=data.version, actor=actor, now=now)
        return 200, _full(draft_id)

    return Status(*once(request, act))


@router.post("/drafts/{draft_id}/complete", response={200: DraftOut, **_ANSWERS}, summary="Make it an order")
def complete(request: HttpRequest, draft_id: int, data: CompleteIn) -> Status:
    """The answer names the order. A second time is refused (409 `wrong_state`)."""
    actor, now = _actor(request), timezone.now()
    require_permission(request.api_token, "orders.create")  # type: ignore[attr-defined]
    if data.how == "paid":
        require_permission(request.api_token, "payments.record")  # type: ignore[attr-defined]
    if (data.how == "paid") != (data.paid is not None):
        raise Invalid("bad_payment", "Say what was paid exactly when it was paid in person.", field="paid")
    paid = PaidInPerson(data.paid.amount, data.paid.method, data.paid.reference) if data.paid else None

    def act() -> tuple[int, dict[str, Any]]:
        complete_draft(draft_id=_key(draft_id), action=data.how, paid=paid, version=data.version, actor=actor, now=now)
        return 200, _full(draft_id)

    return Status(*once(request, act))


@router.post("/drafts/{draft_id}/cancel", response={200: DraftOut, **_ANSWERS}, summary="Give it up")
def cancel(request: HttpRequest, draft_id: int, data: EndIn) -> Status:
    actor, now = _actor(request), timezone.now()

    def act() -> tuple[int, dict[str, Any]]:
        end_draft(draft_id=_key(draft_id), action="cancel", version=data.version, actor=actor, now=now)
        return 200, _full(draft_id)

    return Status(*once(request, act))


def _actor(request: HttpRequest) -> Actor:
    require_permission(request.api_token, "drafts.edit")  # type: ignore[attr-defined]
    return Actor.token(request.api_token)  # type: ignore[attr-defined]


def _key(pk: int) -> int:
    if not 0 < pk < 2**63:
        raise NotFound("no_such_draft", "There is no such draft.", field="draft_id")
    return pk


def _draft(pk: int) -> DraftOrder:
    found = DraftOrder.objects.select_related("channel").defer("search", "search_text").filter(pk=_key(pk)).first()
    if found is None:
        raise NotFound("no_such_draft", "There is no such draft.", field="draft_id")
    return found


def _channel(name: str) -> int:
    found = Channel.objects.filter(name=name).values_list("pk", flat=True).first()
    if found is None:
        raise Invalid("unknown_channel", f"There is no channel “{name}”.", field="channel")
    return found


def _head(data: DraftEditIn) -> dict[str, Any]:
    """What is named of the head, as `edit_draft` wants it."""
    given = {
        name: getattr(data, name)
        for name in data.model_fields_set & set(DraftEditIn.model_fields) - {"version", "lines"}
    }
    head = {name: value for name, value in given.items() if value is not None or name == "expires_at"}
    for name in ("shipping_address", "billing_address"):
        if name in head:
            head[name] = Address(**head[name].dict())
    if "discount" in head:
        head["discount"] = Discount(head["discount"].kind, head["discount"].value)
    if "location" in head:
        head["location_id"] = _location(head.pop("location"))
    return head


def _location(name: str) -> int | None:
    if not name:
        return None
    found = Location.objects.filter(name=name).first() or Location.objects.filter(code=name).first()
    if found is None:
        raise Invalid("unknown_location", f"There is no location “{name}”.", field="location")
    return found.pk


def _lines(lines: list[DraftLineIn], known: list[DraftLine]) -> tuple[list[LineEdit], list[NewLine]]:
    """Lines with an id as edits of what is known, the others as new ones. Raises Invalid at the line at fault."""
    variants = dict(Variant.objects.filter(sku__in=[line.sku for line in lines if line.sku]).values_list("sku", "pk"))
    of_draft = {line.pk: line for line in known}
    edits, added = [], []
    for n, line in enumerate(lines):
        discount = Discount(line.discount.kind, line.discount.value) if line.discount else None
        if line.id is not None:
            old = of_draft.get(line.id)
            if old is None:
                raise Invalid("no_such_line", "This line is not part of the draft.", field=f"lines[{n}].id")
            rate = line.tax_rate if "tax_rate" in line.model_fields_set else old.tax_rate
            price = old.unit_price if line.unit_price is None else line.unit_price
            edits.append(
                LineEdit(old.pk, line.quantity, price, discount or old.discount, rate, line.title or old.title)
            )
            continue
        if line.sku and line.sku not in variants:
            raise Invalid("unknown_sku", f"There is no SKU “{line.sku}”.", field=f"lines[{n}].sku")
        added.append(
            NewLine(
                line.quantity,
                variants.get(line.sku),
                line.title,
                line.unit_price,
                discount or NO_DISCOUNT,
                line.tax_rate,
            )
        )
    return edits, added


_PLAIN = (
    "number",
    "state",
    "scenario",
    "customer_name",
    "email",
    "currency",
    "units",
    "hold_until",
    "expires_at",
    "order_id",
    "version",
)


def _summary(draft: DraftOrder) -> dict[str, Any]:
    return {name: getattr(draft, name) for name in _PLAIN} | {
        "id": draft.pk, "channel": draft.channel.name, "total": amount_text(draft.total, draft.currency),
    }  # fmt: skip


def _full(draft_id: int) -> dict[str, Any]:
    draft = _draft(draft_id)
    lines = lines_of(draft)
    money = money_of(draft, lines)

    def written(amount: Decimal) -> str:
        return amount_text(amount, draft.currency)

    rows = [
        {
            "id": line.pk, "sku": line.variant.sku if line.variant else "", "title": line.title, "quantity": line.quantity,
            "unit_price": written(line.unit_price), "discount": written(row.discount), "amount": written(row.amount), "tax": written(row.tax),
            "tax_rate": line.rate_in(draft),
        }
        for line, row in zip(lines, money.lines, strict=True)
    ]  # fmt: skip
    sums = {
        name: written(getattr(draft, name)) for name in ("subtotal", "discount_total", "shipping_total", "tax_total")
    }
    return (
        _summary(draft)
        | sums
        | {"po_number": draft.po_number, "terms": draft.terms, "tax_included": draft.tax_included, "lines": rows}
    )
