"""Data of a given size, in a database of its own for each size, kept for the next run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from core.actors import Actor
from core.addresses import Address
from core.models import Place, Shop
from inventory.models import Location, Product, Variant
from inventory.operations import Move, apply_moves
from orders.models import Channel

ACTOR = Actor.system("bench")
VARIANTS = 1000
LOCATIONS = 10


def use_database(name: str, fill: Callable[[], None]) -> None:
    """Point this process at a database of its own, a copy of the migrated one; `fill` puts data in when it is new.

    It is kept for the next run. A database whose filling broke off, or whose tables have changed since, is made anew.
    """
    base = settings.DATABASES["default"]["NAME"].partition("_bench_")[0]  # an earlier call has changed it
    full = f"{base}_bench_{name}"
    connection.settings_dict["NAME"] = base
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM django_migrations")
        version = str(cursor.fetchone()[0])
        cursor.execute("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [full])
        row = cursor.fetchone()
    fresh = row is None or row[0] != version
    if fresh:
        _in_maintenance(f'DROP DATABASE IF EXISTS "{full}"', f'CREATE DATABASE "{full}" TEMPLATE "{base}"')
    connection.close()
    connection.settings_dict["NAME"] = full
    if fresh:
        fill()
        with connection.cursor() as cursor:
            cursor.execute(f"COMMENT ON DATABASE \"{full}\" IS '{version}'")


def _in_maintenance(*statements: str) -> None:
    """Run statements beside the databases they are about: a template must have no connection."""
    connection.close()
    connection.settings_dict["NAME"] = "postgres"
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def make_shop(*, locations: int = LOCATIONS, variants: int = VARIANTS, units: int = 10_000_000, now: datetime) -> None:
    """A shop with stock of everything everywhere."""
    Shop.objects.update_or_create(id=1, defaults={"name": "Bench", "time_zone": "Europe/Warsaw"})
    for name, currency in (("Web store", "EUR"), ("Allegro", "PLN"), ("Rare channel", "EUR")):
        Channel.objects.create(name=name, currency=currency)
    Location.objects.bulk_create(
        Location(
            name=f"Location {n}", code=f"L{n}", country=("PL", "DE", "TR", "FR")[n % 4], latitude=40 + n * 20 / locations,
            longitude=10 + n * 20 / locations, time_zone="Europe/Warsaw", rank=n,
            address=Address(f"Location {n}", "", "ul. Magazynowa 12", "", "Warszawa", "", "02-652", "PL").to_json(),
        )
        for n in range(locations)
    )  # fmt: skip
    Place.objects.create(country="PL", key="krakow", latitude=50.06, longitude=19.94)
    product = Product.objects.create(handle="bench", title="Bench")
    Variant.objects.bulk_create(
        Variant(
            product=product,
            sku=f"SKU-{n:05d}",
            title=f"Bench item {n}",
            price=10,
            weight_grams=300,
            search_text=f"sku {n:05d} sku{n:05d}",
        )
        for n in range(variants)
    )
    ids = list(Location.objects.values_list("pk", flat=True))
    with transaction.atomic():
        moves = [
            Move(variant, location, "on_hand", units, "received")
            for variant in Variant.objects.values_list("pk", flat=True)
            for location in ids
        ]
        apply_moves(moves, cause="bench:stock", actor=ACTOR, now=now, announce=False)


_ORDERS = """
    INSERT INTO orders_order (channel_id, external_id, number, token, customer_id, customer_name, email, phone, language, shipping_address, billing_address,
        ship_country, shipping_method, currency, subtotal, discount_total, shipping_total, tax_total, tax_included, adjustment_total,
        total, cancelled_total, authorized_total, captured_total, refunded_total, lifecycle, payment, fulfillment, delivery, "returning",
        payment_voided, parcels, parcels_out_for_delivery, parcels_delivered, parcels_exception, returns_in_progress, needs_routing,
        backordered, on_hold, archived, historic, tags, customer_note, version, placed_at, ship_by, search_text)
    SELECT (SELECT min(id) FROM orders_channel) + CASE WHEN g %% 1000 = 0 THEN 2 ELSE g %% 2 END, 'ext-' || g, '#' || (100000 + g), md5('t' || g), NULL,
        n.first || ' ' || n.last, lower(n.first) || g || '@example.com', '', 'en',
        jsonb_build_object('name', n.first || ' ' || n.last, 'line1', 'Street ' || g, 'city', 'Warszawa', 'postal_code', '00-001', 'country', 'PL'), '{}',
        (ARRAY['PL', 'DE', 'TR', 'FR'])[1 + g %% 4], 'Standard', 'EUR', 20 + g %% 400, 0, 5, 0, false, 0, 25 + g %% 400, 0, 0, 25 + g %% 400, 0,
        CASE WHEN g > %(size)s * 0.98 THEN 'open' ELSE 'completed' END, 'paid', CASE WHEN g > %(size)s * 0.98 THEN 'unfulfilled' ELSE 'fulfilled' END,
        CASE WHEN g > %(size)s * 0.98 THEN 'not_shipped' ELSE 'delivered' END, 'none', false, CASE WHEN g > %(size)s * 0.98 THEN 0 ELSE 1 END, 0,
        CASE WHEN g > %(size)s * 0.98 THEN 0 ELSE 1 END, 0, 0, false, g > %(size)s * 0.98 AND g %% 50 = 0, g > %(size)s * 0.98 AND g %% 40 = 0, false, false,
        CASE WHEN g %% 25 = 0 THEN ARRAY['vip']::varchar[] ELSE ARRAY[]::varchar[] END, '', 1, %(now)s::timestamptz - (%(size)s - g) * interval '3 minutes',
        %(now)s::timestamptz - (%(size)s - g) * interval '3 minutes' + interval '1 day',
        (100000 + g) || ' ' || lower(n.first) || ' ' || lower(n.last) || ' ' || lower(n.first) || g || ' example com sku '
            || lpad((g %% 1000)::text, 5, '0') || ' sku' || lpad((g %% 1000)::text, 5, '0')
      FROM generate_series(1, %(size)s) g,
           LATERAL (SELECT (ARRAY['Zofia', 'Jan', 'Ayse', 'Emma', 'Lukasz', 'Maryam', 'Chris', 'Lena'])[1 + g %% 8] AS first,
                           (ARRAY['Kowalska', 'Weber', 'Yildiz', 'Ahmadi', 'Hughes', 'Okafor', 'Nowak'])[1 + g %% 7] || ' ' || (g %% 997) AS last) n
"""
_LINES = """
    INSERT INTO orders_orderline (order_id, position, variant_id, sku, title, requires_shipping, unit_price, discount, tax, weight_grams, ordered, cancelled,
        backordered, allocated, picked, packed, shipped, delivered, return_requested, returned, refunded)
    SELECT o.id, k, v.id, v.sku, v.title, true, CASE k WHEN 1 THEN o.subtotal - 10 ELSE 10 END, 0, 0, 300, 1, 0, 0, 1,
           d.done, d.done, d.done, d.done, 0, 0, 0
      FROM orders_order o CROSS JOIN generate_series(1, 2) k, LATERAL (SELECT CASE WHEN o.lifecycle = 'open' THEN 0 ELSE 1 END AS done) d,
           LATERAL (SELECT min(id) + (o.id * k) %% 1000 AS id FROM inventory_variant) x JOIN inventory_variant v ON v.id = x.id
"""
_WORK = """
    INSERT INTO fulfillment_fulfillmentorder (order_id, location_id, number, state, service, units, first_bin, ship_by, created_at, has_label, assigned_to,
        state_by, state_by_label, state_at, version)
    SELECT o.id, (SELECT min(id) FROM inventory_location) + o.id %% 10, 'F' || o.id || '-1', 'open', 'standard', 2, '', o.ship_by, o.placed_at, false, '', 'system:bench',
           'bench', o.placed_at, 1 FROM orders_order o WHERE o.lifecycle = 'open' AND NOT o.on_hold
"""


def make_orders(size: int, *, now: datetime) -> None:
    """`size` orders of two lines by plain SQL, the newest 2 % of them open."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ORDERS, {"size": size, "now": now})
        cursor.execute(_LINES, [])
        cursor.execute(_WORK, [])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
