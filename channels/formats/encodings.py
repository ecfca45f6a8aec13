"""Which bytes spell which letters: the encoding of a text file, found by evidence and never guessed silently.

A byte order mark or strict UTF-8 settles it. For the older 8-bit code pages every word with a high byte is read in each candidate
and held against the alphabets of that candidate's languages: “Łódź” is a Polish word in cp1250 and “£ódŸ” is none in cp1252. A code page
is chosen only when its words fit, and fit clearly better than in every other reading that gives different text.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from django.utils.translation import gettext as _

from channels.formats.errors import FileRefused

CHUNK = 1 << 20
#: A line longer than this (bytes) is no line of a table; the bound keeps memory bounded.
MAX_LINE = 4 << 20
_MAX_WORDS = 5000
_MIN_FIT = 0.8
_MIN_LEAD = 0.85

#: Encodings that a person may name; the first ones are also looked for.
ENCODINGS = (
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "cp1254", "cp1250", "cp1256", "cp1251", "cp1253", "cp1255", "cp1257",
    "cp1258", "iso8859-1", "iso8859-2", "iso8859-5", "iso8859-7", "iso8859-9", "iso8859-15", "mac-roman", "mac-turkish", "mac-latin2",
    "cp437", "cp850", "cp852", "cp857", "cp866", "koi8-r", "koi8-u", "gb18030", "big5", "shift_jis", "cp932", "euc_kr", "cp949", "cp874",
)  # fmt: skip

_WEST = {
    "German": "äöüß",
    "French": "àâæçéèêëîïôœùûüÿ",
    "Spanish": "áéíñóúü",
    "Portuguese": "àáâãçéêíóôõúü",
    "Italian": "àèéìíîòóù",
    "Nordic": "åäöæøé",
    "Dutch": "áèéëïíóöúü",
}
_WEST["Western European"] = "".join(sorted(set("".join(_WEST.values()))))
_CENTRAL = {
    "Polish": "ąćęłńóśźż",
    "Czech and Slovak": "áäčďéěíĺľňóôŕřšťúůýž",
    "Hungarian": "áéíóöőúüű",
    "Romanian": "ăâîşţ",
    "Croatian and Slovene": "čćđšž",
    "Albanian": "çë",
    "German": "äöüß",
}


def _letters(first: int, last: int) -> str:
    return "".join(
        chr(code) for code in range(first, last + 1) if chr(code).isalpha() or unicodedata.category(chr(code)) == "Mn"
    )


# Code page → language → letters beyond ASCII, lower case. Order is preference where two readings give the same text.
_ALPHABETS: dict[str, dict[str, str]] = {
    "cp1252": {**_WEST, "Icelandic": "áéíóúýðþæö"},
    "cp1254": {**_WEST, "Turkish": "çğıiöşüâîû"},
    "cp1250": _CENTRAL,
    "iso8859-2": _CENTRAL,
    "cp1256": {"Arabic and Persian": _letters(0x0600, 0x06FF), "French": _WEST["French"]},
    "cp1251": {
        "Russian": "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        "Ukrainian": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    },
    "cp1253": {"Greek": "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ"},
    "cp1255": {"Hebrew": _letters(0x0591, 0x05F4)},
    "mac-roman": _WEST,
}
_COUNTRIES = {
    "cp1254": "TR AZ",
    "cp1250": "PL CZ SK HU RO SI HR BA AL",
    "iso8859-2": "PL CZ SK HU RO SI HR BA AL",
    "cp1256": "IR AF SA AE EG IQ JO KW LB MA DZ TN PK OM QA BH YE SY LY SD PS",
    "cp1251": "RU BG UA BY MK KZ",
    "cp1253": "GR CY",
    "cp1255": "IL",
}
_WEST_COUNTRIES = "US GB IE DE AT CH FR BE NL LU ES PT IT BR MX AR CL CO PE DK SE NO FI IS CA AU NZ ZA"
_LOOSE = frozenset("’‘“”„‚«»‹›–—…•·°ºª€£¥¢§©®™¡¿´`¨¸½¼¾²³¹×÷±¬¶\u00a0\u200c\u200d\u200e\u200f،؛؟")
_BETWEEN_LETTERS = frozenset("’‘´·–—®™\u00a0\u200c\u200d\u200e\u200f")
_HIGH_RUN = re.compile(rb"[A-Za-z'\x80-\xff]*[\x80-\xff][A-Za-z'\x80-\xff]*")
_COUNTRY_CELL = re.compile(rb"(?<![^,;\t\"])([A-Z]{2})(?=[,;\t\"\r\n])")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """The encoding found. `sure` is False where it rests on evidence; `why` is a sentence that says on what."""

    name: str
    sure: bool
    why: str


def given(name: str) -> Encoding:
    """The encoding that a person named; raises FileRefused for one that is unknown here."""
    try:
        canonical = codecs.lookup(name).name
    except (LookupError, ValueError):
        canonical = ""
    if canonical not in {codecs.lookup(known).name for known in ENCODINGS} | {"utf-8-sig"}:
        raise FileRefused(
            "unknown_encoding",
            _("“%(name)s” is not an encoding known here. Known are: %(known)s.")
            % {"name": name[:40], "known": ", ".join(ENCODINGS)},
            field="encoding",
        )
    return Encoding("utf-8-sig" if canonical == "utf-8" else canonical, True, _("given by you"))


def detect(stream: BinaryIO) -> Encoding:
    """Find the encoding of a seekable byte stream, reading it in chunks; raises FileRefused when it stays open."""
    stream.seek(0)
    head = stream.read(CHUNK)
    for bom, name in _BOMS:
        if head.startswith(bom):
            return Encoding(name, True, _("the file begins with a byte order mark"))
    if silent := _utf16_without_mark(head):
        return silent
    _refuse_binary(head)
    stream.seek(0)
    plain, utf8 = _strict_utf8(stream)
    if plain:
        return Encoding("utf-8", True, _("only ASCII characters"))
    if utf8:
        return Encoding("utf-8", True, _("every byte is valid UTF-8"))
    stream.seek(0)
    return _by_evidence(stream)


def _utf16_without_mark(head: bytes) -> Encoding | None:
    sample = head[:4096]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = max(1, len(sample) // 2)
    for zeros, others, name in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if zeros > 0.4 * half and others <= 0.02 * half:
            return Encoding(name, False, _("every other byte is zero, as in UTF-16 without a byte order mark"))
    return None


def _refuse_binary(head: bytes) -> None:
    control = sum(head[:65536].count(code) for code in range(32) if code not in (9, 10, 13))
    if control > 0.1 * max(1, len(head[:65536])):
        raise FileRefused("not_text", _("This is not a text file or an .xlsx workbook."))


def _strict_utf8(stream: BinaryIO) -> tuple[bool, bool]:
    """(only ASCII, valid UTF-8) of the whole stream; refuses lines beyond MAX_LINE."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    plain, valid, since_break = True, True, 0
    while chunk := stream.read(CHUNK):
        last = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        since_break = len(chunk) - last - 1 if last >= 0 else since_break + len(chunk)
        if since_break > MAX_LINE:
            raise FileRefused(
                "line_too_long",
                _("A line of this file is longer than %(size)d MB: this is no table.") % {"size": MAX_LINE >> 20},
            )
        plain = plain and chunk.isascii()
        if valid and not plain:
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                valid = False
    if valid and not plain:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            valid = False
    return plain, valid


def _by_evidence(stream: BinaryIO) -> Encoding:
    words: dict[bytes, None] = {}
    countries: Counter[str] = Counter()
    good = bad = first_bad = 0
    for number, line in enumerate(_lines(stream), start=1):
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            good += 1
        except UnicodeDecodeError:
            bad += 1
            first_bad = first_bad or number
        countries.update(code.decode() for code in _COUNTRY_CELL.findall(line))
        if len(words) < _MAX_WORDS:
            words.update(dict.fromkeys(_HIGH_RUN.findall(line)))
    if good >= bad:
        why = _(
            "the file mixes encodings: of its lines with letters beyond ASCII %(good)d are UTF-8 and %(bad)d are not (the first is line %(line)d)"
        )
        return Encoding("utf-8", False, why % {"good": good, "bad": bad, "line": first_bad})
    return _choose(list(words), countries)


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    while line := stream.readline(MAX_LINE):
        yield line


@dataclass(slots=True)
class _Reading:
    encoding: str
    text: tuple[str, ...]
    score: float
    language: str


def _choose(words: list[bytes], countries: Counter[str]) -> Encoding:
    readings = [reading for encoding in _ALPHABETS if (reading := _read(words, encoding))]
    readings.sort(key=lambda reading: -reading.score)  # stable: the order of preference stays among equals
    if not readings or readings[0].score < _MIN_FIT * len(words):
        raise FileRefused(
            "encoding_unknown",
            _("The encoding of this file could not be found out. Please say which it is (encoding)."),
            field="encoding",
        )
    best = readings[0]
    rivals = [r for r in readings[1:] if r.text != best.text and r.score >= _MIN_LEAD * best.score]
    why = _(
        "%(fit)d of %(all)d words with letters beyond ASCII are spelled in %(language)s in this encoding, and fewer in any other"
    )
    if rivals:
        best = _by_country([best, *rivals], countries)
        why = _(
            "the countries in the file and %(fit)d of %(all)d words with letters beyond ASCII (%(language)s) speak for it"
        )
    return Encoding(
        best.encoding,
        False,
        why % {"fit": round(best.score), "all": len(words), "language": best.language},
    )


def _by_country(readings: list[_Reading], countries: Counter[str]) -> _Reading:
    """The one reading whose countries hold at least 80 % of the file's country codes; raises FileRefused otherwise."""
    known = {code for codes in (*_COUNTRIES.values(), _WEST_COUNTRIES) for code in codes.split()}
    total = sum(count for code, count in countries.items() if code in known)

    def share(encoding: str) -> float:
        codes = _COUNTRIES.get(encoding, _WEST_COUNTRIES).split()
        return sum(countries[code] for code in codes) / total if total else 0.0

    backed = [reading for reading in readings if share(reading.encoding) >= 0.8]
    if len({reading.text for reading in backed}) == 1:
        return backed[0]
    samples = "; ".join(f"{reading.encoding}: “{_most_telling(reading.text, readings)}”" for reading in readings[:4])
    raise FileRefused(
        "encoding_ambiguous",
        _(
            "The encoding of this file is not clear; it reads well in more than one: %(samples)s. Please say which it is (encoding)."
        )
        % {"samples": samples},
        field="encoding",
    )


def _most_telling(text: tuple[str, ...], readings: list[_Reading]) -> str:
    """The longest of the first words that is read differently elsewhere."""
    differing = [word for i, word in enumerate(text) if any(other.text[i] != word for other in readings)]
    return max(differing[:50] or [""], key=len)[:40]


def _read(words: list[bytes], encoding: str) -> _Reading | None:
    try:
        text = tuple(word.decode(encoding) for word in words)
    except UnicodeDecodeError:
        return None
    languages = {
        name: frozenset(letters) | frozenset(letters.upper()) | _extra(letters)
        for name, letters in _ALPHABETS[encoding].items()
    }
    own: Counter[str] = Counter()
    fitting = 0
    for word in text:
        fits = _languages_of(word, languages)
        fitting += bool(fits)
        own.update(fits)
    language, count = max(own.items(), key=lambda item: item[1], default=("", 0))
    return _Reading(encoding, text, (fitting + count) / 2, language)


def _extra(letters: str) -> frozenset[str]:
    return frozenset("İIı") if "ı" in letters else frozenset()


def _languages_of(run: str, languages: dict[str, frozenset[str]]) -> set[str]:
    """The languages that could have written every word of this run; empty when none could."""
    letters: set[str] = set()
    for position, char in enumerate(run):
        if char.isascii():
            continue
        if char.isalpha() or unicodedata.category(char) == "Mn":
            letters.add(char)
        elif char not in _LOOSE or (_inside(run, position) and char not in _BETWEEN_LETTERS):
            return set()
    if not all(_written_by_hand(word) for word in re.findall(r"[^\W\d_]+", run)):
        return set()
    return {name for name, alphabet in languages.items() if letters <= alphabet}


def _inside(run: str, position: int) -> bool:
    return 0 < position < len(run) - 1 and run[position - 1].isalpha() and run[position + 1].isalpha()


def _written_by_hand(word: str) -> bool:
    """False for a capital after a small letter and for two scripts in one word, unless all of it is ASCII."""
    if word.isascii():
        return True
    for before, after in pairwise(word):
        if before.islower() and after.isupper() and not (before.isascii() and after.isascii()):
            return False
    latin = {unicodedata.name(char, "").startswith("LATIN") for char in word}
    return len(latin) == 1
