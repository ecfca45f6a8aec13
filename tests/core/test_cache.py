"""The cache forgets when Redis is away, and never takes a page down with it."""

from __future__ import annotations

import pytest

from core.cache import ForgivingRedisCache


@pytest.fixture
def nowhere() -> ForgivingRedisCache:
    return ForgivingRedisCache("unix:///nowhere/redis.sock", {"OPTIONS": {"socket_timeout": 1}})


def test_every_read_misses_and_every_write_is_dropped(nowhere):
    assert nowhere.get("a") is None and nowhere.get("a", 7) == 7 and nowhere.get_many(["a"]) == {}
    nowhere.set("a", 1)
    assert nowhere.set_many({"a": 1}) == [] and nowhere.add("a", 1) is True
    assert not nowhere.has_key("a") and not nowhere.delete("a")
    assert nowhere.get_or_set("a", lambda: 5) == 5
    nowhere.clear()
