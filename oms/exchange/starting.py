"""Imports that have a job of their own (transfers, suppliers, reorder points, availability rules), started from the bytes of a file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from availability.operations.rule_files import import_rules
from channels.formats.tabular import BadRow, open_table
from core.actors import Actor
from core.files import store_file
from core.jobs import start_job
from core.models import Job
from core.refusals import Invalid
from oms.transfer_import import IMPORT_JOB
from purchasing.importing import columns_of, known_columns
from purchasing.jobs import start_supplier_import
from replenishment.import_job import start_import as start_policies

_KEPT = timedelta(days=30)


def supplier_rows(data: bytes) -> list[tuple[int, dict[int, str]]]:
    """(line, {place in COLUMNS: cell}) of each row of a file of suppliers and prices. Raises Invalid, FileRefused."""
    with open_table(data, known=list(known_columns())) as table:
        columns = columns_of(table.header)
        rows = []
        for row in table.rows():
            if isinstance(row, BadRow):
                raise Invalid(
                    "bad_row", _("Line {line}: {message}").format(line=row.line, message=row.message), field="file"
                )
            rows.append((row.line, {columns[n]: cell for n, cell in enumerate(row.cells) if n in columns and cell}))
    return [(line, cells) for line, cells in rows if cells]


def _suppliers(data: bytes, name: str, *, actor: Actor, now: datetime) -> Job:
    return start_supplier_import(rows=supplier_rows(data), name=name, actor=actor, now=now)


def _transfers(data: bytes, name: str, *, actor: Actor, now: datetime) -> Job:
    kept = store_file(name=name, content_type="application/octet-stream", data=data)
    title = _("Import transfers: {name}").format(name=kept.name)
    return start_job(kind=IMPORT_JOB, title=title, params={}, source=kept, actor=actor, now=now)


def _policies(data: bytes, name: str, *, actor: Actor, now: datetime) -> Job:
    return start_policies(name=name, data=data, actor=actor, now=now)


def _rules(data: bytes, name: str, *, actor: Actor, now: datetime) -> Job:
    kept = store_file(name=name, content_type="text/csv", data=data, expires_at=now + _KEPT)
    return import_rules(file=kept, actor=actor, now=now)


#: Kind of file → what starts its import.
STARTERS: dict[str, Callable[..., Job]] = {
    "transfers": _transfers,
    "suppliers": _suppliers,
    "policies": _policies,
    "availability": _rules,
}
