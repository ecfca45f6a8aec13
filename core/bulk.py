"""Set-based writes: rows go in by COPY, in the transaction of the caller."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import orjson
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from psycopg import sql


def to_json(value: Any) -> str:
    """JSON text for a jsonb column; Decimals and dates as strings; NUL, which PostgreSQL cannot store, is dropped."""
    text = orjson.dumps(
        value, default=_plain, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
    ).decode()
    return _NUL.sub(r"\1", text) if "\\u0000" in text else text


#: An escaped NUL; a backslash that somebody typed is itself escaped, so only an odd one begins an escape.
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
#: Says how Django writes what JSON has no word for: dates, Decimals, lazy translations.
_plain = DjangoJSONEncoder().default


def copy_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """COPY rows into the model's table. columns are database column names; JSON values are passed as text (to_json).

    Columns left out take their database default. Constraints and foreign keys are checked as for any insert. Inside
    `one_trip` a few rows wait for its end.
    """
    waiting = _waiting.get()
    if waiting is not None:
        rows = list(rows)
        if len(rows) <= FEW_ROWS:
            if rows:
                waiting.append((model, columns, rows))
            return
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(model._meta.db_table), names)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        write = copy.write_row
        for row in rows:
            write(row)


#: Up to this many rows of a table travel with those of other tables; more are worth a COPY of their own.
FEW_ROWS = 20
_Waiting = list[tuple[type[models.Model], Sequence[str], list[Sequence[Any]]]]
_waiting: ContextVar[_Waiting | None] = ContextVar("waiting_rows", default=None)


@contextmanager
def one_trip() -> Iterator[None]:
    """Send the few rows that are written inside to PostgreSQL together, in one message, when the block ends.

    For a single order the ten journeys of ten tables cost more than the rows. Nothing inside may read what was written there.
    """
    waiting: _Waiting = []
    token = _waiting.set(waiting)
    try:
        yield
    finally:
        _waiting.reset(token)
    if waiting:
        with connection.cursor() as cursor:
            cursor.execute(
                "; ".join(_insert(*item) for item in waiting), [v for *_, rows in waiting for row in rows for v in row]
            )


@lru_cache(maxsize=256)
def _insert_head(table: str, columns: tuple[str, ...]) -> str:
    quote = connection.ops.quote_name
    return f"INSERT INTO {quote(table)} ({', '.join(map(quote, columns))}) VALUES "  # noqa: S608 - names of our own models


def _insert(model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """The text of an INSERT with a placeholder for each value; names come from our own models."""
    row = "(" + ", ".join(["%s"] * len(columns)) + ")"
    return _insert_head(model._meta.db_table, tuple(columns)) + ", ".join([row] * len(rows))


def next_ids_of(counts: Mapping[type[models.Model], int]) -> dict[type[models.Model], list[int]]:
    """Fresh primary keys for several models in one statement."""
    wanted = [(model, count) for model, count in counts.items() if count]
    taken: dict[type[models.Model], list[int]] = {model: [] for model in counts}
    if wanted:
        part = "SELECT {}, nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
        statement = " UNION ALL ".join(part.format(n) for n in range(len(wanted)))
        with connection.cursor() as cursor:
            cursor.execute(statement, [value for model, count in wanted for value in (model._meta.db_table, count)])
            for n, id_ in cursor.fetchall():
                taken[wanted[n][0]].append(id_)
    return {model: sorted(ids) for model, ids in taken.items()}


def next_ids(model: type[models.Model], count: int) -> list[int]:
    """Take `count` fresh primary keys from the model's sequence (gaps are allowed, order is ascending)."""
    return next_ids_of({model: count})[model]
