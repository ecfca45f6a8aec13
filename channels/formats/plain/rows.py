"""Records out of plain files: one a row, or one for rows that stand together; what is wrong is named by line and column."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import TypeVar

from django.utils.translation import gettext as _

from channels.formats.columns import Cells, Columns, Group, as_error, groups, rows_of
from channels.formats.errors import FieldError
from channels.formats.records import Parsed, RowError
from channels.formats.tabular import Table

R = TypeVar("R")


def one_a_row(
    table: Table, columns: Columns, read: Callable[[Cells], tuple[Hashable, R]], *, at: str, name: str
) -> Iterator[Parsed[R] | RowError]:
    """`read` gives each row's key and record. A key that comes twice is refused in the column `at`; `name` is the column that names a row."""
    seen: dict[int, int] = {}
    for row in rows_of(table):
        if isinstance(row, RowError):
            yield row
            continue
        cells = Cells(columns, row)
        try:
            key, record = read(cells)
            first = seen.setdefault(hash(key), row.line)
            if first != row.line:
                message = _("The same stands on line %(line)d already.")
                raise FieldError(cells.label(at), message % {"line": first})
        except FieldError as error:
            yield as_error(error, row, cells[name])
            continue
        yield Parsed(record, row.line, row.line_to, (row.cells,))


class BadLine(Exception):
    """One row of a group that cannot be taken."""

    def __init__(self, line: int, error: FieldError) -> None:
        super().__init__(error.message)
        self.line, self.error = line, error


def one_a_group(
    table: Table, columns: Columns, meaning: str, read: Callable[[Group], R]
) -> Iterator[Parsed[R] | RowError]:
    """Rows with the same key that stand together are one record; `read` raises BadLine for the row that spoils it."""
    for group in groups(table, columns, meaning):
        if isinstance(group, RowError):
            yield group
            continue
        try:
            record = read(group)
        except BadLine as bad:
            yield group.error(bad.line, bad.error.field or "", bad.error.message)
            continue
        yield Parsed(record, group.line_from, group.line_to, group.raw())


def parts_of(
    group: Group, columns: Columns, read: Callable[[Cells, int], tuple[Hashable, R]], *, at: str
) -> tuple[R, ...]:
    """`read` gives the key and the part of each row of a group. Raises BadLine; a key that comes twice is refused in the column `at`."""
    parts: dict[Hashable, R] = {}
    lines: dict[Hashable, int] = {}
    for row in group.rows:
        cells = Cells(columns, row)
        try:
            key, part = read(cells, row.line)
            if key in parts:
                message = _("The same stands on line %(line)d already.")
                raise FieldError(cells.label(at), message % {"line": lines[key]})
        except FieldError as error:
            raise BadLine(row.line, error) from None
        parts[key], lines[key] = part, row.line
    return tuple(parts.values())


def same_in_all(group: Group, columns: Columns, meaning: str) -> str:
    """A cell that is the same in every row of a group, or only in its first. Raises BadLine."""
    first = Cells(columns, group.rows[0])[meaning]
    for row in group.rows[1:]:
        cells = Cells(columns, row)
        if cells[meaning] not in ("", first):
            message = _("“%(cell)s” differs from the first row of the same, which says “%(first)s”.")
            error = FieldError(cells.label(meaning), message % {"cell": cells[meaning][:40], "first": first[:40]})
            raise BadLine(row.line, error)
    return first
