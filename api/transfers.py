"""Transfers between own locations over the API."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import Field

from api.idempotency import HEADER, once
from api.schemas import Input, Problem, text
from core.actors import Actor
from core.listing.keyset import Keyset
from core.permissions import require_permission
from core.refusals import Invalid, NotFound
from inventory.models import Location
from transfers.models import Transfer
from transfers.operations import (
    Arrived,
    NewTransfer,
    create_transfer,
    dispatch_transfer,
    find_variants,
    make_ready,
    receive_transfer,
)
from transfers.queries import containing, listed_transfers, with_lines
from transfers.states import TransferState

router = Router(tags=["Transfers"])
NEWEST_FIRST = Keyset(("id",), desc=True)


class TransferLineIn(Input):
    sku: text(64, 1) = Field(description="SKU or barcode")
    quantity: int = Field(ge=1, le=1_000_000)


class TransferIn(Input):
    origin: text(120, 1) = Field(description="name or code of the location")
    destination: text(120, 1) = Field(description="name or code of the location")
    lines: list[TransferLineIn] = Field(min_length=1, max_length=1000)
    reference: text(60) = ""
    expected_on: date | None = None
    note: text(500) = ""


class ReadyIn(Input):
    reduce: bool = Field(False, description="cut the lines to what the origin can promise")
    version: int | None = Field(None, description="refuse when it was changed since this version")


_SERIALS = Field(
    default_factory=list,
    max_length=5000,
    description="serial numbers, where only some of the units that are there move",
)


class DispatchLineIn(Input):
    sku: text(64, 1)
    quantity: int = Field(ge=0, le=1_000_000)
    serials: list[text(60, 1)] = _SERIALS


class DispatchIn(Input):
    lines: list[DispatchLineIn] | None = Field(None, max_length=1000, description="what leaves; absent: all of it")
    keep_rest: bool = Field(False, description="what stays becomes a draft of its own")
    version: int | None = None


class ArrivedIn(Input):
    sku: text(64, 1)
    quantity: int = Field(ge=1, le=1_000_000, description="all that arrived, damaged units among them")
    damaged: int = Field(0, ge=0, le=1_000_000)
    over_reason: text(12) = Field("", description="sent_more or found; needed where more arrived than was on its way")
    damage_reason: text(12) = Field("", description="on_the_way, badly_packed or before; needed for damaged units")
    note: text(200) = ""
    serials: list[text(60, 1)] = _SERIALS


class ReceiveIn(Input):
    lines: list[ArrivedIn] = Field(min_length=1, max_length=1000)
    version: int | None = None


class TransferSummary(Schema):
    id: int
    number: str
    origin: str
    destination: str
    state: str
    reference: str
    expected_on: date | None
    units: int
    shipped: int
    received: int
    damaged: int
    over: int
    lost: int
    returned: int
    found: int
    outstanding: int
    created_at: datetime
    dispatched_at: datetime | None
    closed_at: datetime | None


class TransferLineOut(Schema):
    sku: str
    title: str
    quantity: int
    shipped: int
    received: int
    damaged: int
    over: int
    lost: int
    returned: int
    found: int
    outstanding: int


class TransferOut(TransferSummary):
    note: str
    version: int
    lines: list[TransferLineOut]


class TransferList(Schema):
    items: list[TransferSummary]
    next: str | None = Field(description="give it as `cursor` to get the next page; null on the last")


@router.get("/transfers", response={200: TransferList, 422: Problem}, summary="Transfers, newest first")
def list_transfers(
    request: HttpRequest,
    state: TransferState | None = None,
    origin: str = Query("", max_length=120, description="name or code"),
    destination: str = Query("", max_length=120, description="name or code"),
    sku: str = Query("", max_length=64),
    limit: int = Query(100, ge=1, le=1000),
    cursor: str = Query("", max_length=1000),
) -> dict[str, Any]:
    require_permission(request.api_token, "transfers.view")  # type: ignore[attr-defined]
    found = listed_transfers()
    if state:
        found = found.filter(state=state)
    if origin:
        found = found.filter(origin_id=_location(origin, "origin"))
    if destination:
        found = found.filter(destination_id=_location(destination, "destination"))
    if sku:
        if "\x00" in sku:
            raise Invalid("unknown_sku", f"There is no SKU “{sku}”.", field="sku")
        found = containing(found, sku)
    page = NEWEST_FIRST.page(found, size=limit, after=cursor or None)
    return {"items": [_summary(transfer) for transfer in page.rows], "next": page.next}


@router.get(
    "/transfers/{transfer_id}", response={200: TransferOut, 404: Problem}, summary="One transfer with its lines"
)
def get_transfer(request: HttpRequest, transfer_id: int) -> dict[str, Any]:
    require_permission(request.api_token, "transfers.view")  # type: ignore[attr-defined]
    return _full(transfer_id)


@router.post("/transfers", response={201: TransferOut, 409: Problem, 422: Problem}, summary="Create a draft")
def create(request: HttpRequest, data: TransferIn) -> Status:
    """A draft: nothing is reserved. Send an `Idempotency-Key`, so that a repeat is the same transfer."""
    actor, now = _actor(request), timezone.now()

    def act() -> tuple[int, dict[str, Any]]:
        made = create_transfer(
            NewTransfer(
                _location(data.origin, "origin"), _location(data.destination, "destination"),
                tuple(zip(_variants([line.sku for line in data.lines]), [line.quantity for line in data.lines], strict=True)),
                reference=data.reference, expected_on=data.expected_on, note=data.note,
            ), actor=actor, now=now,
        )  # fmt: skip
        return 201, _full(made.pk)

    return Status(*once(request, act))


@router.post(
    "/transfers/{transfer_id}/ready",
    response={200: TransferOut, 404: Problem, 409: Problem, 422: Problem},
    summary="Reserve it at the origin",
)
def ready(request: HttpRequest, transfer_id: int, data: ReadyIn) -> Status:
    """Everything is reserved at the origin and incoming at the destination. What the origin lacks is said line by line (409)."""
    actor, now = _actor(request), timezone.now()

    def act() -> tuple[int, dict[str, Any]]:
        make_ready(transfer_id=_key(transfer_id), reduce=data.reduce, version=data.version, actor=actor, now=now)
        return 200, _full(transfer_id)

    return Status(*once(request, act))


@router.post(
    "/transfers/{transfer_id}/dispatch",
    response={200: TransferOut, 404: Problem, 409: Problem, 422: Problem},
    summary="Let it leave",
)
def dispatch(request: HttpRequest, transfer_id: int, data: DispatchIn) -> Status:
    """All of it, or less than planned; lines that are not named stay."""
    actor, now = _actor(request), timezone.now()

    def act() -> tuple[int, dict[str, Any]]:
        units = serials = None
        if data.lines is not None:
            ids = _lines_of(transfer_id, [line.sku for line in data.lines])
            units = {pk: line.quantity for pk, line in zip(ids, data.lines, strict=True)}
            serials = {pk: line.serials for pk, line in zip(ids, data.lines, strict=True)}
        dispatch_transfer(
            transfer_id=_key(transfer_id), units=units, serials=serials, keep_rest=data.keep_rest, version=data.version, actor=actor, now=now
        )  # fmt: skip
        return 200, _full(transfer_id)

    return Status(*once(request, act))


@router.post(
    "/transfers/{transfer_id}/receive",
    response={200: TransferOut, 404: Problem, 409: Problem, 422: Problem},
    summary="Put what arrived into stock",
)
def receive(request: HttpRequest, transfer_id: int, data: ReceiveIn) -> Status:
    """Goods are received in parts, so an `Idempotency-Key` is demanded: the same key arrives once."""
    actor, now = _actor(request), timezone.now()
    if not request.headers.get(HEADER, ""):
        raise Invalid("idempotency_key_missing", "Send an Idempotency-Key with a receipt.", field=HEADER)

    def act() -> tuple[int, dict[str, Any]]:
        ids = _lines_of(transfer_id, [line.sku for line in data.lines])
        arrived = [
            Arrived(
                pk, line.quantity, line.damaged, line.over_reason, line.damage_reason, line.note, tuple(line.serials)
            )
            for pk, line in zip(ids, data.lines, strict=True)
        ]
        key = f"api:{request.api_token.pk}:{_digest(request.headers[HEADER])}"  # type: ignore[attr-defined]
        receive_transfer(
            transfer_id=_key(transfer_id), arrived=arrived, key=key, version=data.version, actor=actor, now=now
        )
        return 200, _full(transfer_id)

    return Status(*once(request, act))


def _digest(key: str) -> str:
    """A key of any length as 32 hex digits."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _actor(request: HttpRequest) -> Actor:
    require_permission(request.api_token, "transfers.edit")  # type: ignore[attr-defined]
    return Actor.token(request.api_token)  # type: ignore[attr-defined]


def _key(transfer_id: int) -> int:
    if not 0 < transfer_id < 2**63:
        raise NotFound("no_such_transfer", "There is no such transfer.", field="transfer_id")
    return transfer_id


def _location(name: str, field: str) -> int:
    known = Location.objects.filter(Q(name=name) | Q(code=name)) if "\x00" not in name else Location.objects.none()
    found = known.values_list("pk", flat=True).first()
    if found is None:
        raise Invalid("unknown_location", f"There is no location “{name}”.", field=field)
    return found


def _variants(skus: list[str]) -> list[int]:
    """The variants of the codes, in their order. Raises Invalid at the line at fault."""
    known = find_variants(skus)
    for n, sku in enumerate(skus):
        if sku not in known:
            raise Invalid("unknown_sku", f"There is no SKU “{sku}”.", field=f"lines[{n}].sku")
    return [known[sku].pk for sku in skus]


def _lines_of(transfer_id: int, skus: list[str]) -> list[int]:
    """The lines of a transfer that hold these codes, in their order. Raises Invalid at the one at fault, NotFound."""
    rows = dict(Transfer.objects.filter(pk=_key(transfer_id)).values_list("lines__variant_id", "lines__pk"))
    if not rows:
        raise NotFound("no_such_transfer", "There is no such transfer.", field="transfer_id")
    variants = _variants(skus)
    for n, variant_id in enumerate(variants):
        if variant_id not in rows or variant_id in variants[:n]:
            raise Invalid("not_in_transfer", f"“{skus[n]}” is not in this transfer, or twice.", field=f"lines[{n}].sku")
    return [rows[variant_id] for variant_id in variants]


_COUNTS = ("shipped", "received", "damaged", "over", "lost", "returned", "found", "outstanding")
_PLAIN = ("number", "state", "reference", "expected_on", "units", "created_at", "dispatched_at", "closed_at", *_COUNTS)


def _summary(transfer: Transfer) -> dict[str, Any]:
    return {name: getattr(transfer, name) for name in _PLAIN} | {
        "id": transfer.pk,
        "origin": transfer.origin.name,
        "destination": transfer.destination.name,
    }


def _full(transfer_id: int) -> dict[str, Any]:
    found = with_lines(Transfer.objects.filter(pk=_key(transfer_id))).first()
    if found is None:
        raise NotFound("no_such_transfer", "There is no such transfer.", field="transfer_id")
    lines = [
        {name: getattr(line, name) for name in ("quantity", *_COUNTS)}
        | {"sku": line.variant.sku, "title": line.variant.title}
        for line in found.lines.all()
    ]
    return _summary(found) | {"note": found.note, "version": found.version, "lines": lines}
