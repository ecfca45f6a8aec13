"""Stock at scale: changing it against the same rows by plain SQL, and its pages over millions of levels and ledger rows."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.models import User
from core.permissions import Role
from inventory.models import Location, StockLevel, StockMovement, Variant
from inventory.operations import Claim, adjust_stock, reserve
from inventory.operations.levels import Move, apply_moves
from inventory.operations.snapshots import take_snapshots
from inventory.time_travel import counts_at
from oms.bench.data import ACTOR, make_shop, use_database
from oms.bench.measuring import Figure, Meter, repeat

LOCATIONS = 20
#: Ledger rows of each level, and of the one that moves all day.
ROWS_EACH = 5
ROWS_OF_THE_BUSIEST = 100_000
DAYS = 365
RECEIVED_AT_ONCE = 100
_serial = itertools.count(1)

_VARIANTS = """
    INSERT INTO inventory_variant (product_id, sku, title, options, barcode, price, weight_grams, hs_code, origin_country, requires_shipping, active, search_text)
    SELECT (SELECT min(id) FROM inventory_product), 'BIG-' || lpad(g::text, 6, '0'), 'Bench item ' || g, '{}', '', 10, 300, '', '', true, true,
           'big ' || lpad(g::text, 6, '0') || ' bench item ' || g
      FROM generate_series(1, %s) g
"""
_LEVELS = """
    INSERT INTO inventory_stocklevel (variant_id, location_id, on_hand, bin)
    SELECT v.id, l.id, 100, 'A-' || v.id %% 100 FROM inventory_variant v, inventory_location l WHERE v.sku LIKE 'BIG-%%'
"""
#: A receipt of 100 units, then pairs of rows that promise a unit and give it back, spread over a year and written in the order of time.
_LEDGER = """
    INSERT INTO inventory_stockmovement (variant_id, location_id, bucket, quantity, reason, cause, note, actor, at)
    SELECT s.variant_id, s.location_id, CASE k WHEN 1 THEN 'on_hand' ELSE 'reserved' END, CASE WHEN k = 1 THEN 100 WHEN k %% 2 = 0 THEN 1 ELSE -1 END,
           CASE WHEN k = 1 THEN 'received' WHEN k %% 2 = 0 THEN 'reserved' ELSE 'released' END, 'order:' || (s.id * 7 + k / 2), '', 'system:bench',
           %(now)s::timestamptz - make_interval(days => %(days)s) + make_interval(secs => ((k - 1) * 86400.0 * %(days)s / %(rows)s + s.id %% 86400))
      FROM generate_series(1, %(rows)s) k, inventory_stocklevel s JOIN inventory_variant v ON v.id = s.variant_id
     WHERE v.sku LIKE 'BIG-%%' AND (k = 1 OR v.sku <> 'BIG-000001')
"""
_BUSIEST = """
    INSERT INTO inventory_stockmovement (variant_id, location_id, bucket, quantity, reason, cause, note, actor, at)
    SELECT %(variant)s, %(location)s, 'reserved', CASE WHEN g %% 2 = 1 THEN 1 ELSE -1 END, CASE WHEN g %% 2 = 1 THEN 'reserved' ELSE 'released' END,
           'order:' || g / 2, '', 'system:bench', %(now)s::timestamptz - make_interval(secs => (%(rows)s - g + 1) * 86400.0 * %(days)s / %(rows)s)
      FROM generate_series(1, %(rows)s) g
"""


def bench_stock(meter: Meter, size: int, now: datetime) -> list[Figure]:
    """Adjust, reserve and receive; then the pages at `size` variants × 20 locations and a ledger of 100 × size rows; then 1,000 locations."""
    return [*_changing(meter, now), *_pages(meter, size, now), *_many_locations(meter, now)]


# ---- changing --------------------------------------------------------------------------------------------------------


def _changing(meter: Meter, now: datetime) -> list[Figure]:
    use_database("ingest", lambda: make_shop(now=now))
    chance = random.Random(4)
    keys = list(StockLevel.objects.order_by("pk").values_list("variant_id", "location_id")[:5000])
    picked = [chance.choice(keys) for _n in range(300)]
    carts = [chance.sample(keys, 3) for _n in range(300)]
    deliveries = [chance.sample(keys, RECEIVED_AT_ONCE) for _n in range(20)]
    adjusted = meter.run("stock: adjust one level", [_adjusting(key, now) for key in picked])
    reserved = meter.run("stock: reserve 3 SKUs", [_reserving(cart, now) for cart in carts])
    received = meter.run(
        f"stock: receive {RECEIVED_AT_ONCE} SKUs at once, a SKU",
        [_receiving(delivery, now) for delivery in deliveries],
        per_call=RECEIVED_AT_ONCE,
    )
    return [
        adjusted.against(meter.run("raw", [_raw([key], "on_hand", now) for key in picked])),
        reserved.against(meter.run("raw", [_raw(cart, "reserved", now, owners=True) for cart in carts])),
        received.against(
            meter.run("raw", [_raw(one, "on_hand", now) for one in deliveries], per_call=RECEIVED_AT_ONCE)
        ),
    ]


def _adjusting(key: tuple[int, int], now: datetime) -> Callable[[], object]:
    return lambda: adjust_stock(variant_id=key[0], location_id=key[1], quantity=1, reason="found", actor=ACTOR, now=now)


def _reserving(cart: Sequence[tuple[int, int]], now: datetime) -> Callable[[], object]:
    def act() -> None:
        n = next(_serial)
        with transaction.atomic():
            claims = [Claim(*key, f"bench:{now:%H%M%S%f}-{n}-{i}", 1) for i, key in enumerate(cart)]
            reserve(claims, cause="bench:reserve", actor=ACTOR, now=now)

    return act


def _receiving(keys: Sequence[tuple[int, int]], now: datetime) -> Callable[[], object]:
    def act() -> None:
        with transaction.atomic():
            moves = [Move(*key, "on_hand", 1, "received") for key in keys]
            apply_moves(moves, cause="bench:receive", actor=ACTOR, now=now)

    return act


def _raw(keys: Sequence[tuple[int, int]], bucket: str, now: datetime, *, owners: bool = False) -> Callable[[], object]:
    """The same rows by plain SQL: the levels, the ledger and, for a promise, the reservations."""
    columns = [[key[0] for key in keys], [key[1] for key in keys]]
    keyed = "unnest(%s::bigint[], %s::bigint[]) AS k (variant_id, location_id)"

    def act() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE inventory_stocklevel s SET {bucket} = s.{bucket} + 1 FROM {keyed}"
                " WHERE s.variant_id = k.variant_id AND s.location_id = k.location_id",
                columns,
            )
            cursor.execute(
                "INSERT INTO inventory_stockmovement (variant_id, location_id, bucket, quantity, reason, cause, note, actor, at)"
                f" SELECT k.*, '{bucket}', 1, 'found', 'bench:raw', '', 'system:bench', %s FROM {keyed}",
                [now, *columns],
            )
            if owners:
                cursor.execute(
                    "INSERT INTO inventory_reservation (variant_id, location_id, owner, quantity, created_at)"
                    f" SELECT k.*, %s || row_number() OVER (), 1, %s FROM {keyed}",
                    [f"raw:{now:%H%M%S%f}-{next(_serial)}-", now, *columns],
                )

    return act


# ---- pages -----------------------------------------------------------------------------------------------------------


def _pages(meter: Meter, size: int, now: datetime) -> list[Figure]:
    use_database(f"stock_{size}", lambda: _fill(size, now))
    browser = _browser()
    busiest = StockLevel.objects.filter(variant__sku="BIG-000001").order_by("location_id")[0]
    place = Location.objects.order_by("pk").values_list("pk", flat=True)[0]
    stock, level = reverse("stock"), reverse("stock-level", args=[busiest.pk])
    then = (now - timedelta(days=100)).strftime("%Y-%m-%dT%H:%M")
    since = (now - timedelta(days=101)).strftime("%Y-%m-%dT%H:%M")
    rows = StockMovement.objects.count()
    shown = [
        ("page 1", stock, f"{size * LOCATIONS:,} levels"),
        ("one SKU", f"{stock}?sku=BIG-000777", ""),
        ("one location", f"{stock}?location={place}", ""),
        ("search", f"{stock}?q=big-0007", ""),
        ("out of stock", f"{stock}?tab=out", ""),
        ("page 1 as it was 100 days ago", f"{stock}?at={then}", f"{rows:,} ledger rows"),
        ("a level with 100,000 ledger rows", level, ""),
        ("that level as it was", f"{level}?at={then}", ""),
        ("that level, what a day did to it", f"{level}?since={since}&at={then}", ""),
        ("what a day did to a location", f"{reverse('stock-changes')}?since={since}&at={then}&location={place}", ""),
    ]
    figures = [meter.run(f"stock: {name}", repeat(_get(browser, url), 30), note=note) for name, url, note in shown]
    key = (busiest.variant_id, busiest.location_id)
    moment = now - timedelta(days=100)
    asked = meter.run("stock: counts of the busiest level at a moment", repeat(lambda: counts_at([key], moment), 100))
    scan = meter.run("raw", repeat(lambda: _scan(key, moment), 20))
    return [*figures, asked.against(scan)]


def _fill(size: int, now: datetime) -> None:
    make_shop(locations=LOCATIONS, variants=1, units=100, now=now)
    values = {"now": now, "days": DAYS, "rows": ROWS_EACH}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # no marks for rows that nobody follows
        cursor.execute(_VARIANTS, [size])
        cursor.execute(_LEVELS, [])
        cursor.execute(_LEDGER, values)
        variant = Variant.objects.get(sku="BIG-000001").pk
        location = StockLevel.objects.filter(variant_id=variant).order_by("location_id")[0].location_id
        cursor.execute(_BUSIEST, values | {"variant": variant, "location": location, "rows": ROWS_OF_THE_BUSIEST})
    take_snapshots(now=now)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _scan(key: tuple[int, int], moment: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bucket, sum(quantity) FROM inventory_stockmovement WHERE variant_id = %s AND location_id = %s AND at <= %s GROUP BY 1",
            [*key, moment],
        )
        cursor.fetchall()


def _many_locations(meter: Meter, now: datetime) -> list[Figure]:
    """One SKU at 1,000 locations, and how many statements its pages take with ten rows and with a thousand."""
    use_database("stock_wide", lambda: make_shop(locations=1000, variants=20, units=50, now=now))
    browser = _browser()
    variant = Variant.objects.order_by("pk")[0]
    product = reverse("product", args=[variant.product_id])
    wide = f"{reverse('stock')}?sku={variant.sku}"
    few = f"{reverse('stock')}?sku={variant.sku}&bin=none"
    note = f"{_statements(browser, wide)} statements with 1,000 rows, {_statements(browser, few)} with none"
    return [
        meter.run("stock: one SKU at 1,000 locations", repeat(_get(browser, wide), 30), note=note),
        meter.run("stock: product page, 20 SKUs × 1,000 locations", repeat(_get(browser, product), 5)),
    ]


def _statements(browser: Client, url: str) -> int:
    browser.get(url)
    with CaptureQueriesContext(connection) as asked:
        browser.get(url)
    return len(asked)


def _browser() -> Client:
    user, _created = User.objects.get_or_create(username="bench", defaults={"role": Role.OWNER})
    browser = Client()
    browser.force_login(user)
    return browser


def _get(client: Client, url: str) -> Callable[[], None]:
    def call() -> None:
        response = client.get(url)
        if response.status_code != 200:
            raise RuntimeError(f"{url}: {response.status_code}")

    return call
