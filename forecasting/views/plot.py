"""The plots of one series as SVG: geometry here, markup in templates/forecasting/plot.html, numbers below as a table.

Time runs the reader's way: positions are mirrored in right-to-left languages, like all charts (`reports.charts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import ceil
from typing import Any

from babel.dates import format_skeleton
from babel.numbers import format_decimal
from django.utils.translation import get_language_bidi, pgettext
from django.utils.translation import gettext as _

from core.formats import active_locale
from forecasting.engine.reorder import Demand
from reports.charts import Label, Mark, scale_of

WIDTH, HEIGHT = 640, 250
TOP, BOTTOM, AXIS, END = 12, 30, 50, 6
_LABELS = 6


@dataclass(frozen=True, slots=True)
class Step:
    """A day, or seven: what was asked for, or what is expected of it. out: its days without stock."""

    first: date
    days: int
    actual: float | None = None
    out: int = 0
    mean: float = 0.0
    p50: float = 0.0
    p90: float = 0.0
    past: bool = False  # forecast in the past, and what came


@dataclass(slots=True)
class Plot:
    """A drawing with its numbers."""

    title: str
    head: list[str]
    rows: list[list[str]] = field(default_factory=list)
    bars: list[Mark] = field(default_factory=list)
    shades: list[Mark] = field(default_factory=list)
    band: str = ""
    middle: str = ""
    ticks: list[tuple[str, Mark]] = field(default_factory=list)
    hits: list[Mark] = field(default_factory=list)
    grid: list[Mark] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    legend: list[tuple[str, str]] = field(default_factory=list)
    width: int = WIDTH
    height: int = HEIGHT


class _Frame:
    """Slots along the time, a scale up."""

    def __init__(self, slots: int, largest: float) -> None:
        self.rtl = get_language_bidi()
        self.top, self.ticks = scale_of(ceil(largest))
        self.slot = (WIDTH - AXIS - END) / max(1, slots)

    def x(self, place: float, width: float = 0.0) -> str:
        left = AXIS + place * self.slot
        return _px(WIDTH - left - width if self.rtl else left)

    def height(self, value: float) -> float:
        return value / float(self.top) * (HEIGHT - TOP - BOTTOM)

    def y(self, value: float) -> str:
        return _px(HEIGHT - BOTTOM - self.height(value))

    def column(self, n: int, value: float, title: str = "", *, room: float = 0.7) -> Mark:
        """An upright bar in the middle of slot n."""
        width = self.slot * room
        return Mark(
            self.x(n + (1 - room) / 2, width), self.y(value), _px(width), _px(max(0.0, self.height(value))), 1, title
        )

    def whole(self, n: int, title: str = "") -> Mark:
        """All of slot n, from top to bottom."""
        return Mark(self.x(n, self.slot), _px(TOP), _px(self.slot), _px(HEIGHT - TOP - BOTTOM), 1, title)

    def lines(self) -> tuple[list[Mark], list[Label]]:
        grid = [
            Mark(self.x(0, WIDTH - AXIS - END), self.y(float(tick)), _px(WIDTH - AXIS - END), "0", 0, "")
            for tick in self.ticks
        ]
        labels = [
            Label(
                _px(WIDTH - AXIS + 6 if self.rtl else AXIS - 6),
                _px(float(self.y(float(tick))) + 4),
                number(tick),
                "start" if self.rtl else "end",
            )
            for tick in self.ticks
        ]
        return grid, labels

    def below(self, steps: Sequence[Step]) -> list[Label]:
        every = max(1, ceil(len(steps) / _LABELS))
        return [
            Label(self.x(n + 0.5), _px(HEIGHT - 10), day_word(steps[n].first))
            for n in range(every // 2, len(steps), every)
        ]


def history_plot(past: Sequence[Step], future: Sequence[Step], *, weekly: bool) -> Plot:
    """What was asked for, with days without stock marked, then P50 as a line within the band up to P90."""
    steps = [*past, *future]
    frame = _Frame(len(steps), max([1.0, *(step.actual or 0 for step in past), *(step.p90 for step in future)]))
    plot = Plot(
        _("Units a week") if weekly else _("Units a day"),
        [_("Week of") if weekly else _("Day"), _("Asked for"), _("Days without stock"), "P50", "P90"],
        legend=[("chart-1", _("Asked for")), ("chart-4 chart-area", _("Out of stock")), ("chart-2", "P50"), ("chart-2 chart-area", _("up to P90"))],
    )  # fmt: skip
    plot.grid, plot.labels = frame.lines()
    plot.labels += frame.below(steps)
    for n, step in enumerate(past):
        if step.out:
            shade = frame.whole(n)
            plot.shades.append(shade)
        if step.actual:
            plot.bars.append(frame.column(n, step.actual))
        plot.hits.append(frame.whole(n, _said(step)))
    begin = len(past)
    upper = [f"{frame.x(begin + n + 0.5)} {frame.y(step.p90)}" for n, step in enumerate(future)]
    lower = [f"{frame.x(begin + n + 0.5)} {frame.y(0)}" for n in range(len(future))]
    middle = [f"{frame.x(begin + n + 0.5)} {frame.y(step.p50)}" for n, step in enumerate(future)]
    if future:
        plot.band = "M" + " L".join([*upper, *reversed(lower)]) + " Z"
        plot.middle = "M" + " L".join(middle)
    plot.hits += [frame.whole(begin + n, _said(step)) for n, step in enumerate(future)]
    plot.rows = [
        [day_word(step.first, year=True), number(step.actual or 0), number(step.out) if step.out else "", "", ""]
        for step in past
    ] + [[day_word(step.first, year=True), "", "", number(step.p50), number(step.p90)] for step in future]
    return plot


def past_plot(steps: Sequence[Step]) -> Plot:
    """Fortnights of the past: what came as a bar, what had been said of it as two lines across."""
    frame = _Frame(len(steps), max([1.0, *(max(step.actual or 0, step.p90) for step in steps)]))
    plot = Plot(
        _("What was forecast, and what came"),
        [pgettext("day", "From"), _("Came"), "P50", "P90", _("Said by")],
        legend=[("chart-1", _("Came")), ("chart-2", "P50"), ("chart-3", "P90")],
    )
    plot.grid, plot.labels = frame.lines()
    plot.labels += frame.below(steps)
    for n, step in enumerate(steps):
        if step.actual:
            plot.bars.append(frame.column(n, step.actual))
        for css, value in (("chart-2", step.p50), ("chart-3", step.p90)):
            tick = frame.column(n, value, room=0.9)
            plot.ticks.append((css, Mark(tick.x, _px(float(tick.y) - 1.5), tick.width, "3", 2, "")))
        plot.hits.append(
            frame.whole(
                n,
                _("{day}: came {actual}, P50 {p50}, P90 {p90}").format(
                    day=day_word(step.first),
                    actual=number(step.actual or 0),
                    p50=number(step.p50),
                    p90=number(step.p90),
                ),
            )
        )
        plot.rows.append(
            [
                day_word(step.first, year=True), number(step.actual or 0), number(step.p50), number(step.p90),
                _("the forecast of that day") if step.past else _("back-test"),
            ]
        )  # fmt: skip
    return plot


def _said(step: Step) -> str:
    if step.actual is None:
        return _("{day}: P50 {p50}, P90 {p90}").format(
            day=day_word(step.first), p50=number(step.p50), p90=number(step.p90)
        )
    if step.out:
        return _("{day}: {units} asked for, out of stock").format(day=day_word(step.first), units=number(step.actual))
    return _("{day}: {units} asked for").format(day=day_word(step.first), units=number(step.actual))


def steps_of_history(units: dict[date, int], out: set[date], *, until: date, days: int, each: int) -> list[Step]:
    """`days` days before `until` in steps of `each`; the oldest first."""
    steps = []
    for n in range(days // each, 0, -1):
        first = until - timedelta(days=n * each)
        inside = [first + timedelta(days=k) for k in range(each)]
        steps.append(Step(first, each, sum(units.get(day, 0) for day in inside), sum(day in out for day in inside)))
    return steps


def steps_of_forecast(horizon: dict[str, Any], demand: Demand, *, first: date, days: int, each: int) -> list[Step]:
    """`days` days of the horizon in steps of `each`, with the quantiles of each step's sum."""
    steps = []
    for n in range(0, min(days, len(horizon["mean"])) - each + 1, each):
        mean = sum(horizon["mean"][n : n + each])
        p50, p90 = (
            (horizon["p50"][n], horizon["p90"][n]) if each == 1 else demand.quantiles_over(each, [0.5, 0.9], total=mean)
        )
        steps.append(Step(first + timedelta(days=n), each, None, 0, mean, p50, p90))
    return steps


def number(value: Any) -> str:
    """1,240 or 0.3, in the reader's language."""
    return format_decimal(round(float(value), 2), format="#,##0.##", locale=active_locale())


def two_digits(value: float) -> str:
    """0.30: for a column of errors."""
    return format_decimal(value, format="#,##0.00", locale=active_locale())


def day_word(day: date, *, year: bool = False) -> str:
    """“22 Nov”, with its year on demand."""
    return format_skeleton("yMMMd" if year else "MMMd", day, locale=active_locale())


def _px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
