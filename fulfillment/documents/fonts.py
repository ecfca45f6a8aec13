"""The fonts that labels are drawn with, taken from the machine: none is committed or downloaded.

A label needs Latin with all accents and, as far as the machine has it, Arabic script. DejaVu Sans has both and is in
every Debian (`fonts-dejavu-core`); elsewhere the first pair found below is used, with a second font for what it lacks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import uharfbuzz

from core.paper.text import direction
from core.paper.weasy import PdfUnavailable

_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "~/Library/Fonts",
)
_PAIRS = (
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("Arial.ttf", "Arial Bold.ttf"),
    ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
)
_SECOND = ("NotoSansArabic-Regular.ttf", "NotoNaskhArabic-Regular.ttf", "Arial Unicode.ttf")


class NoFont(PdfUnavailable):
    """The machine has none of the fonts that labels can be drawn with; the message says what to install."""


@dataclass(frozen=True, slots=True)
class LabelFonts:
    """Paths of the regular and the bold font, and of one that has Arabic letters when those have not."""

    regular: Path
    bold: Path
    second: Path | None


@cache
def label_fonts() -> LabelFonts:
    """The best fonts of this machine; looked up once per process. Raises NoFont."""
    found = {path.name: path for path in _font_files()}
    for regular, bold in _PAIRS:
        if regular in found and bold in found:
            second = next((found[name] for name in _SECOND if name in found), None)
            return LabelFonts(found[regular], found[bold], None if _has_arabic(found[regular]) else second)
    package = "a Latin font such as DejaVu Sans" if sys.platform == "darwin" else "apt-get install fonts-dejavu-core"
    raise NoFont(f"Labels cannot be drawn: no usable font was found. Install one ({package}) and restart.")


def _font_files() -> Iterator[Path]:
    for folder in _FOLDERS:
        for root, _folders, names in os.walk(Path(folder).expanduser()):
            yield from (Path(root) / name for name in names if name.endswith(".ttf"))


def _has_arabic(path: Path) -> bool:
    face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(path)))
    return ord("\N{ARABIC LETTER FARSI YEH}") in face.unicodes


@cache
def _shaper(path: Path) -> uharfbuzz.Font:
    face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(path)))
    font = uharfbuzz.Font(face)
    font.scale = (1000, 1000)
    return font


@lru_cache(maxsize=8192)
def text_width(text: str, *, bold: bool) -> float:
    """Width of one line, shaped, in units of the font size (em)."""
    if not text:
        return 0.0
    fonts = label_fonts()
    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.direction = direction(text)
    uharfbuzz.shape(_shaper(fonts.bold if bold else fonts.regular), buffer)
    return float(sum(position.x_advance for position in buffer.glyph_positions)) / 1000
