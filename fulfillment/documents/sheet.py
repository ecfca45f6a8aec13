"""Sheets for label printers: text, boxes and codes at fixed places, in printer dots, drawn as PDF.

Label printers have 203 dots an inch; everything lies on that grid, so bars come out as whole dots.
The PDF is drawn directly and not through HTML: 5 ms a sheet instead of 40, and it works without Pango.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from fpdf import FPDF
from fpdf.enums import RenderStyle

from core.paper.codes import code128_modules, qr_modules, runs
from core.paper.text import direction, printable

from . import fonts

DOTS_PER_INCH = 203
LINE_HEIGHT = 1.22  # of the font size
_ASCENT = 0.95  # of the font size: the baseline below the top of a line
_POINTS_PER_DOT = 72 / DOTS_PER_INCH
_INSET = 0.1  # dots; coordinates are written to a hundredth of a point, 0.03 dots


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text; (x, y) is its upper left corner, `size` the font size, all in dots."""

    x: int
    y: int
    text: str
    size: int
    bold: bool = False
    white: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle, in dots."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Bars:
    """A Code 128 of `module` dots a module; (x, y) is the corner of its first bar."""

    x: int
    y: int
    module: int
    height: int
    data: str


@dataclass(frozen=True, slots=True)
class QrCode:
    """A QR code of `module` dots a module; (x, y) is the corner of its first module."""

    x: int
    y: int
    module: int
    data: str


Element = Text | Box | Bars | QrCode


def sheets_pdf(sheets: Sequence[Sequence[Element]], *, width: int, height: int) -> bytes:
    """One PDF with a page of width × height dots per sheet. Raises NoFont, or NotEncodable for what no code holds."""
    pdf = FPDF(unit=_POINTS_PER_DOT, format=(width, height))
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.c_margin = 0
    _add_fonts(pdf)
    for sheet in sheets:
        pdf.add_page()
        for element in sheet:
            _draw(pdf, element)
    return bytes(pdf.output())


def centred(text: str, *, x: int, y: int, width: int, size: int) -> Iterator[Text]:
    """One bold line in the middle of the given width, made smaller until it fits."""
    for line in fitted(text, x=x, y=y, width=width, size=size, bold=True):
        used = fonts.text_width(line.text, bold=True) * line.size
        yield Text(round(x + (width - used) / 2), line.y, line.text, line.size, bold=True)


def fitted(text: str, *, x: int, y: int, width: int, size: int, bold: bool = False) -> Iterator[Text]:
    """One line, made smaller (to a third at most) and then cut until it fits."""
    text = printable(text, 80)
    if not text:
        return
    needed = fonts.text_width(text, bold=bold) * size
    fitting = max(size // 3, min(size, int(size * width / needed) if needed else size))
    yield Text(x, y + (size - fitting) // 2, _cut(text, width / fitting, bold=bold), fitting, bold=bold)


def block(
    lines: Sequence[str], *, x: int, y: int, width: int, height: int, sizes: Sequence[int], title: str = ""
) -> Iterator[Text]:
    """Lines one below the other, the first bold, at the largest size at which all fit when long ones are wrapped.

    At the smallest size the last lines that find no room are left out, marked by ….
    """
    if title:
        yield Text(x, y, title, 18)
        y, height = y + 24, height - 24
    texts = [text for line in lines if (text := printable(line, 160))]
    for size in sizes:
        wrapped = [
            (part, not number)
            for number, text in enumerate(texts)
            for part in _wrap(text, width / size, bold=not number)
        ]
        if len(wrapped) * size * LINE_HEIGHT <= height:
            break
    room = int(height / (size * LINE_HEIGHT))
    if len(wrapped) > room:
        part, bold = wrapped[room - 1]
        wrapped[room - 1 :] = [(_cut(f"{part}…", width / size, bold=bold), bold)]
    for number, (part, bold) in enumerate(wrapped):
        yield Text(x, round(y + number * size * LINE_HEIGHT), part, size, bold=bold)


def _wrap(text: str, width: float, *, bold: bool) -> list[str]:
    """Parts of a line, each at most `width` em wide, broken at blanks, or within a word that is too long."""
    if fonts.text_width(text, bold=bold) <= width:
        return [text]
    parts, current = [], ""
    for word in text.split(" "):
        candidate = f"{current} {word}".lstrip()
        if fonts.text_width(candidate, bold=bold) <= width:
            current = candidate
            continue
        if current:
            parts.append(current)
        *full, current = _pieces(word, width, bold=bold)
        parts += full
    return [*parts, current]


def _pieces(word: str, width: float, *, bold: bool) -> list[str]:
    pieces = []
    while len(word) > 1 and fonts.text_width(word, bold=bold) > width:
        length = _fitting_length(word, width, bold=bold)
        pieces.append(word[:length])
        word = word[length:]
    return [*pieces, word]


def _cut(text: str, width: float, *, bold: bool) -> str:
    """The text, or its beginning and … when it is wider than `width` em."""
    if fonts.text_width(text, bold=bold) <= width:
        return text
    return text[: _fitting_length(text, width - 1, bold=bold)].rstrip(" …") + "…"


def _fitting_length(text: str, width: float, *, bold: bool) -> int:
    """How many first characters fit into `width` em (by bisection), at least 1."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if fonts.text_width(text[:middle], bold=bold) <= width:
            low = middle
        else:
            high = middle - 1
    return low


_Style = Literal["", "B"]


def _add_fonts(pdf: FPDF) -> None:
    available = fonts.label_fonts()
    pdf.add_font("label", "", available.regular)
    pdf.add_font("label", "B", available.bold)
    if available.second:
        pdf.add_font("second", "", available.second)
        pdf.set_fallback_fonts(["second"], exact_match=False)


def _draw(pdf: FPDF, element: Element) -> None:
    match element:
        case Text():
            _draw_text(pdf, element)
        case Box(x, y, width, height):
            _fill(pdf, x, y, width, height)
        case Bars(x, y, module, height, data):
            for start, length in runs(code128_modules(data)):
                _fill(pdf, x + start * module, y, length * module, height)
        case QrCode(x, y, module, data):
            for row, modules in enumerate(qr_modules(data)):
                for start, length in runs(modules):
                    _fill(pdf, x + start * module, y + row * module, length * module, module)


def _fill(pdf: FPDF, x: int, y: int, width: int, height: int) -> None:
    """Black on exactly these dots. PDF renderers paint every dot that a shape touches (ISO 32000-2, 10.7.4), so a bar that
    ends a rounding error too far would be one dot too wide: the edges stay a little inside."""
    pdf.rect(x + _INSET, y + _INSET, width - 2 * _INSET, height - 2 * _INSET, style=RenderStyle.F)


def _draw_text(pdf: FPDF, line: Text) -> None:
    """Latin goes the short way; other scripts are shaped and ordered (Unicode Annex 9), which costs five times as much."""
    style: _Style = "B" if line.bold else ""
    pdf.set_font("label", style, line.size * _POINTS_PER_DOT)
    pdf.set_text_color(255 if line.white else 0)
    if needs_shaping(line.text):
        pdf.set_text_shaping(True, direction=direction(line.text))
        pdf.set_xy(line.x, line.y)
        pdf.cell(w=pdf.w, h=line.size * LINE_HEIGHT, text=line.text)
        pdf.set_text_shaping(False)
    else:
        pdf.text(line.x, line.y + line.size * _ASCENT, line.text)


def needs_shaping(text: str) -> bool:
    """True when the text has letters beyond the Latin, Greek and Cyrillic blocks, which stand alone and left to right."""
    return any("\u0530" <= char < "\u1e00" or char >= "\u2c00" for char in text)
