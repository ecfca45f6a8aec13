"""What divides the cells of a CSV file: found where the header or the rows leave no doubt, refused where they do."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass

from django.utils.translation import gettext as _

from channels.formats.errors import FileRefused

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_NAMED = {**{name: char for char, name in DELIMITERS.items()}, "\\t": "\t", "pipe": "|"}
SAMPLE_CHARS = 256 * 1024
_SAMPLE_ROWS = 200


@dataclass(frozen=True, slots=True)
class Delimiter:
    """The delimiter found. `skip`: lines before the header (a `sep=;` line); `why` is a sentence."""

    mark: str
    sure: bool
    why: str
    skip: int = 0


@dataclass(frozen=True, slots=True)
class _Candidate:
    known_names: int
    even: bool
    columns: int
    mark: str


def header_key(name: str) -> str:
    """The form in which column names are compared: case, blanks and underscores do not count."""
    return " ".join(name.replace("_", " ").split()).casefold()


def name_of(mark: str) -> str:
    """The delimiter's name for people."""
    return {",": _("comma"), ";": _("semicolon"), "\t": _("tab"), "|": _("vertical bar")}[mark]


def named(text: str) -> str:
    """The delimiter that a person named: the character itself or its name; raises FileRefused for anything else."""
    mark = text if text in DELIMITERS else _NAMED.get(text.strip().lower(), "")
    if not mark:
        message = _("“%(name)s” is no delimiter known here. Known are: comma, semicolon, tab and pipe.")
        raise FileRefused("unknown_delimiter", message % {"name": text[:20]}, field="delimiter")
    return mark


def find(sample: str, *, whole: bool, asked: str | None, known: Collection[str]) -> Delimiter:
    """The delimiter of a text that begins like `sample` (`whole`: it is all of it); raises FileRefused when it stays open."""
    first, _break, _rest = sample.partition("\n")
    told = first.rstrip("\r")[4:] if first.lower().startswith("sep=") else ""
    skip = int(told in DELIMITERS)
    if asked:
        return Delimiter(named(asked), True, _("given by you"), skip)
    if skip:
        return Delimiter(told, True, _("named by the file's first line"), skip)
    candidates = [found for mark in DELIMITERS if (found := _candidate(sample, mark, whole, known))]
    return _decide(candidates)


def _candidate(sample: str, mark: str, whole: bool, known: Collection[str]) -> _Candidate | None:
    rows = _rows(sample, mark, whole)
    if not rows or len(rows[0]) < 2:
        return None
    names = sum(header_key(cell) in known for cell in rows[0])
    as_wide = sum(len(row) == len(rows[0]) for row in rows)
    return _Candidate(names, as_wide >= 0.8 * len(rows), len(rows[0]), mark)


def _rows(sample: str, mark: str, whole: bool) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=mark):
            if any(row):
                rows.append(row)
            if len(rows) > _SAMPLE_ROWS:
                return rows
    except csv.Error:
        pass  # the rows before it tell enough; the row itself is reported when the file is read
    return rows if whole or len(rows) < 2 else rows[:-1]


def _decide(candidates: list[_Candidate]) -> Delimiter:
    most = max((candidate.known_names for candidate in candidates), default=0)
    best = [candidate for candidate in candidates if candidate.known_names == most]
    if most == 0:
        best = [candidate for candidate in best if candidate.even] or best
    if len(best) == 1 and most:
        return Delimiter(best[0].mark, True, _("%(count)d known column names stand between them") % {"count": most})
    if len(best) == 1:
        why = _("the header has %(count)d columns with it, and rows are as wide")
        return Delimiter(best[0].mark, False, why % {"count": best[0].columns})
    if best:
        names = ", ".join(name_of(candidate.mark) for candidate in candidates)
        message = _(
            "It is not clear what divides the cells of this file; possible are: %(names)s. Please say which it is (delimiter)."
        )
        raise FileRefused("delimiter_ambiguous", message % {"names": names}, field="delimiter")
    message = _(
        "No delimiter was found: the first line has no comma, semicolon, tab or vertical bar. Please say which it is (delimiter)."
    )
    raise FileRefused("delimiter_ambiguous", message, field="delimiter")
