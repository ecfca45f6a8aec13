"""Worksheets of an .xlsx workbook as rows of text, the way the same table would stand in a CSV file."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import python_calamine
from django.utils.translation import gettext as _

from channels.formats.errors import FileRefused

#: A workbook is a ZIP archive; unpacked it may not be larger than this (bytes).
MAX_UNPACKED = 512 << 20
#: Above this a number has lost digits: spreadsheets keep 15 of them.
_EXACT_BELOW = 10**15


@dataclass(frozen=True, slots=True)
class Sheet:
    """One worksheet; `rows` gives (row number from 1, cells)."""

    name: str
    _sheet: python_calamine.CalamineSheet

    def rows(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        for number, cells in enumerate(self._sheet.to_python(skip_empty_area=False), start=1):
            yield number, tuple(as_text(cell) for cell in cells)


def is_workbook(head: bytes) -> bool:
    """True for a ZIP archive, which every .xlsx file is."""
    return head.startswith(b"PK\x03\x04")


def is_other_container(head: bytes) -> bool:
    """True for files that people upload by mistake: old .xls, PDF, gzip, images."""
    return head.startswith(
        (
            b"\xd0\xcf\x11\xe0",
            b"%PDF",
            b"\x1f\x8b",
            b"\x89PNG",
            b"\xff\xd8\xff",
            b"Rar!",
            b"7z\xbc\xaf",
        )
    )


def read(stream: BinaryIO) -> list[Sheet]:
    """The visible worksheets; raises FileRefused for an archive that is broken, too large or no workbook."""
    _refuse_bombs(stream)
    stream.seek(0)
    try:
        book = python_calamine.load_workbook(stream)
        visible = [
            meta.name for meta in book.sheets_metadata if meta.visible == python_calamine.SheetVisibleEnum.Visible
        ]
        return [Sheet(name, book.get_sheet_by_name(name)) for name in visible]
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise FileRefused(
            "bad_workbook", _("The workbook cannot be read; save it again as .xlsx or as CSV.")
        ) from error


def _refuse_bombs(stream: BinaryIO) -> None:
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            names = set(archive.namelist())
    except zipfile.BadZipFile as error:
        raise FileRefused(
            "bad_workbook", _("The workbook cannot be read; save it again as .xlsx or as CSV.")
        ) from error
    if "xl/workbook.xml" not in names:
        raise FileRefused("not_text", _("This is not a text file or an .xlsx workbook."))
    if size > MAX_UNPACKED:
        raise FileRefused(
            "workbook_too_large",
            _("The workbook is too large; save it as CSV, which has no limit."),
        )


def as_text(cell: object) -> str:
    """A cell as CSV text: 5.0 → “5”, dates as ISO 8601; numbers that lost digits keep their exponent, so that they are refused."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if abs(cell) >= _EXACT_BELOW:
            return f"{cell:.5E}"
        return str(int(cell)) if cell == int(cell) else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    return str(cell)
