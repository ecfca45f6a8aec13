"""What bundles are made of, and what of them can be promised: reads, each one statement whatever the number of bundles.

What can be promised of a bundle is exact: the least, over its components, of floor(available / units in one bundle). At one
location that many can leave in one parcel; over all locations that many can be promised where an order may be split.
Components that need no shipping limit nothing, and locations that are switched off have nothing to promise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from django.db import connection
from django.db.models import Func, IntegerField, QuerySet

from inventory.models import BundleComponent, Location, Product, Variant


class Component(NamedTuple):
    """A component with what an order line copies of it."""

    variant_id: int
    sku: str
    title: str
    weight_grams: int
    requires_shipping: bool
    price: Decimal
    quantity: int


@dataclass(slots=True)
class BundleStock:
    """What can be promised of a bundle. total: over all locations, None where no component is shipped. places: location id →
    whole bundles that can leave from there together. limits: component (variant id) → whole bundles that its units make."""

    total: int | None = None
    places: dict[int, int] = field(default_factory=dict)
    limits: dict[int, int] = field(default_factory=dict)

    @property
    def together(self) -> int:
        """Bundles that can be promised without splitting any."""
        return sum(self.places.values())


def components_of(bundle_ids: Collection[int]) -> dict[int, list[Component]]:
    """Bundle (variant id) → its components, in the order in which they were put in."""
    rows = (
        BundleComponent.objects.filter(bundle__in=bundle_ids)
        .order_by("bundle_id", "id")
        .values_list(
            "bundle_id",
            "component_id",
            "component__sku",
            "component__title",
            "component__weight_grams",
            "component__requires_shipping",
            "component__price",
            "quantity",
        )
    )
    found: dict[int, list[Component]] = defaultdict(list)
    for bundle_id, *component in rows:
        found[bundle_id].append(Component(*component))
    return found


_AVAILABLE = """
    WITH part AS (
        SELECT c.bundle_id, c.component_id, c.quantity, count(*) OVER (PARTITION BY c.bundle_id) AS parts
          FROM inventory_bundlecomponent c JOIN inventory_variant v ON v.id = c.component_id
         WHERE c.bundle_id = ANY(%s) AND v.requires_shipping
    ), here AS (
        SELECT p.bundle_id, p.component_id, p.quantity, p.parts, s.location_id, s.available AS units
          FROM part p JOIN inventory_stocklevel s ON s.variant_id = p.component_id AND s.available > 0
          JOIN inventory_location l ON l.id = s.location_id AND l.active
    ), everywhere AS (
        SELECT p.bundle_id, p.component_id, coalesce(sum(h.units), 0) / p.quantity AS sets
          FROM part p LEFT JOIN here h ON h.bundle_id = p.bundle_id AND h.component_id = p.component_id
         GROUP BY p.bundle_id, p.component_id, p.quantity
    )
    SELECT bundle_id, component_id, NULL::bigint AS location_id, sets FROM everywhere
    UNION ALL
    SELECT bundle_id, NULL, location_id, min(units / quantity) FROM here
     GROUP BY bundle_id, location_id, parts HAVING count(*) = parts AND min(units / quantity) > 0
"""


def bundle_availability(bundle_ids: Collection[int]) -> dict[int, BundleStock]:
    """Bundle (variant id) → what can be promised of it now, at each location and in total. One statement."""
    found = {pk: BundleStock() for pk in bundle_ids}
    if not found:
        return found
    with connection.cursor() as cursor:
        cursor.execute(_AVAILABLE, [sorted(found)])
        for bundle_id, component_id, location_id, sets in cursor.fetchall():
            stock = found[bundle_id]
            if location_id is not None:
                stock.places[location_id] = int(sets)
            else:
                stock.limits[component_id] = int(sets)
                stock.total = min(int(sets), stock.total if stock.total is not None else int(sets))
    return found


def bundles_with(component_ids: Collection[int]) -> dict[int, list[tuple[Variant, int]]]:
    """Component (variant id) → the bundles that it is part of, by SKU, with its units in each."""
    rows = (
        BundleComponent.objects.filter(component__in=component_ids)
        .select_related("bundle")
        .only("component_id", "quantity", "bundle__sku", "bundle__title", "bundle__active", "bundle__product_id")
        .order_by("bundle__sku")
    )
    found: dict[int, list[tuple[Variant, int]]] = defaultdict(list)
    for row in rows:
        found[row.component_id].append((row.bundle, row.quantity))
    return found


#: Whole bundles in total of all bundles of a product; written for the row of the product that stands around it.
_OF_PRODUCT = """(
    SELECT coalesce(sum(b.sets), 0)::int FROM (
        SELECT min(coalesce(u.units, 0) / c.quantity) AS sets
          FROM inventory_variant v JOIN inventory_bundlecomponent c ON c.bundle_id = v.id
          JOIN inventory_variant m ON m.id = c.component_id AND m.requires_shipping
          LEFT JOIN LATERAL (
            SELECT sum(s.available) AS units FROM inventory_stocklevel s JOIN inventory_location l ON l.id = s.location_id AND l.active
             WHERE s.variant_id = c.component_id AND s.available > 0
          ) u ON true
         WHERE v.product_id = "inventory_product"."id" AND v.is_bundle GROUP BY v.id
    ) b)"""


def available_as_bundles() -> Func:
    """For a query of products: what can be promised of their bundles, worked out for the rows that are shown."""
    return Func(template=_OF_PRODUCT, output_field=IntegerField())


def products_with_bundles(*, available: bool) -> QuerySet[Product]:
    """Products of which a bundle can be promised, or (available False) that have bundles and can promise none."""
    found = Product.objects.filter(variants__is_bundle=True).annotate(sets=available_as_bundles())
    return found.filter(sets__gt=0) if available else found.filter(sets=0)


@dataclass(frozen=True, slots=True)
class BundleView:
    """A bundle as a page shows it. components: each with how many bundles its units make (None: it is not shipped), and whether
    that is the least; places: (location, bundles that can leave from there together)."""

    variant: Variant
    stock: BundleStock
    components: list[tuple[Component, int | None, bool]]
    places: list[tuple[str, int]]


def bundle_views(bundles: Collection[tuple[Variant, BundleStock]]) -> list[BundleView]:
    """Bundles with their components and places by name. Two statements, none without bundles."""
    if not bundles:
        return []
    parts = components_of([variant.pk for variant, _stock in bundles])
    ids = {location_id for _variant, stock in bundles for location_id in stock.places}
    names = dict(Location.objects.filter(pk__in=ids).values_list("pk", "name"))
    return [
        BundleView(
            variant,
            stock,
            [
                (c, stock.limits.get(c.variant_id), stock.limits.get(c.variant_id) == stock.total)
                for c in parts[variant.pk]
            ],
            sorted((names[pk], sets) for pk, sets in stock.places.items()),
        )
        for variant, stock in bundles
    ]


def exported_bundles() -> Iterator[tuple[str, str, int]]:
    """(bundle SKU, component SKU, quantity) of every component, as a file of bundles has them."""
    rows = BundleComponent.objects.order_by("bundle__sku", "id")
    yield from rows.values_list("bundle__sku", "component__sku", "quantity").iterator(chunk_size=2000)
