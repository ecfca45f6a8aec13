"""What bundles are made of, and what of them can be promised: reads, each one statement whatever the number of bundles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from decimal import Decimal
from typing import NamedTuple

from inventory.models import BundleComponent


class Component(NamedTuple):
    """A component with what an order line copies of it."""

    variant_id: int
    sku: str
    title: str
    weight_grams: int
    requires_shipping: bool
    price: Decimal
    quantity: int


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
