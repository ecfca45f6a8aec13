"""Charts: what is drawn adds up, nothing of the data becomes markup, and time runs the reader's way."""

from __future__ import annotations

import itertools
import re
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from django.template.loader import render_to_string
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from reports.charts import BOTTOM, HEIGHT, TOP, WIDTH, Chart, Series, bars, lines, rows, scale_of, sparkline, top_series

NAMES = ["1 Nov", "2 Nov", "3 Nov"]


def drawn(chart: Chart) -> ET.Element:
    html = render_to_string("reports/charts/chart.html", {"chart": chart})
    svg = re.search(r'<svg class="chart".*?</svg>', html, re.S)
    assert svg
    return ET.fromstring(svg[0])


@given(st.decimals(min_value=0, max_value=10**12, places=2))
def test_the_scale_reaches_over_the_largest_value_in_a_few_even_steps(largest: Decimal) -> None:
    top, ticks = scale_of(largest)
    assert top >= largest
    assert 2 <= len(ticks) <= 6
    assert ticks[0] == 0
    assert ticks[-1] == top
    steps = {later - earlier for earlier, later in itertools.pairwise(ticks)}
    assert len(steps) == 1


@given(st.lists(st.lists(st.integers(0, 10_000), min_size=3, max_size=3), min_size=1, max_size=6))
def test_stacked_bars_stand_on_each_other_and_stay_inside(values: list[list[int]]) -> None:
    chart = bars("Orders", NAMES, [Series(f"s{n}", column) for n, column in enumerate(values)])
    by_place: dict[str, float] = {}
    for mark in chart.marks:
        assert float(mark.y) >= TOP - 0.5
        by_place[mark.x] = by_place.get(mark.x, 0.0) + float(mark.height)
    heights = sorted(by_place.values())
    sums = sorted(total for n in range(3) if (total := sum(column[n] for column in values)))
    assert len(heights) == len(sums)
    if sums:
        unit = (HEIGHT - TOP - BOTTOM) / float(scale_of(sums[-1])[0])
        assert heights == pytest.approx([total * unit for total in sums], abs=0.5)


def test_every_bar_tells_its_number_and_the_table_has_them_all() -> None:
    html = render_to_string(
        "reports/charts/chart.html", {"chart": bars("Orders", NAMES, [Series("Orders", [4, 0, 12])])}
    )
    assert "<title>1 Nov: 4</title>" in html
    assert "<title>3 Nov: 12</title>" in html
    assert len(re.findall(r"<rect[^>]*data-hit", html)) == 2, "a day without orders has no bar"
    assert re.findall(r'<td class="num"><bdi>(\d+)</bdi>', html) == ["4", "0", "12"]


@pytest.mark.parametrize("draw", [bars, lines, rows])
def test_names_full_of_markup_are_text(draw: object) -> None:
    evil = '</svg><script>alert(1)</script>"'
    svg = drawn(draw(evil, [evil, "b"], [Series(evil, [1, 2]), Series("x", [2, 1])]))  # type: ignore[operator]
    assert not list(svg.iter("script"))
    assert any(evil in (title.text or "") for title in svg.iter("title"))


@pytest.mark.parametrize("draw", [bars, lines])
def test_time_runs_from_right_to_left_in_persian(draw: object) -> None:
    series = [Series("Orders", [10, 5, 1])]
    left_to_right = draw("Orders", NAMES, series)  # type: ignore[operator]
    with translation.override("fa"):
        mirrored = draw("Orders", NAMES, series)  # type: ignore[operator]
    places = [float(label.x) for label in left_to_right.labels]
    assert [float(label.x) for label in mirrored.labels] == pytest.approx([WIDTH - x for x in places])
    assert {label.anchor for label in mirrored.labels} == {"start", "middle"}


def test_positions_keep_their_decimal_point_in_languages_with_a_comma() -> None:
    with translation.override("pl"):
        svg = drawn(bars("Orders", [str(n) for n in range(7)], [Series("Orders", [1, 2, 3, 4, 5, 6, 7])]))
    for rect in svg.iter("rect"):
        assert all(re.fullmatch(r"-?\d+(\.\d)?", rect.get(name, "")) for name in ("x", "y", "width", "height"))


def test_a_chart_without_anything_says_so() -> None:
    html = render_to_string(
        "reports/charts/chart.html", {"chart": bars("Orders", NAMES, [Series("Orders", [0, 0, 0])])}
    )
    assert "Nothing in this time." in html
    assert '<svg class="chart"' not in html


def test_many_names_become_the_largest_and_the_others_without_losing_a_unit() -> None:
    values = {f"c{n}": {"a": n, "b": 1} for n in range(10)}
    series = top_series(values, ["a", "b"], rest="Others")
    assert [one.label for one in series] == ["c9", "c8", "c7", "c6", "c5", "Others"]
    assert sum(one.values[0] for one in series) == sum(range(10))
    assert sum(one.values[1] for one in series) == 10


def test_a_sparkline_needs_two_values() -> None:
    assert sparkline([3]) == ""
    assert sparkline([0, 4]) == "M0 22 L100 2"
