"""Barcode labels of SKUs and bins: sheets of labels or a label printer's roll, as PDF and as ZPL II.

A SKU's label carries its GTIN as EAN-13 where it has one, else its barcode, else its SKU, as Code 128; a bin's label says "BIN:…".
All measures are millimetres. The PDF is drawn directly: 40 labels take some ten milliseconds.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from barcode.ean import EuropeanArticleNumber13
from fpdf import FPDF
from fpdf.enums import RenderStyle

from core.paper.codes import CODE128_QUIET_ZONE, NotEncodable, code128_modules, runs
from core.paper.text import direction, printable
from inventory.gtin import expected_check_digit

#: The narrowest bar that office printers and hand scanners manage; GS1 asks for 0.264 in shops, and smaller is usual on shelves.
NARROWEST, WIDEST = 0.17, 0.5
DOTS_PER_MM = 8  # label printers of 203 dpi
_EAN_QUIET = (11, 7)  # modules before and after an EAN-13 (GS1 General Specifications, 5.2.3.4)
_PLAIN = frozenset((string.ascii_letters + string.digits + " .,-/:()#+&").encode())
# In Code 128 field data these start a control sequence of their own (ZPL II, “Code 128 Invocation Characters”).
_INVOCATIONS = str.maketrans({"^": "><", ">": ">0", "~": ">="})


@dataclass(frozen=True, slots=True)
class Size:
    """A paper: its size, and how many labels lie on it in columns and rows."""

    name: str
    width: float
    height: float
    columns: int = 1
    rows: int = 1

    @property
    def label(self) -> tuple[float, float]:
        """Width and height of one label."""
        return self.width / self.columns, self.height / self.rows

    @property
    def per_page(self) -> int:
        return self.columns * self.rows


SIZES = {
    size.name: size
    for size in (
        Size("a4_3x8", 210, 297, 3, 8),
        Size("a4_4x10", 210, 297, 4, 10),
        Size("57x32", 57, 32),
        Size("4x6", 101.6, 152.4),
    )
}


@dataclass(frozen=True, slots=True)
class BarcodeLabel:
    """What a label says: the big line, a small one, and the code."""

    headline: str
    detail: str
    code: str


@dataclass(frozen=True, slots=True)
class Fonts:
    """Font files: regular, bold, and one that has Arabic letters when those have not."""

    regular: Path
    bold: Path
    second: Path | None = None


@dataclass(frozen=True, slots=True)
class _Symbol:
    """A code as bars: modules without quiet zones, the quiet zones in modules, the text beneath."""

    modules: str
    quiet: tuple[int, int]
    text: str

    @property
    def width(self) -> int:
        return len(self.modules) + sum(self.quiet)


def ean13_of(code: str) -> str | None:
    """The thirteen digits of a GTIN-13 or GTIN-12 (UPC-A) whose check digit fits; None for any other code."""
    if not (code.isascii() and code.isdigit() and len(code) in (12, 13)) or expected_check_digit(code):
        return None
    return code.zfill(13)


@lru_cache(maxsize=2048)
def symbol_of(code: str) -> _Symbol:
    """The bars of a code: EAN-13 where it is one, else Code 128. Raises NotEncodable."""
    digits = ean13_of(code)
    if digits is not None:
        modules = str(EuropeanArticleNumber13(digits).build()[0])
        return _Symbol(modules, _EAN_QUIET, f"{digits[0]} {digits[1:7]} {digits[7:]}")
    return _Symbol(code128_modules(code), (CODE128_QUIET_ZONE, CODE128_QUIET_ZONE), code)


def module_width(code: str, size: Size) -> float:
    """Width of one module of the code on a label of this size. Raises NotEncodable when the bars would be too narrow to scan."""
    room = size.label[0] - 2
    width = min(WIDEST, room / symbol_of(code).width)
    if width < NARROWEST:
        raise NotEncodable(f"{code!r} is too long for a label of {size.label[0]:.0f} mm.")
    return width


def module_dots(code: str, size: Size) -> int:
    """Dots of one module on a label printer. Raises NotEncodable below two, which scanners miss."""
    dots = min(4, (round(size.label[0] * DOTS_PER_MM) - 2 * DOTS_PER_MM) // symbol_of(code).width)
    if dots < 2:
        raise NotEncodable(f"{code!r} is too long for a label of {size.label[0]:.0f} mm on a label printer.")
    return dots


def labels_pdf(labels: Sequence[BarcodeLabel], size: Size, fonts: Fonts, *, skip: int = 0) -> bytes:
    """One PDF with the labels row by row; `skip` places of the first sheet are used up already. Raises NotEncodable."""
    pdf = FPDF(unit="mm", format=(size.width, size.height))
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.c_margin = 0
    pdf.add_font("label", "", fonts.regular)
    pdf.add_font("label", "B", fonts.bold)
    if fonts.second:
        pdf.add_font("second", "", fonts.second)
        pdf.set_fallback_fonts(["second"], exact_match=False)
    width, height = size.label
    for place, label in enumerate(labels, skip % size.per_page):
        at = place % size.per_page
        if at == 0 or place == skip % size.per_page:
            pdf.add_page()
        _draw(pdf, label, size, (at % size.columns) * width, (at // size.columns) * height)
    return bytes(pdf.output())


def _draw(pdf: FPDF, label: BarcodeLabel, size: Size, x: float, y: float) -> None:
    """Headline, detail, bars, text of the code, from top to bottom; measures follow the label's height."""
    width, height = size.label
    margin, big = 2.0, min(height * 0.16, 14.0)
    symbol, module = symbol_of(label.code), module_width(label.code, size)
    _text(pdf, label.headline, x + margin, y + height * 0.06, width - 2 * margin, big, bold=True)
    _text(pdf, label.detail, x + margin, y + height * 0.06 + big * 1.15, width - 2 * margin, min(height * 0.09, 7.0))
    top, tall = y + height * 0.40, min(height * 0.40, 40.0)
    begin = x + (width - symbol.width * module) / 2 + symbol.quiet[0] * module
    for start, length in runs(symbol.modules):
        pdf.rect(begin + start * module, top, length * module, tall, style=RenderStyle.F)
    _text(
        pdf,
        symbol.text,
        x + margin,
        top + tall + height * 0.02,
        width - 2 * margin,
        min(height * 0.09, 6.0),
        middle=True,
    )


def _text(
    pdf: FPDF, text: str, x: float, y: float, width: float, size: float, *, bold: bool = False, middle: bool = False
) -> None:
    """One line of a font size in mm, made smaller (to a half at most), then cut, until it fits."""
    line = printable(text, 120)
    if not line:
        return
    style = "B" if bold else ""
    points = size * 72 / 25.4
    pdf.set_font("label", style, points)  # type: ignore[arg-type]
    needed = pdf.get_string_width(line)
    if needed > width:
        points = max(points / 2, points * width / needed)
        pdf.set_font("label", style, points)  # type: ignore[arg-type]
        while len(line) > 1 and pdf.get_string_width(line) > width:
            line = line[:-2].rstrip(" …") + "…"
    reading = direction(line)
    # Scripts beyond Latin, Greek and Cyrillic are shaped and ordered.
    shaped = any("\u0530" <= char < "\u1e00" or char >= "\u2c00" for char in line)
    if shaped:
        pdf.set_text_shaping(True, direction=reading)
    pdf.set_xy(x, y)
    pdf.cell(w=width, h=size * 1.2, text=line, align="C" if middle else ("R" if reading == "rtl" else "L"))
    if shaped:
        pdf.set_text_shaping(False)


def labels_zpl(labels: Sequence[BarcodeLabel], size: Size) -> str:
    """One print file for a label printer of 203 dpi, a format for each run of equal labels, pure ASCII.

    Raises NotEncodable, also for a sheet of labels, which no roll is.
    """
    if size.per_page > 1:
        raise NotEncodable("Label printers print single labels.")
    return "".join(_format(label, size, copies) for label, copies in _counted(labels))


def _counted(labels: Sequence[BarcodeLabel]) -> Iterator[tuple[BarcodeLabel, int]]:
    """Each label with how many of it follow one another."""
    start = 0
    for end in range(1, len(labels) + 1):
        if end == len(labels) or labels[end] != labels[start]:
            yield labels[start], end - start
            start = end


def _format(label: BarcodeLabel, size: Size, copies: int) -> str:
    width, height = (round(side * DOTS_PER_MM) for side in size.label)
    symbol = symbol_of(label.code)
    module = module_dots(label.code, size)
    big, small = min(round(height * 0.16), 112), min(round(height * 0.09), 48)
    tall = min(round(height * 0.40), 320)
    left, top = (width - symbol.width * module) // 2 + symbol.quiet[0] * module, round(height * 0.40)
    digits = ean13_of(label.code)
    bars = (
        f"^BEN,{tall},N,N^FD{digits[:12]}^FS"
        if digits
        else f"^BCN,{tall},N,N,N,A^FH^FD{_field_data(label.code.translate(_INVOCATIONS))}^FS"
    )
    below = top + tall + round(height * 0.02)
    lines = [
        f"^XA^CI28^PW{width}^LL{height}^LH0,0",
        f"^FO16,{round(height * 0.06)}^A0N,{big},{big}^FB{width - 32},1^FH^FD{_field_data(printable(label.headline, 40))}^FS",
        f"^FO16,{round(height * 0.06 + big * 1.15)}^A0N,{small},{small}^FB{width - 32},1^FH^FD{_field_data(printable(label.detail, 60))}^FS",
        f"^FO{left},{top}^BY{module}{bars}",
        f"^FO16,{below}^A0N,{small},{small}^FB{width - 32},1,0,C^FH^FD{_field_data(symbol.text)}^FS",
        f"^PQ{copies}^XZ",
        "",
    ]
    return "\n".join(lines)


def _field_data(text: str) -> str:
    """Text for ^FD after ^FH: UTF-8, every byte that could mean something to a printer as `_` and two hex digits."""
    return "".join(chr(byte) if byte in _PLAIN else f"_{byte:02X}" for byte in text.encode())
