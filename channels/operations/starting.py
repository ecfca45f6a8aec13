"""Look at a file before it is imported, and start the import."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from channels.formats import FORMATS, FileRefused, Parsed, Reader, ReadSettings, RowError, Table, open_table, reader
from channels.formats.columns import Cells
from channels.formats.tabular import Row
from channels.models import OF_CHANNEL, TRIABLE, ImportKind, ImportRun
from channels.operations.channel_settings import check_zone
from core.actors import Actor
from core.files import store_file
from core.jobs import start_job
from core.models import Shop, StoredFile
from core.refusals import Invalid
from orders.models import Channel

#: The largest file taken (bytes).
MAX_FILE = 200 << 20
SAMPLE = 10


@dataclass(frozen=True, slots=True)
class Inspection:
    """How a file will be read: its dialect, what each column means, and its first records or errors."""

    dialect: dict[str, Any]
    mapping: list[tuple[str, str]]
    sample: list[Parsed[Any] | RowError]
    rows: list[tuple[str, ...]]
    currency: str


def inspect_file(
    data: bytes,
    *,
    kind: str,
    format_: str = "shopify",
    channel: Channel | None,
    encoding: str = "",
    delimiter: str = "",
    time_zone: str = "",
    decimal_mark: str = "",
    currency: str = "",
) -> Inspection:
    """Read the beginning of a file. Raises FileRefused where encoding, delimiter or columns are not clear, Invalid for a bad option."""
    found = _reader(kind, format_)
    if len(data) > MAX_FILE:
        raise FileRefused(
            "file_too_large", _("The file is larger than {size} MB.").format(size=MAX_FILE >> 20), field="file"
        )
    if decimal_mark not in ("", ".", ","):
        raise Invalid("bad_decimal_mark", _("The decimal mark is a point or a comma."), field="decimal_mark")
    own = Shop.objects.first() or Shop()
    zone = check_zone(time_zone or (channel.time_zone if channel else own.time_zone))
    table = open_table(data, encoding=encoding or None, delimiter=delimiter or None, known=found.known)
    in_file = _currency_in(found, table)
    money = currency or in_file or (channel.currency if channel else own.currency)
    settings = ReadSettings(money, ZoneInfo(zone), decimal_mark or None)
    return Inspection(
        dialect=_as_json(table) | {"time_zone": zone, "decimal_mark": decimal_mark, "currency": money},
        mapping=found.mapping(table),
        sample=list(islice(found.read(table, settings), SAMPLE)),
        rows=[row.cells for row in islice(table.rows(), SAMPLE)],
        currency=in_file,
    )


def _reader(kind: str, format_: str) -> Reader:
    if kind not in ImportKind.values:
        raise Invalid("bad_kind", _("“{kind}” cannot be imported.").format(kind=kind[:40]), field="kind")
    if format_ not in FORMATS:
        known = ", ".join(FORMATS)
        raise Invalid(
            "bad_format",
            _("“{name}” is no format known here. Known are: {known}.").format(name=format_[:40], known=known),
            field="format",
        )
    try:
        return reader(kind, format_)
    except LookupError:
        message = _("There is no {kind} in the format “{name}”.").format(kind=ImportKind(kind).label, name=format_)
        raise Invalid("bad_format", message, field="format") from None


def _currency_in(found: Reader, table: Table) -> str:
    """The currency that the file's first rows name, if they do."""
    columns = found.columns(table)
    if not columns.knows("currency") or "currency" not in columns:
        return ""
    cells = (Cells(columns, row)["currency"] for row in islice(table.rows(), 100) if isinstance(row, Row))
    return next((cell.upper() for cell in cells if len(cell) == 3 and cell.isalpha()), "")


def _as_json(table: Table) -> dict[str, Any]:
    dialect = table.dialect
    return {
        "encoding": dialect.encoding, "delimiter": dialect.delimiter, "sure": dialect.sure, "why": dialect.why, "sheet": dialect.sheet,
        "header": list(table.header),
    }  # fmt: skip


def start_import(
    *,
    kind: str,
    format_: str = "shopify",
    channel: Channel | None,
    file_name: str,
    data: bytes,
    inspection: Inspection,
    trial: bool = False,
    actor: Actor,
    now: datetime,
) -> ImportRun:
    """Keep the file and queue its import. While the same file is being imported into the same channel, that run is answered instead.

    trial: find out what it would change, and change nothing. Raises Invalid for a kind that needs a channel and has none, or that
    cannot be tried.
    """
    if channel is None and kind in OF_CHANNEL:
        raise Invalid("no_channel", _("Say which channel the file comes from."), field="channel")
    if trial and kind not in TRIABLE:
        raise Invalid("no_trial", _("An import of this kind cannot be tried first."), field="kind")
    digest = hashlib.sha256(data).hexdigest()
    word = "try" if trial else "import"
    key = f"{word}:{kind}:{format_}:{channel.pk if channel else 0}:{digest[:40]}"
    with transaction.atomic():
        file = store_file(name=file_name, content_type="application/octet-stream", data=data)
        job = start_job(
            kind=f"import_{kind}",
            title=_title(kind, file.name, trial=trial),
            params={"file": file.name},
            actor=actor,
            now=now,
            source=file,
            dedupe_key=key,
        )
        run, is_new = ImportRun.objects.get_or_create(
            job=job,
            defaults={
                "kind": kind,
                "format": format_,
                "channel": channel,
                "file": file,
                "file_name": file.name,
                "dialect": inspection.dialect,
                "trial": trial,
            },
        )
        if not is_new:
            StoredFile.objects.filter(pk=file.pk).delete()
    return run


def start_for_real(*, run_id: int, actor: Actor, now: datetime) -> ImportRun:
    """Import the file of a trial as it was tried. Raises Invalid when it is none, or its file is gone."""
    run = ImportRun.objects.select_related("job", "channel", "file").filter(pk=run_id).first()
    if run is None or not run.trial:
        raise Invalid("no_trial", _("This is no trial."))
    if run.file is None:
        raise Invalid("file_gone", _("The file is gone; bring it again."))
    inspection = Inspection(run.dialect, [], [], [], "")
    return start_import(
        kind=run.kind, format_=run.format, channel=run.channel, file_name=run.file_name, data=bytes(run.file.data), inspection=inspection,
        actor=actor, now=now,
    )  # fmt: skip


def _title(kind: str, file_name: str, *, trial: bool) -> str:
    if trial:
        return _("Trial: {kind}: {file}").format(kind=ImportKind(kind).label, file=file_name)
    return _("Import {kind}: {file}").format(kind=ImportKind(kind).label, file=file_name)
