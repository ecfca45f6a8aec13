"""What the page of a stock level shows: the sum that makes a number, the movements behind it, the orders it is promised to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from babel.numbers import format_decimal
from django.http import HttpRequest
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.formats import active_locale
from core.models import User
from core.timeline import entries_for
from core.timeline_text import TimelineLine, lines_for
from inventory.models import Bucket, Reservation, StockLevel, StockMovement
from inventory.operations.levels import BUCKETS, Level, check_levels
from inventory.queries import LedgerRow, change_of, ledger_page, open_reservations, undoable
from inventory.views.references import Reference, actors_of, causes_of, owners_of

RESERVATIONS_SHOWN = 50
BINS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Term:
    """A part of the sum: its sign, name and count, and the address of the ledger behind it."""

    sign: str
    label: str
    value: int
    url: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A movement for people: the change with its sign, what the bucket counted then, what made it, who."""

    movement: StockMovement
    change: str
    balance: int
    cause: Reference
    actor: str


@dataclass(slots=True)
class LevelPage:
    """Everything on the page."""

    level: StockLevel
    sum: list[Term]
    incoming: Term
    bucket: str
    lines: list[Line]
    next_url: str
    previous_url: str
    reservations: list[tuple[Reservation, Reference]]
    more_reservations: bool
    undo: StockMovement | None
    undo_text: str
    history: list[TimelineLine]


def load_level_page(level: StockLevel, request: HttpRequest) -> LevelPage:
    """Gather the page of a level (loaded with variant and location). A fixed number of statements, whatever the level has."""
    bucket = request.GET.get("bucket", "")
    bucket = bucket if bucket in Bucket.values else ""
    ledger = ledger_page(level, bucket=bucket, after=request.GET.get("after"), before=request.GET.get("before"))
    promised = open_reservations(level, limit=RESERVATIONS_SHOWN + 1)
    owners = owners_of(one.owner for one in promised)
    undo = _undoable(level, request.user)
    return LevelPage(
        level=level,
        sum=_sum(level, bucket),
        incoming=_term("", Bucket.INCOMING, level, bucket),
        bucket=bucket,
        lines=_lines(ledger.rows),
        next_url=_url(bucket, after=ledger.next) if ledger.next else "",
        previous_url=_url(bucket, before=ledger.previous) if ledger.previous else "",
        reservations=[(one, owners[one.owner]) for one in promised[:RESERVATIONS_SHOWN]],
        more_reservations=len(promised) > RESERVATIONS_SHOWN,
        undo=undo,
        undo_text=f"{Bucket(undo.bucket).label} {signed(change_of(undo))}" if undo else "",
        history=lines_for(entries_for(level.subject, limit=BINS_SHOWN)),
    )


def signed(number: int) -> str:
    """The number with its sign in the reader's way: +5, −3."""
    return format_decimal(number, format="+#,##0;-#,##0", locale=active_locale())


def _undoable(level: StockLevel, user: User) -> StockMovement | None:
    if not user.can("inventory.adjust"):
        return None
    return undoable(variant_id=level.variant_id, location_id=level.location_id, actor=f"user:{user.pk}")


def _sum(level: StockLevel, bucket: str) -> list[Term]:
    """On hand less what may not be promised; the last term is what is left."""
    less = (Bucket.RESERVED, Bucket.DAMAGED, Bucket.QUALITY_CONTROL, Bucket.SAFETY_STOCK)
    terms = [_term("", Bucket.ON_HAND, level, bucket), *(_term("−", one, level, bucket) for one in less)]
    return [*terms, Term("=", _("Available"), level.available, "")]


def _term(sign: str, bucket: Bucket, level: StockLevel, chosen: str) -> Term:
    return Term(sign, str(bucket.label), getattr(level, bucket), _url(bucket), bucket == chosen)


def _url(bucket: str, **cursor: str) -> str:
    words = ({"bucket": bucket} if bucket else {}) | cursor
    return f"?{urlencode(words)}#ledger"


def _lines(rows: list[LedgerRow]) -> list[Line]:
    causes = causes_of(row.movement.cause for row in rows)
    actors = actors_of(row.movement.actor for row in rows)
    return [
        Line(
            row.movement,
            signed(row.movement.quantity),
            row.balance,
            causes[row.movement.cause],
            actors[row.movement.actor],
        )
        for row in rows
    ]


def preview(level: StockLevel, bucket: str, amounts: Mapping[str, int | None]) -> str:
    """What an adjustment would do, in a sentence; nothing is changed. Raises the Refusal that the adjustment would meet."""
    before = Level(level.variant_id, level.location_id, *(getattr(level, name) for name in BUCKETS), level.bin)
    now, quantity, set_to = getattr(before, bucket), amounts["quantity"], amounts["set_to"]
    after = replace(before, **{bucket: now + quantity if quantity is not None else set_to})
    check_levels([after])
    words: dict[str, Any] = {"bucket": Bucket(bucket).label, "before": now, "after": getattr(after, bucket)}
    if words["before"] == words["after"]:
        return _("{bucket} is {before} already: nothing would change.").format(**words)
    text = _("{bucket} goes from {before} to {after}.").format(**words)
    if after.available == before.available:
        return text + " " + _("What is available stays as it is: {n}.").format(n=after.available)
    rest = ngettext(
        "{n} unit can be promised then, {was} now.", "{n} units can be promised then, {was} now.", after.available
    )
    return f"{text} {rest.format(n=after.available, was=before.available)}"
