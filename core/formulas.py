"""Text that spreadsheet programs would run: guarded in every file that goes out, taken back in every file that comes in.

A cell that begins like a formula is executed when the file is opened (OWASP ASVS 1.2.10). `safe_text` puts an apostrophe before it;
`plain_text` takes it away again, so that what was exported and imported is what it was.
"""

from __future__ import annotations

import re

from django.utils.encoding import force_str

#: What a formula begins with, also full-width and also after blanks or quotes that programs skip; TAB and CR begin a new cell.
_FORMULA = re.compile(
    r"""[\s"'\u00a0\u200b-\u200f\u2028-\u202e\u2060\ufeff]*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b]"""
)


def safe_text(value: object) -> str:
    """Text that no spreadsheet program takes for a formula; other text comes back unchanged."""
    text = force_str(value)
    return f"'{text}" if _FORMULA.match(text) else text


def plain_text(text: str) -> str:
    """The text that `safe_text` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text
