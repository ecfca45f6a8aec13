"""Set-based writes: rows go in by COPY, in the transaction of the caller."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
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
