"""A table out of a file: CSV in any encoding and delimiter, or an .xlsx workbook, as rows with their line numbers.

The file is read as a stream, so memory stays bounded whatever its length. Encoding and delimiter are detected and reported as a Dialect;
where they stay open the file is refused with a sentence that names the choice (`encoding=`, `delimiter=`). A row that cannot be read
(NUL bytes, bytes of another encoding, a quote that is never closed, too few or too many cells) comes out as a BadRow with its line
number, and the rest of the file is read on. The format is RFC 4180; CR, LF and CRLF end a line.
"""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
import unicodedata
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO

from django.utils.translation import gettext as _

from channels.formats import delimiters, encodings, workbook
from channels.formats.errors import FileRefused

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_NAMED = {**{name: char for char, name in DELIMITERS.items()}, "\\t": "\t", "pipe": "|"}
_SAMPLE_CHARS = 256 * 1024
_SAMPLE_ROWS = 200
#: The longest cell (characters); product descriptions are the longest that shops send.
MAX_CELL = 1 << 20
csv.field_size_limit(MAX_CELL)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the file is read. `sure` is False where detection rests on evidence that a person may want to confirm."""

    encoding: str
    delimiter: str
    sure: bool
    why: str
    sheet: str = ""

    def as_text(self) -> str:
        """One line for people, e.g. “cp1254 (…), semicolon (…)”."""
        return self.why


@dataclass(frozen=True, slots=True)
class Row:
    """One record: cells in the order of the header, and the lines of the file (from 1) it stands on."""

    line: int
    line_to: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A record that cannot be read, and why. `cells` is what could be made out of it."""

    line: int
    line_to: int
    message: str
    cells: tuple[str, ...] = ()


def header_key(name: str) -> str:
    """The form in which column names are compared: case, blanks and underscores do not count."""
    return " ".join(name.replace("_", " ").split()).casefold()


class Table:
    """An opened table: its dialect, its header, and its rows as often as they are asked for."""

    def __init__(self, dialect: Dialect, header: tuple[str, ...], header_line: int, records: _Records) -> None:
        self._spool: BinaryIO | None = None
        self.dialect = dialect
        self.header = header
        self.header_line = header_line
        self._records = records
        self._refuse_doubles()

    def rows(self) -> Iterator[Row | BadRow]:
        """The records below the header, blank ones left out; each call reads the file anew from its beginning."""
        width = len(self.header)
        for record in self._records.read():
            if record.line <= self.header_line:
                continue
            if isinstance(record, BadRow):
                yield record
            elif any(record.cells):
                yield _fit(record, width)

    def close(self) -> None:
        """Let go of the temporary file that a stream without rewinding was copied to; the caller's own stream stays open."""
        if self._spool:
            self._spool.close()

    def __enter__(self) -> Table:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _refuse_doubles(self) -> None:
        counts = Counter(header_key(name) for name in self.header if name)
        doubles = [name for name, count in counts.items() if count > 1]
        if doubles:
            first = next(name for name in self.header if header_key(name) == doubles[0])
            columns = ", ".join(str(i) for i, name in enumerate(self.header, start=1) if header_key(name) == doubles[0])
            raise FileRefused(
                "duplicate_column",
                _(
                    "Line %(line)d: the header names the column “%(name)s” more than once (columns %(columns)s), so it is not clear which one holds."
                )
                % {"line": self.header_line, "name": first[:60], "columns": columns},
            )


class _Records(ABC):
    """Reads all records of the file from the beginning, with their line numbers."""

    @abstractmethod
    def read(self) -> Generator[Row | BadRow, None, None]:
        """The records in order; a row that cannot be read comes as BadRow."""


def open_table(
    source: bytes | BinaryIO,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    known: Collection[str] = (),
) -> Table:
    """Open a table. `known` are column names (as `header_key` gives them) that help to tell delimiter and worksheet.

    A stream that cannot be rewound is spooled to a temporary file. Raises FileRefused: empty or binary file, encoding or delimiter
    unclear, a column named twice, a workbook with more than one possible sheet.
    """
    if isinstance(source, bytes):
        return _open(io.BytesIO(source), encoding, delimiter, known)
    if source.seekable():
        return _open(source, encoding, delimiter, known)
    spool = _spooled(source)
    try:
        table = _open(spool, encoding, delimiter, known)
    except BaseException:
        spool.close()
        raise
    table._spool = spool
    return table


def _open(stream: BinaryIO, encoding: str | None, delimiter: str | None, known: Collection[str]) -> Table:
    stream.seek(0)
    head = stream.read(8)
    if not head:
        raise FileRefused("empty_file", _("The file is empty."))
    if workbook.is_workbook(head):
        return _open_workbook(stream, known)
    if workbook.is_other_container(head):
        raise FileRefused("not_text", _("This is not a text file or an .xlsx workbook."))
    found = encodings.given(encoding) if encoding else encodings.detect(stream)
    mark = _delimiter(stream, found.name, delimiter, known)
    records = _CsvRecords(stream, found.name, mark.mark, mark.skip)
    with closing(records.read()) as read:
        header = next((record for record in read if isinstance(record, BadRow) or any(record.cells)), None)
    if header is None:
        raise FileRefused("empty_file", _("The file holds no rows."))
    if isinstance(header, BadRow):
        raise FileRefused(
            "bad_header",
            _("Line %(line)d, the header: %(message)s") % {"line": header.line, "message": header.message},
        )
    why = f"{found.name}: {found.why}; {delimiters.name_of(mark.mark)}: {mark.why}"
    dialect = Dialect(found.name, mark.mark, found.sure and mark.sure, why)
    return Table(dialect, _clean_header(header.cells), header.line, records)


def _delimiter(stream: BinaryIO, encoding: str, asked: str | None, known: Collection[str]) -> delimiters.Delimiter:
    text = _text(stream, encoding)
    try:
        sample = text.read(delimiters.SAMPLE_CHARS)
        return delimiters.find(sample, whole=not text.read(1), asked=asked, known=known)
    except UnicodeDecodeError as error:
        message = _("The file cannot be read as %(encoding)s.") % {"encoding": encoding}
        raise FileRefused("bad_bytes", message, field="encoding") from error
    finally:
        text.detach()


def _spooled(source: BinaryIO) -> BinaryIO:
    spool: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the table
    shutil.copyfileobj(source, spool, encodings.CHUNK)
    return spool


def _clean_header(cells: tuple[str, ...]) -> tuple[str, ...]:
    names = [unicodedata.normalize("NFC", cell).strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def _fit(record: Row, width: int) -> Row | BadRow:
    cells = record.cells
    if len(cells) > width and not any(cells[width:]):
        cells = cells[:width]
    if len(cells) == width:
        return record if cells is record.cells else Row(record.line, record.line_to, cells)
    message = _("%(count)d cells, but the header has %(width)d columns.") % {
        "count": len(cells),
        "width": width,
    }
    return BadRow(record.line, record.line_to, message, cells)


# CSV ----------------------------------------------------------------------------------------------------------------------


class _CsvRecords(_Records):
    def __init__(self, stream: BinaryIO, encoding: str, delimiter: str, skip: int) -> None:
        self._stream, self._encoding, self._delimiter, self._skip = (
            stream,
            encoding,
            delimiter,
            skip,
        )

    def read(self) -> Generator[Row | BadRow, None, None]:
        text = _text(self._stream, self._encoding)
        try:
            for _line in range(self._skip):
                next(text, None)
            yield from self._parse(text)
        except UnicodeDecodeError as error:
            raise FileRefused(
                "bad_bytes",
                _("The file is not %(encoding)s throughout: byte %(byte)d and on cannot be read.")
                % {"encoding": self._encoding, "byte": error.start},
                field="encoding",
            ) from error
        finally:
            text.detach()

    def _parse(self, text: io.TextIOWrapper) -> Iterator[Row | BadRow]:
        reader = csv.reader(text, delimiter=self._delimiter, strict=True)
        while True:
            line = self._skip + reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield BadRow(line, self._skip + reader.line_num, _reason(str(error), line))
                continue
            yield _checked(Row(line, self._skip + reader.line_num, tuple(cells)))


def _text(stream: BinaryIO, encoding: str) -> io.TextIOWrapper:
    stream.seek(0)
    # Bytes that the encoding does not know pass as lone surrogates and are reported with their row. UTF-16 and UTF-32 are
    # exact or nothing: after one odd byte every further letter would be wrong.
    errors = "strict" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
    return io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="")


def _reason(error: str, line: int) -> str:
    if "unexpected end of data" in error:
        return _("The quotation mark opened on line %(line)d is never closed.") % {"line": line}
    if "field larger" in error:
        return _("A cell is longer than %(size)d characters; is a quotation mark never closed?") % {"size": MAX_CELL}
    return _("A quotation mark stands inside a quoted cell, or one was never closed before it.")


def _checked(row: Row) -> Row | BadRow:
    joined = "".join(row.cells)
    if joined.isascii():
        if "\0" not in joined:
            return row
        message = _("The row holds a NUL byte.")
    elif any("\udc80" <= char <= "\udcff" for char in joined):
        message = _("The row holds bytes of another encoding than the rest of the file.")
    elif "\0" in joined:
        message = _("The row holds a NUL byte.")
    else:
        return row
    return BadRow(row.line, row.line_to, message, tuple(_presentable(cell) for cell in row.cells))


def _presentable(cell: str) -> str:
    return "".join("\ufffd" if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in cell)


# Workbooks ----------------------------------------------------------------------------------------------------------------


class _SheetRecords(_Records):
    def __init__(self, sheet: workbook.Sheet) -> None:
        self._sheet = sheet

    def read(self) -> Generator[Row | BadRow, None, None]:
        for line, cells in self._sheet.rows():
            yield Row(line, line, cells)


def _open_workbook(stream: BinaryIO, known: Collection[str]) -> Table:
    sheets = workbook.read(stream)
    candidates = []
    for sheet in sheets:
        first = next(((line, cells) for line, cells in sheet.rows() if any(cells)), None)
        if first:
            names = sum(header_key(cell) in known for cell in first[1])
            candidates.append((names, sheet, first))
    if not candidates:
        raise FileRefused("empty_file", _("The file holds no rows."))
    best = max(count for count, *_rest in candidates)
    chosen = [entry for entry in candidates if entry[0] == best]
    if len(chosen) > 1:
        names_ = ", ".join(f"“{entry[1].name}”" for entry in chosen)
        raise FileRefused(
            "sheet_ambiguous",
            _("The workbook has more than one sheet that could be meant: %(names)s. Save the one as a file of its own.")
            % {"names": names_},
        )
    _count, sheet, (line, cells) = chosen[0]
    why = _("sheet “%(name)s” of a workbook") % {"name": sheet.name}
    return Table(Dialect("xlsx", "", True, why, sheet.name), _clean_header(cells), line, _SheetRecords(sheet))
