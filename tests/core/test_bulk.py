"""Rows in bulk: JSON that PostgreSQL takes, and few rows in one message."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bulk import copy_rows, one_trip, to_json
from core.models import Place, PostalArea

TEXTS = st.text() | st.sampled_from(["\\u0000", "\x00", "\\\x00", "\\\\u0000\x00", '"\\'])


@given(st.dictionaries(TEXTS, TEXTS | st.integers(-(2**53), 2**53) | st.lists(TEXTS)))
def test_json_is_what_it_was_without_nul(value):
    def without_nul(thing):
        if isinstance(thing, str):
            return thing.replace("\x00", "")
        return [without_nul(item) for item in thing] if isinstance(thing, list) else thing

    text = to_json(value)
    assert "\x00" not in text
    assert json.loads(text) == {without_nul(key): without_nul(item) for key, item in value.items()}


@pytest.mark.django_db
@pytest.mark.parametrize("count", [0, 1, 20, 21])
def test_few_and_many_rows_arrive_all_the_same(count):
    rows = [("PL", f"50% of 'x' {n}; --", 1.5, 2.5, n) for n in range(count)]
    with one_trip():
        copy_rows(Place, ("country", "key", "latitude", "longitude", "population"), rows)
        copy_rows(PostalArea, ("country", "prefix", "latitude", "longitude"), [("PL", "00", 1.0, 2.0)])
    stored = Place.objects.order_by("population").values_list("country", "key", "latitude", "longitude", "population")
    assert list(stored) == rows and PostalArea.objects.count() == 1


@pytest.mark.django_db
def test_nothing_is_sent_when_the_block_fails():
    with pytest.raises(ZeroDivisionError), one_trip():  # noqa: PT012
        copy_rows(PostalArea, ("country", "prefix", "latitude", "longitude"), [("PL", "00", 1.0, 2.0)])
        raise ZeroDivisionError
    assert PostalArea.objects.count() == 0
