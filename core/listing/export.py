"""Lists as files: CSV streamed page by page, XLSX written row by row, both safe to open in a spreadsheet program.

A cell that begins like a formula is executed by spreadsheet programs; text cells of that kind get a leading apostrophe
(OWASP ASVS 1.2.10). Numbers stay numbers.
"""

from __future__ import annotations

import csv
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

import xlsxwriter
from django.utils import timezone

from core.formulas import safe_text
from core.listing.rows import ColumnSpec

_NUL = {0: None}
XLSX_MAX_TEXT = 32_767


class _Echo:
    """A file that hands back what is written to it, for csv.writer."""

    def write(self, value: str) -> str:
        return value


def csv_lines(specs: Sequence[ColumnSpec], batches: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The file in pieces, UTF-8 with a byte order mark (spreadsheet programs ask for it), CRLF line ends."""
    writer = csv.writer(_Echo())
    yield "\ufeff".encode() + writer.writerow([safe_text(spec.label) for spec in specs]).encode()
    for batch in batches:
        yield "".join(writer.writerow([_csv_cell(spec.export(record)) for spec in specs]) for record in batch).encode(
            "utf-8", "replace"
        )


def _csv_cell(value: Any) -> str | int | Decimal:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, Decimal)):
        return f"{value:f}" if isinstance(value, Decimal) else value
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return safe_text(str(value).translate(_NUL))


def xlsx_file(specs: Sequence[ColumnSpec], batches: Iterable[Sequence[Any]], *, title: str) -> BinaryIO:
    """The workbook as an open temporary file at its start. The caller keeps below the format's 1,048,575 rows."""
    file = tempfile.TemporaryFile(suffix=".xlsx")  # noqa: SIM115 - handed to the response, which closes it
    book = xlsxwriter.Workbook(
        file,
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    sheet = book.add_worksheet(re.sub(r"[\[\]:*?/\\']", " ", title)[:31] or "list")
    bold = book.add_format({"bold": True})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.freeze_panes(1, 0)
    for column, spec in enumerate(specs):
        sheet.set_column(column, column, 14 if spec.is_number else 22)
        sheet.write_string(0, column, safe_text(spec.label), bold)
    row = 0
    for batch in batches:
        for record in batch:
            row += 1
            for column, spec in enumerate(specs):
                _xlsx_cell(sheet, row, column, spec.export(record), moment, day)
    book.close()
    file.seek(0)
    return file


def _xlsx_cell(sheet: Any, row: int, column: int, value: Any, moment: Any, day: Any) -> None:
    if value is None or value == "":
        return
    if isinstance(value, bool):
        sheet.write_string(row, column, str(value))
    elif isinstance(value, (int, Decimal)):
        sheet.write_number(row, column, value)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, column, timezone.make_naive(value), moment)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, datetime(value.year, value.month, value.day), day)  # noqa: DTZ001 - a sheet knows no zones
    else:
        sheet.write_string(row, column, safe_text(str(value).translate(_NUL))[:XLSX_MAX_TEXT])
