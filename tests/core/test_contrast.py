"""The colours of the design system, measured: WCAG 2.2 AA in light and dark.

Colours are converted by the formulas of CSS Color 4 (oklch → oklab → linear sRGB); contrast is WCAG's relative luminance ratio.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).resolve().parents[2] / "static" / "css" / "tokens.css"
PAIR = re.compile(r"--([\w-]+):\s*light-dark\(\s*oklch\(([^)]+)\),\s*oklch\(([^)]+)\)\s*\)")
LIGHT, DARK = 0, 1

#: text token → the surfaces it is written on
TEXT_ON = {
    "text": [
        "canvas",
        "surface",
        "surface-2",
        "surface-3",
        "accent-soft",
        "ok-soft",
        "warn-soft",
        "bad-soft",
        "info-soft",
    ],
    "text-soft": ["canvas", "surface", "surface-2", "surface-3", "accent-soft"],
    "accent": ["canvas", "surface", "surface-2", "accent-soft"],
    "ok": ["surface", "canvas", "ok-soft"],
    "warn": ["surface", "canvas", "warn-soft"],
    "bad": ["surface", "canvas", "bad-soft", "surface-2"],
    "info": ["surface", "canvas", "info-soft"],
    "on-accent": ["accent", "accent-strong"],
    "on-bad": ["bad-fill"],
    "on-ink": ["ink"],
}
#: lines, marks and controls that must be told from what is around them (3:1)
MARK_ON = {
    "line-strong": ["surface", "canvas", "surface-2"],
    "accent": ["surface", "canvas", "surface-3", "accent-soft"],
    "ok": ["surface"],
    **{f"chart-{n}": ["surface"] for n in range(1, 7)},
}


def luminance(oklch: str) -> float:
    lightness, chroma, hue = (float(part) for part in oklch.replace("%", "").split())
    lightness /= 100
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    red, green, blue = (min(max(part, 0.0), 1.0) for part in (red, green, blue))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


COLOURS = {name: (light, dark) for name, light, dark in PAIR.findall(TOKENS.read_text())}


def test_the_measure_knows_black_and_white() -> None:
    assert contrast("100% 0 0", "0% 0 0") == pytest.approx(21, abs=0.01)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "surface"), [(text, surface) for text, surfaces in TEXT_ON.items() for surface in surfaces]
)
def test_text_is_readable(text: str, surface: str, theme: int) -> None:
    assert contrast(COLOURS[text][theme], COLOURS[surface][theme]) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("mark", "surface"), [(mark, surface) for mark, surfaces in MARK_ON.items() for surface in surfaces]
)
def test_marks_can_be_told_from_their_surface(mark: str, surface: str, theme: int) -> None:
    assert contrast(COLOURS[mark][theme], COLOURS[surface][theme]) >= 3


def test_raw_colours_stand_in_the_tokens_only() -> None:
    raw = re.compile(r"#[0-9a-fA-F]{3,8}\b(?![\w-]*\s*\{)|\b(?:rgb|hsl|oklch|oklab)\(")
    for sheet in TOKENS.parent.glob("*.css"):
        if sheet != TOKENS:
            found = [
                match
                for match in raw.findall(re.sub(r"#[\w-]+[^;{}]*\{", "{", sheet.read_text()))
                if not match.startswith("color-mix")
            ]
            assert not found, (sheet.name, found)


def test_layout_uses_logical_directions_only() -> None:
    physical = re.compile(
        r"[\s;{](?:margin|padding|border|inset)?-?(?:left|right)\s*:|text-align:\s*(?:left|right)|float:"
    )
    for sheet in TOKENS.parent.glob("*.css"):
        lines = [
            line for line in sheet.read_text().splitlines() if physical.search(line) and "direction: ltr" not in line
        ]
        assert not lines, (sheet.name, lines)
