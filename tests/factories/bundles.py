"""Bundles for tests, made through the product's own operations where they exist."""

from __future__ import annotations

from typing import Any

from inventory.models import BundleComponent, Variant
from tests.factories.shop import make_variant


def make_bundle(sku: str, parts: dict[Variant, int], **fields: Any) -> Variant:
    """A bundle of these components."""
    bundle = make_variant(sku, is_bundle=True, **fields)
    for component, quantity in parts.items():
        BundleComponent.objects.create(bundle=bundle, component=component, quantity=quantity)
    return bundle
