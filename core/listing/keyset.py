"""Cursor (keyset) pages: page 500 costs what page 1 costs, and no row is skipped or shown twice while others are added.

A cursor is the sort key of the row at the edge of a page, signed, so that only keys this program has handed out come back.
The next page is one row comparison, ``(placed_at, id) < (…, …)``, which PostgreSQL answers from the index of the ordering;
written with OR the same question reads the whole index. The comparison comes from `django.db.models.fields.tuple_lookups`,
which Django does not document: this module is its only user.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.core import signing
from django.db.models import Model, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

#: Longer tokens are not even looked at: sort keys are short.
MAX_TOKEN = 1000
_SIGNER = signing.Signer(salt="core.listing.keyset")
_READERS: dict[str, Callable[[Any], Any]] = {
    "s": str,
    "i": int,
    "f": float,
    "t": datetime.fromisoformat,
    "d": date.fromisoformat,
    "n": Decimal,
    "u": UUID,
    "b": bool,
}


class BadCursor(ValueError):
    """The cursor was not made by this program for this ordering."""


@dataclass(frozen=True, slots=True)
class KeysetPage:
    """Rows of one page, in display order, and the cursors of its neighbours (None: there is none)."""

    rows: list[Any]
    next: str | None
    previous: str | None


class Keyset:
    """An ordering by columns that are never NULL and together unique; all run in one direction.

    fields: field paths such as ``("placed_at", "id")`` or ``("customer__name", "id")``; a path over a foreign key wants
    ``select_related`` on the queryset. Without a unique last field `id` is what makes the order total.
    """

    def __init__(self, fields: Sequence[str], *, desc: bool = False) -> None:
        self.fields = tuple(fields)
        self.desc = desc
        self._attributes = [attrgetter(field.replace("__", ".")) for field in self.fields]
        self._signature = f"{'-' if desc else ''}{','.join(self.fields)}"

    def order(self, queryset: QuerySet, *, backwards: bool = False) -> QuerySet:
        """The queryset in this order, or in the reverse of it."""
        sign = "-" if self.desc != backwards else ""
        return queryset.order_by(*(f"{sign}{field}" for field in self.fields))

    def page(self, queryset: QuerySet, *, size: int, after: str | None = None, before: str | None = None) -> KeysetPage:
        """One page of `size` rows: the first, the one after a cursor, or the one before a cursor.

        Raises BadCursor for a cursor that is not ours. A page before a cursor that would reach over the start is the
        first page, in full. One query (two in that last case).
        """
        if before is not None:
            rows = self._fetch(queryset, self._read(before), size=size, backwards=True)
            if len(rows) > size:
                rows = rows[size - 1 :: -1] if size else []
                return KeysetPage(rows, self.cursor(rows[-1]), self.cursor(rows[0]))
            after = None
        rows = self._fetch(queryset, self._read(after) if after is not None else None, size=size)
        more = len(rows) > size
        rows = rows[:size]
        return KeysetPage(
            rows,
            self.cursor(rows[-1]) if more and rows else None,
            self.cursor(rows[0]) if after is not None and rows else None,
        )

    def batches(self, queryset: QuerySet, *, size: int) -> Iterator[list[Any]]:
        """Every row in this order, read in pages of `size` rows: lists of rows, the memory of one page at a time."""
        key = None
        while True:
            rows = self._fetch(queryset, key, size=size)
            if rows[:size]:
                yield rows[:size]
            if len(rows) <= size:
                return
            key = tuple(read(rows[size - 1]) for read in self._attributes)

    def cursor(self, row: Model) -> str:
        """The signed cursor that stands at this row."""
        return _SIGNER.sign_object([self._signature, *(_write(read(row)) for read in self._attributes)])

    def _fetch(
        self, queryset: QuerySet, key: tuple[Any, ...] | None, *, size: int, backwards: bool = False
    ) -> list[Any]:
        queryset = self.order(queryset, backwards=backwards)
        if key is not None:
            falling = self.desc != backwards
            queryset = queryset.filter((TupleLessThan if falling else TupleGreaterThan)(Tuple(*self.fields), key))
            if "__" in self.fields[0]:
                # No index holds columns of two tables: said again of the first alone, its index finds where the page begins.
                queryset = queryset.filter(**{f"{self.fields[0]}__{'lte' if falling else 'gte'}": key[0]})
        return list(queryset[: size + 1])

    def _read(self, token: str) -> tuple[Any, ...]:
        if len(token) > MAX_TOKEN:
            raise BadCursor("too long")
        try:
            signature, *parts = _SIGNER.unsign_object(token)
            if signature != self._signature or len(parts) != len(self.fields):
                raise BadCursor("made for another ordering")
            return tuple(_READERS[kind](text) for kind, text in parts)
        except (signing.BadSignature, ValueError, TypeError, KeyError) as error:
            raise BadCursor("not a cursor of this list") from error


def _write(value: Any) -> tuple[str, Any]:
    """A sort key as (kind, JSON value)."""
    if isinstance(value, bool):
        return "b", value
    if isinstance(value, str):
        return "s", value
    if isinstance(value, int):
        return "i", value
    if isinstance(value, float):
        return "f", value  # JSON and PostgreSQL both write the shortest digits that read back as the same double
    if isinstance(value, datetime):
        return "t", value.isoformat()
    if isinstance(value, date):
        return "d", value.isoformat()
    if isinstance(value, Decimal):
        return "n", str(value)
    if isinstance(value, UUID):
        return "u", str(value)
    raise TypeError(f"no cursor can stand at {value!r}: sort columns are NOT NULL strings, numbers, dates or UUIDs")
