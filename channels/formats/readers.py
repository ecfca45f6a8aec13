"""What a reader of one kind of record in one format can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from channels.formats.columns import Columns
from channels.formats.records import Parsed, ReadSettings, RowError
from channels.formats.tabular import Table


class Reader(Protocol):
    """Reads one kind of record out of tables of one format."""

    kind: str
    format: str
    known: frozenset[str]

    def columns(self, table: Table) -> Columns:
        """The columns by meaning. Raises FileRefused when a required one is missing."""
        ...

    def read(self, table: Table, settings: ReadSettings) -> Iterator[Parsed[object] | RowError]:
        """Every record of the table in its order, or why not. Raises FileRefused as `columns` does."""
        ...

    def mapping(self, table: Table) -> list[tuple[str, str]]:
        """For each column of the table: its name and what it is read as (empty: it is not read)."""
        ...
