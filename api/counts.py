"""Stock counts over the API. While a count is blind and open, no answer tells what should be there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import Field

from api.idempotency import once
from api.problems import problem
from api.schemas import Input, Problem, text
from core.actors import Actor
from core.listing.keyset import Keyset
from core.permissions import require_permission
from core.refusals import Invalid, NotFound
from counts.models import StockCount, StockCountLine
from counts.operations import CannotPost, Counted, create_count, finish_count, post_count
from counts.operations import record_lines as record
from counts.operations.creating import CountScope, CountSettings
from counts.queries import holders_of, listed_counts
from counts.states import CountKind, CountState, LineState, Unlisted
from inventory.codes import variant_of_code
from inventory.models import Location, Variant

router = Router(tags=["Counts"])
NEWEST_FIRST = Keyset(("id",), desc=True)
IN_ORDER = Keyset(("bin", "id"))


class CountIn(Input):
    location: text(120, 1) = Field(description="name or code of the location")
    kind: CountKind
    bins: list[text(40)] = Field(
        default_factory=list, max_length=500, description="for `bins`; “” is what lies in no bin"
    )
    abc: text(1) = Field("", description="A, B or C, for `abc`")
    skus: list[text(64, 1)] = Field(default_factory=list, max_length=2000, description="SKU or barcode, for `skus`")
    blind: bool = True
    tolerance_units: int = Field(0, ge=0, le=1_000_000)
    tolerance_percent: int = Field(0, ge=0, le=100)
    second_person: bool = Field(False, description="another person or token must count again")
    note: text(200) = ""


class CountedIn(Input):
    sku: text(64, 1) = Field(description="SKU or barcode")
    bin: text(40) = ""
    counted: int = Field(ge=0, le=1_000_000)
    found: bool = Field(False, description="count it although it is not on the list")
    reason: text(120) = ""


class CountedLines(Input):
    lines: list[CountedIn] = Field(min_length=1, max_length=1000)


class PostIn(Input):
    unlisted: Unlisted = Field(Unlisted.LEAVE, description="what becomes of expected units that nobody found")
    partly: bool = Field(False, description="post the others where some differences cannot be posted")


class FinishIn(Input):
    anyway: bool = Field(False, description="also while lines should be counted again (needs the right to post)")


class CountOut(Schema):
    id: int
    number: str
    location: str
    kind: str
    scope: dict[str, Any]
    state: str
    blind: bool
    tolerance_units: int
    tolerance_percent: int
    note: str
    lines: int
    lines_done: int
    created_at: datetime
    counted_at: datetime | None
    posted_at: datetime | None


class CountLineOut(Schema):
    id: int
    bin: str
    sku: str
    title: str
    state: str
    counted: int | None = Field(description="null: not counted, or counted again while the count is blind")
    counted_at: datetime | None
    expected: int | None = Field(description="null before it is counted, and while the count is blind")
    difference: int | None
    first_counted: int | None
    found: bool
    reason: str
    result: str
    refused_why: str


class CountList(Schema):
    items: list[CountOut]
    next: str | None


class CountLineList(Schema):
    items: list[CountLineOut]
    next: str | None


class PostedOut(Schema):
    count: CountOut
    exact: int
    adjusted: int
    left: int
    refused: list[str]


def _allow(request: HttpRequest, permission: str) -> tuple[Actor, datetime]:
    require_permission(request.api_token, permission)  # type: ignore[attr-defined]
    return Actor.token(request.api_token), timezone.now()  # type: ignore[attr-defined]


def _find(count_id: int) -> StockCount:
    found = listed_counts().filter(pk=count_id).first() if 0 < count_id < 2**63 else None
    if found is None:
        raise NotFound("no_such_count", "There is no such count.", field="count_id")
    return found


def _row(count: StockCount) -> dict[str, Any]:
    names = (
        "id", "number", "kind", "scope", "state", "blind", "tolerance_units", "tolerance_percent", "note", "created_at", "counted_at", "posted_at",
    )  # fmt: skip
    return {name: getattr(count, name) for name in names} | {
        "location": count.location.name,
        "lines": count.line_count,
        "lines_done": count.lines_done,
    }


def _line(line: StockCountLine, count: StockCount) -> dict[str, Any]:
    hidden = count.hides_expected
    names = ("id", "bin", "state", "counted_at", "found", "reason", "result", "refused_why")
    return {name: getattr(line, name) for name in names} | {
        "sku": line.variant.sku,
        "title": line.variant.title,
        "counted": None if hidden and line.state == LineState.RECOUNT else line.counted,
        "expected": None if hidden else line.expected,
        "difference": None if hidden else (line.difference if line.result else line.off_by),
        "first_counted": None if hidden else line.first_counted,
    }


@router.get("/counts", response={200: CountList, 422: Problem}, summary="Stock counts, newest first")
def list_counts(
    request: HttpRequest,
    state: CountState | None = None,
    location: str = Query("", max_length=120, description="name or code"),
    limit: int = Query(100, ge=1, le=500),
    cursor: str = Query("", max_length=1000),
) -> dict[str, Any]:
    _allow(request, "counts.view")
    counts = listed_counts()
    if state:
        counts = counts.filter(state=state)
    if location:
        counts = counts.filter(location_id=_location(location))
    page = NEWEST_FIRST.page(counts, size=limit, after=cursor or None)
    return {"items": [_row(count) for count in page.rows], "next": page.next}


@router.post("/counts", response={201: CountOut, 404: Problem, 422: Problem}, summary="Make a count")
def make_count(request: HttpRequest, data: CountIn) -> Status:
    """Make a count with a line for each SKU that should be there. Send an `Idempotency-Key`, so that a repeat is harmless."""
    actor, now = _allow(request, "counts.count")

    def act() -> tuple[int, dict[str, Any]]:
        skus = [_variant(sku, f"skus[{n}]").pk for n, sku in enumerate(data.skus)]
        count = create_count(
            location_id=_location(data.location), scope=CountScope(data.kind, data.bins, data.abc, skus),
            settings=CountSettings(data.blind, data.tolerance_units, data.tolerance_percent, data.second_person, None, data.note),
            actor=actor, now=now,
        )  # fmt: skip
        return 201, _row(_find(count.pk))

    return Status(*once(request, act))


@router.get("/counts/{count_id}", response={200: CountOut, 404: Problem}, summary="One count")
def get_count(request: HttpRequest, count_id: int) -> dict[str, Any]:
    _allow(request, "counts.view")
    return _row(_find(count_id))


@router.get(
    "/counts/{count_id}/lines", response={200: CountLineList, 404: Problem, 422: Problem}, summary="Lines of a count"
)
def list_count_lines(
    request: HttpRequest,
    count_id: int,
    limit: int = Query(200, ge=1, le=1000),
    cursor: str = Query("", max_length=1000),
) -> dict[str, Any]:
    """By bin."""
    _allow(request, "counts.view")
    count = _find(count_id)
    lines = count.lines.select_related("variant").defer("variant__search", "variant__search_text")
    page = IN_ORDER.page(lines, size=limit, after=cursor or None)
    return {"items": [_line(line, count) for line in page.rows], "next": page.next}


@router.post(
    "/counts/{count_id}/lines", response={200: list[CountLineOut], 404: Problem, 409: Problem, 422: Problem}, summary="Record counted lines",
)  # fmt: skip
def record_lines(request: HttpRequest, count_id: int, data: CountedLines) -> Status:
    """Write down how many lie where: all of these lines or none. A number replaces the one before it.

    A line whose answer says `recount` is off by more than is tolerated: count it again and send the number, whatever it is.
    """
    actor, now = _allow(request, "counts.count")

    def act() -> tuple[int, list[dict[str, Any]]]:
        _find(count_id)
        counted = [
            Counted(_variant(line.sku, f"lines[{n}].sku").pk, line.bin, line.counted, line.found, line.reason)
            for n, line in enumerate(data.lines)
        ]
        keys = [line.pk for line in record(count_id=count_id, counted=counted, actor=actor, now=now)]
        count = _find(count_id)
        lines = count.lines.select_related("variant").filter(pk__in=keys).order_by("bin", "pk")
        return 200, [_line(line, count) for line in lines]

    return Status(*once(request, act))


@router.post(
    "/counts/{count_id}/finish", response={200: CountOut, 404: Problem, 409: Problem}, summary="Counting is finished"
)
def finish(request: HttpRequest, count_id: int, data: FinishIn) -> dict[str, Any]:
    """The count is then `counted`; or it stays `open`, with the lines that must be counted again as `recount`."""
    actor, now = _allow(request, "counts.count")
    if data.anyway:
        _allow(request, "counts.post")
    _find(count_id)
    finish_count(count_id=count_id, anyway=data.anyway, actor=actor, now=now)
    return _row(_find(count_id))


@router.post(
    "/counts/{count_id}/post",
    response={200: PostedOut, 404: Problem, 409: Problem, 422: Problem},
    summary="Post a count",
)
def post(request: HttpRequest, count_id: int, data: PostIn) -> Any:
    """Apply the differences to stock, once. 409 `cannot_post` names each SKU whose reserved units would no longer be covered, and who
    holds them; `partly` posts the others."""
    actor, now = _allow(request, "counts.post")
    location_id = _find(count_id).location_id

    def act() -> tuple[int, dict[str, Any]]:
        posted = post_count(count_id=count_id, unlisted=data.unlisted, partly=data.partly, actor=actor, now=now)
        return 200, {
            "count": _row(_find(count_id)), "exact": posted.exact, "adjusted": posted.adjusted, "left": posted.left,
            "refused": [line.sku for line in posted.refused],
        }  # fmt: skip

    try:
        return Status(*once(request, act))
    except CannotPost as refusal:
        return _cannot(refusal, location_id)


def _cannot(refusal: CannotPost, location_id: int) -> JsonResponse:
    held = holders_of([(line.variant_id, location_id) for line in refusal.lines])
    lines = [
        {
            "sku": line.sku, "difference": line.difference, "why": line.why,
            "held_by": [{"owner": owner, "quantity": units} for owner, units in held.get((line.variant_id, location_id), ())],
        }
        for line in refusal.lines
    ]  # fmt: skip
    return problem(refusal.status, refusal.code, str(refusal), lines=lines)


def _location(name: str) -> int:
    found = (
        None
        if "\x00" in name
        else Location.objects.filter(Q(name=name) | Q(code=name)).values_list("pk", flat=True).first()
    )
    if found is None:
        raise Invalid("unknown_location", f"There is no location “{name}”.", field="location")
    return found


def _variant(code: str, field: str) -> Variant:
    found = variant_of_code(code)
    if found is None:
        raise Invalid("unknown_sku", f"There is no SKU “{code}”.", field=field)
    return found
