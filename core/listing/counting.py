"""Counts that stay cheap on a million rows: nobody reads past “1,000+”, so nobody counts past it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from babel.numbers import format_decimal
from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet

from core.formats import active_locale

#: How far lists count.
CAP = 1000


@dataclass(frozen=True, slots=True)
class Count:
    """A number of rows; `capped` when there are more than that."""

    value: int
    capped: bool = False

    def __str__(self) -> str:
        return format_decimal(self.value, locale=active_locale()) + ("+" if self.capped else "")

    def __bool__(self) -> bool:
        return self.value > 0


def count_capped(queryset: QuerySet, *, cap: int = CAP) -> Count:
    """The number of rows, counted to `cap` at most. One query."""
    return count_many([queryset], cap=cap)[0]


#: A statement and its parameters as Django compiled them; None for a queryset that is known to be empty.
Compiled = tuple[str, tuple[Any, ...]] | None


def compile_capped(queryset: QuerySet, *, cap: int = CAP) -> Compiled:
    """The SQL of a capped count. For a queryset that is always the same it may be kept: compiling costs more than counting."""
    try:
        return queryset.order_by().values("pk")[: cap + 1].query.sql_with_params()
    except EmptyResultSet:
        return None


def count_many(
    querysets: Sequence[QuerySet | Compiled], *, cap: int = CAP, using: str = DEFAULT_DB_ALIAS
) -> list[Count]:
    """The capped counts of several querysets (or what compile_capped made of them) of one database, in one statement.

    The statement is made of the SQL that Django compiles for each queryset; every value stays a parameter.
    """
    parts: list[str] = []
    params: list[Any] = []
    places: list[int | None] = []
    for queryset in querysets:
        compiled = compile_capped(queryset, cap=cap) if isinstance(queryset, QuerySet) else queryset
        if compiled is None:
            places.append(None)
            continue
        sql, values = compiled
        places.append(len(parts))
        parts.append(f"(SELECT count(*) FROM ({sql}) rows_{len(parts)})")  # noqa: S608 - Django compiled it; values are parameters
        params.extend(values)
    numbers: Sequence[int] = ()
    if parts:
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT " + ", ".join(parts), params)
            numbers = cursor.fetchone()
    found = [0 if place is None else numbers[place] for place in places]
    return [Count(min(number, cap), number > cap) for number in found]
