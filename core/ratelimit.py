"""Rate limits that hold in every process and without Redis: one counting row per key, raised by one atomic statement."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from core.models import RateCount

_HIT = """
    INSERT INTO core_ratecount AS c (key, window_start, hits) VALUES (%s, %s, 1)
    ON CONFLICT (key) DO UPDATE
       SET hits = CASE WHEN c.window_start = EXCLUDED.window_start THEN c.hits + 1 ELSE 1 END,
           window_start = EXCLUDED.window_start
    RETURNING hits
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` hits for one key in each window; windows begin at multiples of their length since 1970."""

    name: str
    most: int
    window: timedelta

    def start_of(self, now: datetime) -> datetime:
        seconds = int(self.window.total_seconds())
        return now - timedelta(seconds=now.timestamp() % seconds)


def hit(limit: Limit, key: str, *, now: datetime) -> bool:
    """Count one attempt for `key`; False when it is one too many. Concurrent attempts are counted one after the other.

    Call it outside a transaction that may be rolled back: a refused attempt counts too. Only a keyed hash of the key is stored.
    """
    digest = salted_hmac(f"ratelimit.{limit.name}", key, algorithm="sha256").hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(_HIT, [digest, limit.start_of(now).replace(microsecond=0)])
        (hits,) = cursor.fetchone()
    return hits <= limit.most


def client_network(request: HttpRequest) -> str:
    """Who asks, as far as the network tells: an IPv4 address, or the /64 of an IPv6 address (one household, one machine).

    Behind a proxy of our own the last entry of X-Forwarded-For is the one it added; anything before it may be invented.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_PROXY:
        address = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or address
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:60]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def prune(*, now: datetime, keep: timedelta = timedelta(days=1)) -> int:
    """Delete counts of windows long past; the number deleted."""
    deleted, _by_model = RateCount.objects.filter(window_start__lt=now - keep).delete()
    return deleted
