"""The parts of the list machine by themselves: cursors, counts, cells, files, declarations."""

from __future__ import annotations

import csv
import io
import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import django_tables2 as tables
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.signing import Signer
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import badges
from core.formulas import plain_text, safe_text
from core.listing import ListPage, Sort, columns
from core.listing.counting import Count, count_capped, count_many
from core.listing.export import csv_lines
from core.listing.keyset import BadCursor, Keyset
from core.listing.rows import draw_body, specs_of
from core.models import Job, Place

HOSTILE = "<b onclick=\"x('y')\">&amp; ‮"


# ---- cursors ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@given(populations=st.lists(st.integers(0, 3), max_size=12), size=st.integers(1, 5), desc=st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_forth_and_back_are_the_ordered_rows_in_pieces(populations: list[int], size: int, desc: bool) -> None:
    Place.objects.all().delete()
    Place.objects.bulk_create(
        Place(country="PL", key=f"k{i}", latitude=0, longitude=0, population=n) for i, n in enumerate(populations)
    )
    keyset = Keyset(("population", "id"), desc=desc)
    expected = sorted(((row.population, row.pk) for row in Place.objects.all()), reverse=desc)
    pages = [keyset.page(Place.objects.all(), size=size)]
    while pages[-1].next:
        pages.append(keyset.page(Place.objects.all(), size=size, after=pages[-1].next))
    seen = [(row.population, row.pk) for page in pages for row in page.rows]
    assert seen == expected
    assert pages[0].previous is None
    for earlier, later in itertools.pairwise(pages):
        assert keyset.page(Place.objects.all(), size=size, before=later.previous).rows == earlier.rows
    assert [row for batch in keyset.batches(Place.objects.all(), size=size) for row in batch] == [
        r for p in pages for r in p.rows
    ]


@pytest.mark.django_db
def test_the_next_page_is_asked_for_by_row_comparison() -> None:
    Place.objects.bulk_create(Place(country="PL", key=f"k{n}", latitude=0, longitude=0, population=n) for n in range(3))
    keyset = Keyset(("population", "id"), desc=True)
    first = keyset.page(Place.objects.all(), size=1)
    with CaptureQueriesContext(connection) as queries:
        keyset.page(Place.objects.all(), size=1, after=first.next)
    sql = queries[0]["sql"]
    assert '("core_place"."population", "core_place"."id") < (' in sql
    assert " OR " not in sql


@pytest.mark.parametrize(
    "value",
    [
        "text ’",
        2**70,
        -1,
        True,
        Decimal("1.2300"),
        date(2026, 11, 21),
        datetime(2026, 11, 21, 9, 14, 3, 250, tzinfo=UTC),
        uuid4(),
    ],
)
def test_a_cursor_keeps_the_value_and_the_type_of_its_key(value: Any) -> None:
    keyset = Keyset(("key", "id"))
    assert keyset._read(keyset.cursor(SimpleNamespace(key=value, id=7))) == (value, 7)
    assert type(keyset._read(keyset.cursor(SimpleNamespace(key=value, id=7)))[0]) is type(value)


def test_no_cursor_stands_at_a_missing_value() -> None:
    with pytest.raises(TypeError, match="NOT NULL"):
        Keyset(("key", "id")).cursor(SimpleNamespace(key=None, id=1))


@pytest.mark.parametrize("salt", ["core.listing.keyset", "elsewhere"])
@pytest.mark.parametrize(
    "content",
    [[], ["key,id"], ["key,id", ["i", 1], ["?", 2]], ["key,id", 1, 2], ["-key,id", ["i", 1], ["i", 2]], "key"],
)
def test_whatever_was_not_made_for_this_order_is_a_bad_cursor(content: Any, salt: str) -> None:
    with pytest.raises(BadCursor):
        Keyset(("key", "id"))._read(Signer(salt=salt).sign_object(content))


@given(st.text(max_size=1200))
def test_any_text_is_a_bad_cursor(text: str) -> None:
    with pytest.raises(BadCursor):
        Keyset(("key", "id"))._read(text)


# ---- counts ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_many_counts_take_one_statement_and_stop_at_the_cap() -> None:
    Place.objects.bulk_create(
        Place(country="PL" if n % 2 else "TR", key=f"%s{n}", latitude=0, longitude=0) for n in range(9)
    )
    rows = Place.objects.order_by("key")
    with CaptureQueriesContext(connection) as queries:
        counts = count_many([rows, rows.none(), rows.filter(country="PL"), rows.filter(key__contains="%")], cap=5)
    assert counts == [Count(5, capped=True), Count(0), Count(4), Count(5, capped=True)]
    assert len(queries) == 1
    assert count_capped(rows, cap=9) == Count(9)
    assert count_many([rows.none()]) == [Count(0)]


def test_a_count_is_written_as_people_write_it() -> None:
    assert str(Count(1000, capped=True)) == "1,000+"
    with translation.override("pl"):
        assert str(Count(12408)) == "12\xa0408"


# ---- cells -----------------------------------------------------------------------------------------------------------

badges.register("test.parts", {"good": ("ok", "Good <i>")})


class PartsTable(tables.Table):
    lead = columns.TextColumn()
    text = columns.TextColumn(accessor="owner.name")
    link = columns.LinkColumn("anything", accessor="lead", arg="lead")
    badge = columns.BadgeColumn("test.parts")
    number = columns.NumberColumn(suffix=HOSTILE)
    money = columns.MoneyColumn()
    moment = columns.TimeColumn()
    day = columns.DateColumn()
    tags = columns.TagsColumn()
    flag = columns.BooleanColumn()
    foreign = tables.Column(accessor="lead")

    def render_own(self, value: str) -> str:
        return value

    own = columns.TextColumn(accessor="lead")


def record(**fields: Any) -> SimpleNamespace:
    moment = datetime(2026, 11, 21, 9, 14, tzinfo=UTC)
    return SimpleNamespace(
        **{
            "pk": HOSTILE, "lead": HOSTILE, "owner": SimpleNamespace(name=HOSTILE), "badge": HOSTILE, "number": 12408,
            "money": Decimal("1240.50"), "currency": "EUR", "moment": moment, "day": date(2026, 11, 21), "tags": [HOSTILE, "vip"], "flag": True,
        } | fields
    )  # fmt: skip


@pytest.mark.urls("tests.core.parts_urls")
def test_every_kind_of_cell_escapes_what_it_shows() -> None:
    specs = list(specs_of(PartsTable).values())
    html = draw_body(specs, [record()], pick_label=HOSTILE, lead="link")
    assert "<b" not in html.replace("<bdi", "")
    assert 'onclick="' not in html
    assert html.count("&lt;b onclick") >= 9


@pytest.mark.urls("tests.core.parts_urls")
def test_missing_values_leave_cells_empty() -> None:
    empty = record(
        lead=None, owner=None, badge=None, number=None, money=None, moment=None, day=None, tags=[], flag=False
    )
    specs = specs_of(PartsTable)
    for spec in specs.values():
        spec.prepare()
        assert spec.cell(empty) in ("", None, "None"), spec.name
    exported = {name: spec.export(empty) for name, spec in specs.items()}
    assert exported["money"] is None
    assert exported["flag"] == "No"


def test_a_misspelt_accessor_is_an_error_and_not_an_empty_column() -> None:
    class Misspelt(tables.Table):
        text = columns.TextColumn(accessor="owner.nmae")

    with pytest.raises(AttributeError):
        specs_of(Misspelt)["text"].cell(record())


@pytest.mark.urls("tests.core.parts_urls")
def test_files_get_plain_values() -> None:
    row = {name: spec.export(record(badge="good")) for name, spec in specs_of(PartsTable).items()}
    assert row["badge"] == "Good <i>"
    assert row["number"] == 12408
    assert row["money"] == Decimal("1240.50")
    assert row["tags"] == f"{HOSTILE}, vip"
    assert row["lead"] == HOSTILE


def test_a_render_method_may_ask_only_for_what_a_lean_row_has() -> None:
    class Asking(tables.Table):
        text = tables.Column()

        def render_text(self, bound_row: Any) -> str:
            return str(bound_row)

    with pytest.raises(TypeError, match="bound_row"):
        specs_of(Asking)


# ---- files -----------------------------------------------------------------------------------------------------------

DANGEROUS = [
    "=1+1",
    "+1",
    "-1",
    "@x",
    "\t=1",
    "\r=1",
    " =1",
    '"=1',
    "'=1",
    "\u00a0=1",
    "＝1",
    "＋1",
    "－1",
    "＠1",
    "\ufeff=1",
    "\n-1",
    "−1",
    "\u200b@x",
]


@pytest.mark.parametrize("text", DANGEROUS)
def test_text_that_begins_like_a_formula_is_made_harmless(text: str) -> None:
    assert safe_text(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Ayşe", "10-20", "a=b", "'quoted'", "مریم", "#10428", "12 −3"])
def test_other_text_is_left_alone(text: str) -> None:
    assert safe_text(text) == text


@given(st.one_of(st.text(), st.text(alphabet="='\"+-@ \t\r\n＝a")))
def test_what_was_exported_can_be_read_back(text: str) -> None:
    assert plain_text(safe_text(text)) == text


@given(
    st.lists(
        st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), min_size=1, max_size=4
    )
)
def test_a_csv_survives_any_text(texts: list[str]) -> None:
    specs = list(specs_of(type("One", (tables.Table,), {"text": columns.TextColumn()})).values())
    data = b"".join(csv_lines(specs, [[SimpleNamespace(text=text) for text in texts]])).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(data, newline="")))
    assert [plain_text(row[0]) for row in rows[1:]] == texts


# ---- declarations ----------------------------------------------------------------------------------------------------


def page_with(**changes: Any) -> ListPage:
    declared = {
        "name": "places", "title": "Places", "permission": "jobs.view", "model": Job, "table_class": PartsTable,
        "sorts": {"created": Sort("created_at")}, "default_sort": "created",
    } | changes  # fmt: skip
    return type("Declared", (ListPage,), declared)()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"permission": "nothing.known"}, "unknown permission"),
        ({"default_sort": "elsewhere"}, "not among its sorts"),
        ({"sorts": {"created": Sort("started_at")}}, "may be NULL"),
        ({"sorts": {"created": Sort("output__created_at")}}, "may be NULL"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused_at_once(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words):
        page_with(**changes).check()


def test_a_filter_may_not_take_a_word_of_the_machine() -> None:
    import django_filters

    named = type("Named", (django_filters.FilterSet,), {"sort": django_filters.CharFilter()})
    with pytest.raises(ImproperlyConfigured, match="sort"):
        page_with(filter_class=named).check()


def test_an_order_always_ends_with_a_unique_column() -> None:
    assert Sort("placed_at").fields == ("placed_at", "id")
    assert Sort("total", "pk").fields == ("total", "pk")


def test_relative_times_name_the_distance_and_far_ones_the_day() -> None:
    from core.formats import relative

    now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    assert relative(now - timedelta(seconds=3), now) == "just now"
    assert relative(now - timedelta(minutes=5), now) == "5 minutes ago"
    assert relative(now + timedelta(hours=2), now) == "in 2 hours"
    assert relative(now - timedelta(days=10), now) == "Nov 11"
    assert relative(now - timedelta(days=400), now) == "Oct 17, 2025"
