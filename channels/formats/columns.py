"""Columns by meaning: one name for what exports have called differently over the years, and rows grouped by their key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from channels.formats.delimiters import header_key
from channels.formats.errors import FieldError, FileRefused
from channels.formats.records import RawRows, RowError
from channels.formats.tabular import BadRow, Row, Table

Aliases = Mapping[str, tuple[str, ...]]


def known_keys(aliases: Aliases) -> frozenset[str]:
    """All column names of the aliases, as they are compared."""
    return frozenset(header_key(name) for names in aliases.values() for name in names)


class Columns:
    """Finds columns by meaning. Where a file has two names of one meaning, the one listed first counts."""

    def __init__(self, header: tuple[str, ...], aliases: Aliases) -> None:
        positions = {header_key(name): i for i, name in enumerate(header) if name}
        self.header = header
        self._aliases = aliases
        self._at: dict[str, int] = {}
        for meaning, names in aliases.items():
            position = next((positions[key] for name in names if (key := header_key(name)) in positions), None)
            if position is not None:
                self._at[meaning] = position

    def require(self, *meanings: str) -> None:
        """Raise FileRefused naming every required column that the header lacks."""
        missing = [self._aliases[meaning][0] for meaning in meanings if meaning not in self._at]
        if missing:
            raise FileRefused(
                "columns_missing",
                _("The file lacks the columns: %(columns)s. It has: %(header)s.")
                % {"columns": ", ".join(missing), "header": ", ".join(self.header)[:400]},
                columns=missing,
            )

    def __contains__(self, meaning: str) -> bool:
        return meaning in self._at

    def knows(self, meaning: str) -> bool:
        """True for a meaning that this format has a column for, in this file or not."""
        return meaning in self._aliases

    def position(self, meaning: str) -> int | None:
        return self._at.get(meaning)

    def label(self, meaning: str) -> str:
        """The column's name as the file writes it."""
        return self.header[self._at[meaning]] if meaning in self._at else self._aliases[meaning][0]

    def mapping(self) -> list[tuple[str, str]]:
        """Each column of the header with its meaning, or an empty text."""
        meanings = {position: meaning for meaning, position in self._at.items()}
        return [(name, meanings.get(i, "")) for i, name in enumerate(self.header)]


class Cells:
    """The cells of one row by meaning. An absent column is an empty cell; `has` tells the two apart."""

    __slots__ = ("_columns", "row")

    def __init__(self, columns: Columns, row: Row) -> None:
        self._columns = columns
        self.row = row

    def __getitem__(self, meaning: str) -> str:
        position = self._columns._at.get(meaning)
        return "" if position is None else self.row.cells[position].strip()

    def has(self, meaning: str) -> bool:
        return meaning in self._columns

    def label(self, meaning: str) -> str:
        return self._columns.label(meaning)


@dataclass(slots=True)
class Group:
    """Neighbouring rows with the same key, and the first row among them that cannot be read."""

    key: str
    rows: list[Row] = field(default_factory=list)
    bad: BadRow | None = None

    def raw(self) -> RawRows:
        return tuple(row.cells for row in self.rows) + ((self.bad.cells,) if self.bad and self.bad.cells else ())

    @property
    def line_from(self) -> int:
        return min(row.line for row in (*self.rows, *([self.bad] if self.bad else [])))

    @property
    def line_to(self) -> int:
        return max(row.line_to for row in (*self.rows, *([self.bad] if self.bad else [])))

    def error(self, line: int, field_: str, message: str) -> RowError:
        return RowError(line, self.line_to, field_, message, self.raw(), self.key)


def groups(table: Table, columns: Columns, meaning: str) -> Iterator[Group | RowError]:
    """Rows grouped by the key column. A row that cannot be read spoils the group it belongs to; where its key cannot be made out, the
    group before it, which may lack a line now. A key whose rows do not stand together is refused wherever it comes."""
    position = columns.position(meaning)
    if position is None:
        raise LookupError("the key column is required before rows are grouped by it")
    scattered = _scattered(table, position)
    group: Group | None = None
    for row in table.rows():
        key = row.cells[position].strip() if len(row.cells) > position else ""
        if isinstance(row, BadRow):
            if group and (not row.cells or key == group.key):
                group.bad = group.bad or row
                continue
            if key:
                if group:
                    yield _closed(group, scattered, columns.label(meaning))
                group = Group(key, bad=row)
                continue
            yield RowError(row.line, row.line_to, "", row.message, (row.cells,) if row.cells else ())
            continue
        if group and key == group.key:
            group.rows.append(row)
            continue
        if group:
            yield _closed(group, scattered, columns.label(meaning))
        group = Group(key, [row])
    if group:
        yield _closed(group, scattered, columns.label(meaning))


def _closed(group: Group, scattered: dict[str, int], label: str) -> Group | RowError:
    if not group.key:
        return group.error(group.line_from, label, _("is empty."))
    if group.bad:
        return group.error(group.bad.line, "", group.bad.message)
    if group.key in scattered:
        message = _(
            "The rows of “%(key)s” do not stand together (one is on line %(line)d); sort the file by this column."
        )
        return group.error(group.line_from, label, message % {"key": group.key[:60], "line": scattered[group.key]})
    return group


def _scattered(table: Table, position: int) -> dict[str, int]:
    """Keys that come again after another key, with a line where they do. Holds one hash per key, not the keys."""
    seen: set[int] = set()
    found: dict[str, int] = {}
    last = None
    for row in table.rows():
        key = row.cells[position].strip() if len(row.cells) > position else ""
        if key and key != last:
            if hash(key) in seen:
                found[key] = row.line
            seen.add(hash(key))
            last = key
    return found


def rows_of(table: Table) -> Iterator[Row | RowError]:
    """The rows of a table that has one record per row."""
    for row in table.rows():
        if isinstance(row, BadRow):
            yield RowError(row.line, row.line_to, "", row.message, (row.cells,) if row.cells else ())
        else:
            yield row


def as_error(error: FieldError, row: Row, reference: str = "") -> RowError:
    """The error of one field as the error of its row."""
    return RowError(row.line, row.line_to, error.field or "", error.message, (row.cells,), reference)
