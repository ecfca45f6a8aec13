"""Set-based writes: rows go in by COPY, in the transaction of the caller."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from psycopg import sql


def to_json(value: Any) -> str:
    """JSON text for a jsonb column; Decimals and dates as strings; NUL, which PostgreSQL cannot store, is dropped."""
    text = json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":"))
    return text.replace("\\u0000", "") if "\\u0000" in text else text


def copy_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """COPY rows into the model's table. columns are database column names; JSON values are passed as text (to_json).

    Columns left out take their database default. Constraints and foreign keys are checked as for any insert.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model._meta.db_table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        write = copy.write_row
        for row in rows:
            write(row)


def next_ids(model: type[models.Model], count: int) -> list[int]:
    """Take `count` fresh primary keys from the model's sequence (gaps are allowed, order is ascending)."""
    if not count:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [model._meta.db_table, count]
        )
        return [row[0] for row in cursor.fetchall()]
