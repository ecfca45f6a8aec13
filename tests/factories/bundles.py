"""Bundles for tests, made through the product's own operations."""

from __future__ import annotations

from typing import Any

from inventory.models import Variant
from inventory.operations.bundles import set_components
from tests.factories.shop import ACTOR, NOW, make_variant


def make_bundle(sku: str, parts: dict[Variant, int], **fields: Any) -> Variant:
    """A bundle of these components."""
    bundle = make_variant(sku, **fields)
    components = {component.pk: quantity for component, quantity in parts.items()}
    return set_components(variant_id=bundle.pk, components=components, actor=ACTOR, now=NOW)
