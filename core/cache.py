"""A Redis cache that forgets when Redis is away, instead of taking the page down with it."""

from __future__ import annotations

import functools
import logging
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


def _forgiving(name: str, answer: Any) -> Any:
    original = getattr(RedisCache, name)

    @functools.wraps(original)
    def method(self: RedisCache, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(self, *args, **kwargs)
        except (RedisError, OSError) as error:
            log.warning("cache unavailable: %s", type(error).__name__)
            if name == "get":
                return kwargs.get("default", args[1] if len(args) > 1 else None)
            return answer

    return method


class ForgivingRedisCache(RedisCache):
    """Misses on every read and drops every write while Redis cannot be reached."""

    get = _forgiving("get", None)
    get_many = _forgiving("get_many", {})
    set = _forgiving("set", None)
    set_many = _forgiving("set_many", [])
    add = _forgiving("add", True)
    touch = _forgiving("touch", False)
    delete = _forgiving("delete", False)
    delete_many = _forgiving("delete_many", None)
    has_key = _forgiving("has_key", False)
    incr = _forgiving("incr", 1)
    clear = _forgiving("clear", False)
