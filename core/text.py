"""One search form of text, tolerant of accents and of Turkish, Polish and Persian letter forms."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Letters that Unicode does not decompose, and Arabic letter forms that Persian keyboards mix.
_LETTERS = str.maketrans(
    {
        "ı": "i", "İ": "i", "ł": "l", "Ł": "l", "ø": "o", "Ø": "o", "đ": "d", "Đ": "d", "ß": "ss", "æ": "ae", "Æ": "ae",
        "œ": "oe", "Œ": "oe", "þ": "th", "ð": "d",
        "ي": "ی", "ى": "ی", "ئ": "ی", "ك": "ک", "ة": "ه", "ۀ": "ه", "أ": "ا", "إ": "ا", "آ": "ا", "ؤ": "و",
        "ـ": None, "\u200c": None, "\u200d": None, "\u200e": None, "\u200f": None,
    }
)  # fmt: skip
_DIGITS = {
    ord(digit): str(value) for zero in ("٠", "۰") for value, digit in enumerate(chr(ord(zero) + n) for n in range(10))
}
_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """Lower case, without accents, with one form per letter and ASCII digits: “İstanbul ŁÓDŹ ۱۲” → “istanbul lodz 12”."""
    if text.isascii():
        return text.lower()
    text = text.translate(_LETTERS).translate(_DIGITS)
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char)).lower().translate(_LETTERS)


@lru_cache(maxsize=4096)
def _words_of(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(fold(text)))


def search_words(*texts: str) -> str:
    """The folded words of all texts, each once, separated by blanks: what a search column stores.

    A text with inner punctuation (SKU, e-mail, tracking number) is stored in parts and as one joined word, so that
    “AB-12/c”, “ab12c” and “12” all find it.
    """
    words: dict[str, None] = {}
    for text in texts:
        for piece in text.split():
            parts = _words_of(piece)
            words.update(dict.fromkeys(parts))
            if len(parts) > 1:
                words["".join(parts)] = None
    return " ".join(words)


def search_query(text: str) -> str:
    """A tsquery text where every word must begin a stored word; empty when no letter or digit is left.

    Words hold letters and digits only and stand in quotes, so no operator of the query language can come in.
    """
    terms = []
    for piece in text.split()[:8]:
        parts = _words_of(piece[:80])
        if not parts:
            continue
        term = f"'{''.join(parts)}':*"
        if len(parts) > 1 and "@" not in piece:  # the parts of an address (“example”, “com”) begin words of every order
            each = " & ".join(f"'{part}':*" for part in parts)
            term = f"({term} | ({each}))"
        terms.append(term)
    return " & ".join(terms)
