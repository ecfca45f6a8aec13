"""What may be printed: text without the characters that break paper, and the direction it is read in."""

from __future__ import annotations

import unicodedata
from typing import Literal

Direction = Literal["ltr", "rtl"]

# Embeddings, overrides and isolates could turn the text after them around, line and paragraph separators would break a
# one-line field. The marks LRM, RLM, ZWJ and ZWNJ stay: Persian spelling needs ZWNJ.
_BIDI_CONTROLS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_DROPPED = dict.fromkeys(map(ord, _BIDI_CONTROLS + "\ufeff\ufffe\uffff"))
_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029), " ")
_PRINTABLE = _DROPPED | _CONTROLS | dict.fromkeys(range(0xD800, 0xE000))


def printable(text: str, limit: int = 500) -> str:
    """One line of printable text of at most `limit` characters (… marks a cut); blanks are collapsed."""
    line = " ".join(text.translate(_PRINTABLE).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def printable_lines(text: str, limit: int = 2000) -> list[str]:
    """The non-empty lines of a longer text, `limit` characters in all; a cut is marked by …."""
    lines, left = [], limit
    for line in text.splitlines():
        if not (line := printable(line, max(left, 1))):
            continue
        lines.append(line)
        left -= len(line)
        if left <= 0:
            break
    return lines


def direction(text: str) -> Direction:
    """Direction of the first strong character (rule P2 of Unicode Annex 9); left-to-right when there is none."""
    if text.isascii():
        return "ltr"
    for char in text:
        match unicodedata.bidirectional(char):
            case "L":
                return "ltr"
            case "R" | "AL":
                return "rtl"
    return "ltr"
