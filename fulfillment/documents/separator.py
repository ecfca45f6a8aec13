"""The sheet between two groups of a print run: what follows, in large letters."""

from __future__ import annotations

from collections.abc import Sequence

from .sheet import DOTS_PER_INCH, Box, Element, block, fitted, sheets_pdf
from .slips import Paper

_SIZES: dict[Paper, tuple[float, float]] = {"4x6": (4, 6), "a4": (8.268, 11.693)}  # inches
_MARGIN = 60  # dots


def separator_sheet(title: str, lines: Sequence[str], paper: Paper) -> bytes:
    """A one-page PDF with a title between thick bars and some lines below it. Raises NoFont."""
    width, height = (round(inches * DOTS_PER_INCH) for inches in _SIZES[paper])
    inner = width - 2 * _MARGIN
    elements: list[Element] = [
        Box(_MARGIN, _MARGIN, inner, 40),
        *fitted(title, x=_MARGIN, y=_MARGIN + 90, width=inner, size=110, bold=True),
        *block(lines, x=_MARGIN, y=_MARGIN + 260, width=inner, height=height - 500, sizes=(54, 44, 36, 28)),
        Box(_MARGIN, height - _MARGIN - 40, inner, 40),
    ]
    return sheets_pdf([elements], width=width, height=height)
