"""The rate limit: counts in every process at once, forgets after its window, needs no Redis."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import RequestFactory, override_settings

from core.models import RateCount
from core.ratelimit import Limit, client_network, hit, prune
from tests.factories.shop import NOW

FIVE = Limit("test", 5, timedelta(hours=1))


@pytest.mark.django_db
class TestLimit:
    def test_it_allows_so_many_and_then_no_more(self) -> None:
        assert [hit(FIVE, "a", now=NOW) for _ in range(7)] == [True] * 5 + [False] * 2

    def test_keys_and_limits_are_apart(self) -> None:
        other = Limit("other", 1, timedelta(hours=1))
        assert hit(other, "a", now=NOW)
        assert hit(other, "b", now=NOW)
        assert not hit(other, "a", now=NOW)
        assert hit(FIVE, "a", now=NOW)

    def test_a_new_window_begins_anew(self) -> None:
        for _ in range(6):
            hit(FIVE, "a", now=NOW)
        assert hit(FIVE, "a", now=NOW + timedelta(hours=1))

    def test_who_tried_what_is_not_kept(self) -> None:
        hit(FIVE, "zofia@example.com", now=NOW)
        assert "zofia" not in RateCount.objects.get().key

    def test_old_counts_are_forgotten(self) -> None:
        hit(FIVE, "a", now=NOW)
        assert prune(now=NOW + timedelta(hours=2)) == 0
        assert prune(now=NOW + timedelta(days=2)) == 1


def test_it_holds_in_twenty_threads(committed: None, threads) -> None:
    assert sum(threads(20, lambda i: hit(FIVE, "a", now=NOW))) == 5


@pytest.mark.parametrize(
    ("meta", "behind", "expected"),
    [
        ({"REMOTE_ADDR": "192.0.2.7"}, False, "192.0.2.7"),
        ({"REMOTE_ADDR": "192.0.2.7", "HTTP_X_FORWARDED_FOR": "198.51.100.1"}, False, "192.0.2.7"),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.9, 198.51.100.1"}, True, "198.51.100.1"),
        ({"REMOTE_ADDR": "2001:db8:1:2:3:4:5:6"}, False, "2001:db8:1:2::/64"),
        ({"REMOTE_ADDR": "::ffff:192.0.2.7"}, False, "192.0.2.7"),
        ({"REMOTE_ADDR": "somewhere"}, False, "somewhere"),
    ],
)
def test_an_invented_address_does_not_help(meta: dict[str, str], behind: bool, expected: str) -> None:
    with override_settings(BEHIND_PROXY=behind):
        assert client_network(RequestFactory().get("/", **meta)) == expected
