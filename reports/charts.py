"""Charts as SVG, drawn on the server: geometry here, markup in templates/reports/charts/, colours in the style sheet.

Every mark carries its numbers as a <title>, and the template puts the numbers below the drawing as a table. In right-to-left
languages time runs from right to left: positions are mirrored here, words are turned by nobody.

Positions are pixels, so they are floats; values stay int or Decimal and are written by the chart's own `words`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil, floor, log10
from typing import Any

from django.utils.translation import get_language_bidi

Number = int | Decimal

WIDTH, HEIGHT = 480, 210
TOP, BOTTOM, AXIS, END = 12, 30, 52, 6  # room around the plot; AXIS on the side where reading begins
COLOURS = 6
_TICKS = 4
_LABELS = 5


@dataclass(frozen=True, slots=True)
class Series:
    """One row of numbers with its name."""

    label: str
    values: Sequence[Number]


@dataclass(frozen=True, slots=True)
class Mark:
    """A rectangle."""

    x: str
    y: str
    width: str
    height: str
    colour: int
    title: str


@dataclass(frozen=True, slots=True)
class Label:
    """A word at a place. anchor: SVG text-anchor."""

    x: str
    y: str
    text: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Trace:
    """A line through points, and the area below it."""

    path: str
    area: str
    colour: int
    label: str
    dots: list[Mark]


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with its numbers. head and rows are the table beneath it."""

    title: str
    head: list[str]
    rows: list[list[str]]
    legend: list[tuple[int, str]]
    width: int = WIDTH
    height: int = HEIGHT
    marks: list[Mark] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    grid: list[Mark] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not self.marks and not self.traces


def scale_of(largest: Number) -> tuple[Decimal, list[Decimal]]:
    """(top of the axis, its ticks from 0 up) for values from 0 to `largest`: steps of 1, 2 or 5 times a power of ten."""
    top = Decimal(largest)
    if top <= 0:
        return Decimal(1), [Decimal(0), Decimal(1)]
    raw = top / _TICKS
    power = Decimal(10) ** floor(log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
    count = ceil(top / step)
    return step * count, [step * n for n in range(count + 1)]


class _Plot:
    """The inner rectangle with its value scale; turns positions into attribute texts, mirrored in right-to-left languages."""

    def __init__(self, largest: Number, points: int, *, whole: bool) -> None:
        self.rtl = get_language_bidi()
        self.top, self.ticks = scale_of(largest)
        if whole:  # half an order is no tick
            self.ticks = [tick for tick in self.ticks if tick == tick.to_integral_value()]
        self.slot = (WIDTH - AXIS - END) / max(1, points)

    def left(self, x: float, width: float = 0.0) -> str:
        return _px(WIDTH - x - width if self.rtl else x)

    def up(self, value: Number) -> float:
        """How high a value stands, in pixels."""
        return float(value) / float(self.top) * (HEIGHT - TOP - BOTTOM)

    def y(self, value: Number) -> str:
        return _px(HEIGHT - BOTTOM - self.up(value))

    def grid(self, words: Callable[[Number], str]) -> tuple[list[Mark], list[Label]]:
        lines = [
            Mark(self.left(AXIS, WIDTH - AXIS - END), self.y(tick), _px(WIDTH - AXIS - END), "0", 0, "")
            for tick in self.ticks
        ]
        anchor = "start" if self.rtl else "end"
        labels = [Label(self.left(AXIS - 6), _px(float(self.y(tick)) + 4), words(tick), anchor) for tick in self.ticks]
        return lines, labels

    def below(self, names: Sequence[str]) -> list[Label]:
        """The names of some points, evenly chosen, the first and the last as near as they fit."""
        every = max(1, ceil(len(names) / _LABELS))
        return [
            Label(self.left(AXIS + (n + 0.5) * self.slot), _px(HEIGHT - 8), names[n])
            for n in range(every // 2, len(names), every)
        ]


def bars(
    title: str,
    names: Sequence[str],
    series: Sequence[Series],
    *,
    words: Callable[[Number], str] = str,
    axis_words: Callable[[Number], str] | None = None,
    corner: str = "",
    whole: bool = True,
) -> Chart:
    """Upright bars, the series of a point stacked. names: of the points, in reading order. words: how a value is written.

    corner: head of the table's first column. whole: the values are counts, so no tick stands between two of them.
    """
    series = series[:COLOURS]
    sums = [sum((one.values[n] for one in series), start=0) for n in range(len(names))]
    plot = _Plot(max(sums, default=0), len(names), whole=whole)
    lines, labels = plot.grid(axis_words or words)
    marks = []
    width = plot.slot * 0.72
    for n, name in enumerate(names):
        base = 0.0
        for colour, one in enumerate(series, 1):
            height = plot.up(one.values[n])
            if height <= 0:
                continue
            label = (
                f"{name}: {words(one.values[n])}"
                if len(series) == 1
                else f"{name}, {one.label}: {words(one.values[n])}"
            )
            x = AXIS + (n + 0.14) * plot.slot
            marks.append(
                Mark(plot.left(x, width), _px(HEIGHT - BOTTOM - base - height), _px(width), _px(height), colour, label)
            )
            base += height
    return Chart(
        title, [corner, *(one.label for one in series)], _table(names, series, words), _legend(series),
        marks=marks, grid=lines, labels=labels + plot.below(names),
    )  # fmt: skip


def lines(
    title: str,
    names: Sequence[str],
    series: Sequence[Series],
    *,
    words: Callable[[Number], str] = str,
    axis_words: Callable[[Number], str] | None = None,
    corner: str = "",
) -> Chart:
    """One line for each series over the same points."""
    series = series[:COLOURS]
    largest = max((value for one in series for value in one.values), default=0)
    plot = _Plot(largest, len(names), whole=False)
    grid, labels = plot.grid(axis_words or words)
    traces = [_trace(plot, names, one, colour, words) for colour, one in enumerate(series, 1) if any(one.values)]
    return Chart(
        title, [corner, *(one.label for one in series)], _table(names, series, words), _legend(series),
        traces=traces, grid=grid, labels=labels + plot.below(names),
    )  # fmt: skip


def _trace(plot: _Plot, names: Sequence[str], one: Series, colour: int, words: Callable[[Number], str]) -> Trace:
    places = [(plot.left(AXIS + (n + 0.5) * plot.slot), plot.y(max(value, 0))) for n, value in enumerate(one.values)]
    path = "M" + " L".join(f"{x} {y}" for x, y in places)
    floor_y = plot.y(0)
    area = f"{path} L{places[-1][0]} {floor_y} L{places[0][0]} {floor_y} Z"
    dots = [
        Mark(
            plot.left(AXIS + n * plot.slot, plot.slot),
            _px(TOP),
            _px(plot.slot),
            _px(HEIGHT - TOP - BOTTOM),
            colour,
            f"{name}: {words(value)}",
        )
        for n, (name, value) in enumerate(zip(names, one.values, strict=True))
    ]
    return Trace(path, area, colour, one.label, dots)


ROW = 38


def rows(
    title: str,
    names: Sequence[str],
    series: Sequence[Series],
    *,
    words: Callable[[Number], str] = str,
    corner: str = "",
) -> Chart:
    """Lying bars, one row a name with its sum behind it, the series of a row stacked: for things rather than days."""
    series = series[:COLOURS]
    sums = [sum((one.values[n] for one in series), start=0) for n in range(len(names))]
    plot = _Plot(1, 1, whole=False)
    room = WIDTH - 130.0
    largest = float(max(sums, default=0)) or 1.0
    marks, labels = [], []
    begin, end = ("end", "start") if plot.rtl else ("start", "end")
    for n, name in enumerate(names):
        labels.append(Label(plot.left(0), _px(n * ROW + 14), name, begin))
        labels.append(Label(plot.left(WIDTH), _px(n * ROW + 31), words(sums[n]), end))
        x = 0.0
        for colour, one in enumerate(series, 1):
            width = float(one.values[n]) / largest * room
            if width <= 0:
                continue
            label = (
                f"{name}: {words(one.values[n])}"
                if len(series) == 1
                else f"{name}, {one.label}: {words(one.values[n])}"
            )
            marks.append(Mark(plot.left(x, width), _px(n * ROW + 20), _px(width), "12", colour, label))
            x += width
    return Chart(
        title, [corner, *(one.label for one in series)], _table(names, series, words), _legend(series),
        height=max(ROW, len(names) * ROW), marks=marks, labels=labels,
    )  # fmt: skip


def sparkline(values: Sequence[Number]) -> str:
    """The path of a small line, in a box of 100 × 24; empty for fewer than two values."""
    if len(values) < 2:
        return ""
    rtl = get_language_bidi()
    largest = float(max(values)) or 1.0
    step = 100 / (len(values) - 1)
    places = ((100 - n * step if rtl else n * step, 22 - float(value) / largest * 20) for n, value in enumerate(values))
    return "M" + " L".join(f"{_px(x)} {_px(y)}" for x, y in places)


def _px(number: float) -> str:
    """A position for an attribute: a point as decimal sign whatever the language."""
    return f"{number:.1f}".removesuffix(".0")


def _table(names: Sequence[str], series: Sequence[Series], words: Callable[[Number], str]) -> list[list[str]]:
    return [[name, *(words(one.values[n]) for one in series)] for n, name in enumerate(names)]


def _legend(series: Sequence[Series]) -> list[tuple[int, str]]:
    """Nothing is explained where there is one series: the title does."""
    return [(colour, one.label) for colour, one in enumerate(series, 1)] if len(series) > 1 else []


def top_series(
    values: dict[str, dict[Any, Number]], points: Sequence[Any], *, rest: str, most: int = COLOURS
) -> list[Series]:
    """Series of the largest names; what is beyond `most` becomes one series named `rest`, so that the sums stay whole."""
    ranked = sorted(values, key=lambda name: (-sum(values[name].values()), name))
    shown, others = (ranked, []) if len(ranked) <= most else (ranked[: most - 1], ranked[most - 1 :])
    series = [Series(name, [values[name].get(point, 0) for point in points]) for name in shown]
    if others:
        series.append(Series(rest, [sum((values[name].get(point, 0) for name in others), start=0) for point in points]))
    return series
