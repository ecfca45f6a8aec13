"""Make a bundle, change it, undo it: stock is looked at by inventory, open orders here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Refusal
from inventory.models import Variant
from inventory.operations.bundles import set_components
from orders.models import OrderLine
from orders.states import Lifecycle


def change_bundle(*, variant_id: int, components: Mapping[int, int], actor: Actor, now: datetime) -> Variant:
    """Make a variant a bundle of these components (variant id → units in one), change them, or undo the bundle (none).

    Orders keep what they were sold with. A variant that open orders still wait for as it is would never be filled once it is a
    bundle, so it is refused. Raises as `set_components` does.
    """
    with transaction.atomic():
        variant = set_components(variant_id=variant_id, components=components, actor=actor, now=now)
        if components and (line := _waiting_line(variant_id)):
            message = _("{sku} was sold as it is in order {number}, which is still open. Ship or cancel it first.")
            raise Refusal("bundle_is_waited_for", message.format(sku=variant.sku, number=line.order.number))
    return variant


def _waiting_line(variant_id: int) -> OrderLine | None:
    """A line of an open order that still needs the variant. Units with a place are reserved, which inventory has asked about."""
    lines = OrderLine.objects.filter(variant=variant_id, order__lifecycle=Lifecycle.OPEN).select_related("order")
    unplaced = Q(order__needs_routing=True, ordered__gt=F("cancelled") + F("allocated") + F("backordered"))
    return lines.filter(backordered__gt=0).first() or lines.filter(unplaced, requires_shipping=True).first()
