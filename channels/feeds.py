"""The file of an import as records in portions, from wherever the import stands.

A feed belongs to the process that works on the job. Another process, or this one after a fault, opens its own and skips what is done:
reading is deterministic, so the number of items read so far is all that has to be remembered.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from dataclasses import dataclass
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from channels.formats import Parsed, Reader, ReadSettings, RowError, Table, open_table, reader
from channels.formats.columns import Columns
from channels.models import ImportRun
from core.models import Job

PORTION = {
    "products": 1000,
    "locations": 500,
    "inventory": 2000,
    "orders": 250,
    "bundles": 500,
    "lots": 500,
    "serials": 2000,
    "purchases": 100,
    "counts": 500,
}
_KEPT = 4


@dataclass(frozen=True, slots=True)
class Portion:
    """Some items of the file in their order. `read`: items read up to their end; `last`: nothing follows."""

    items: list[Parsed[Any] | RowError]
    read: int
    line: int
    lines: int
    last: bool
    columns: Columns


class Feed:
    """Reads a run's file from its `skip`-th item on."""

    def __init__(self, run: ImportRun, data: bytes, *, skip: int) -> None:
        self.table = reopen(run, data)
        found = reader_of(run)
        self.columns = found.columns(self.table)
        self.lines = max((row.line_to for row in self.table.rows()), default=self.table.header_line)
        self._items = found.read(self.table, settings_of(run))
        self.read = sum(1 for _item in islice(self._items, skip))

    def next(self, size: int) -> Portion:
        """The next items."""
        items = list(islice(self._items, size))
        self.read += len(items)
        last = len(items) < size
        line = self.lines if last else max(item.line_to for item in items)
        return Portion(items, self.read, line, self.lines, last, self.columns)


def reader_of(run: ImportRun) -> Reader:
    """The reader of a run's kind and format."""
    return reader(run.kind, run.format)


def reopen(run: ImportRun, data: bytes) -> Table:
    """The run's file, read as was settled when the import was started."""
    told = run.dialect
    options = {} if told["encoding"] == "xlsx" else {"encoding": told["encoding"], "delimiter": told["delimiter"]}
    return open_table(io.BytesIO(data), known=reader_of(run).known, **options)


def settings_of(run: ImportRun) -> ReadSettings:
    """What the file itself does not say, as was settled when the import was started."""
    told = run.dialect
    return ReadSettings(told["currency"], ZoneInfo(told["time_zone"]), told.get("decimal_mark") or None)


_feeds: OrderedDict[tuple[int, str], Feed] = OrderedDict()


def feed_of(job: Job, run: ImportRun) -> Feed:
    """The feed of a job where it stands; opened anew when this process has none or stands elsewhere."""
    key, read = (job.pk, job.lease), int(job.cursor.get("read", 0))
    feed = _feeds.pop(key, None)
    if feed is None or feed.read != read:
        data = bytes(job.source.data) if job.source else b""
        feed = Feed(run, data, skip=read)
    _feeds[key] = feed
    while len(_feeds) > _KEPT:
        _feeds.popitem(last=False)
    return feed


def forget(job: Job) -> None:
    """Let go of a finished job's feed."""
    _feeds.pop((job.pk, job.lease), None)
