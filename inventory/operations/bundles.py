"""A variant becomes a bundle, gets other components, and becomes a plain variant again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from psycopg.errors import LockNotAvailable

from core.actors import Actor
from core.refusals import Invalid, NotFound, Refusal
from core.timeline import record
from inventory.models import BundleComponent, Reservation, StockLevel, Tracking, Variant
from inventory.operations.levels import BUCKETS, lock_levels

MOST_COMPONENTS = 50
MOST_IN_ONE = 10_000
#: How long the bundle's row is waited for: less than PostgreSQL waits before it looks for deadlocks (deadlock_timeout, 1 s).
_PATIENCE = "500ms"


def set_components(*, variant_id: int, components: Mapping[int, int], actor: Actor, now: datetime) -> Variant:
    """Make a variant a bundle of these components (variant id → units in one bundle), change them, or (none) undo the bundle.

    A bundle is never stocked: a variant with stock or promises is refused. Orders keep what they were sold with. The caller
    has seen to it that no open order waits for the variant itself. Raises Invalid (field `component-<variant id>`), NotFound,
    Refusal.
    """
    with transaction.atomic():
        keys = list(StockLevel.objects.filter(variant=variant_id).values_list("variant_id", "location_id"))
        lock_levels(keys)  # before the variant, as orders take them
        locked = _locked({variant_id, *components}, variant_id)
        bundle = locked.get(variant_id)
        if bundle is None:
            raise NotFound("no_such_variant", _("There is no such SKU."))
        before = dict(bundle.components.values_list("component_id", "quantity"))
        if before == dict(components) and bundle.is_bundle == bool(components):
            return bundle
        _check_components(bundle, components, locked, before)
        if components and not bundle.is_bundle:
            _check_plain(bundle)
            StockLevel.objects.filter(variant=bundle).delete()  # empty ones; the ledger stays
        _write(bundle, components, before, now=now)
        names = {pk: v.sku for pk, v in Variant.objects.only("sku").in_bulk({*before, *components}).items()}
        kind = "bundle.undone" if not components else "bundle.changed" if before else "bundle.made"
        record(bundle.subject, kind, actor=actor, at=now, sku=bundle.sku, **_told(before, components, names))
    return bundle


def _locked(ids: set[int], bundle_id: int) -> dict[int, Variant]:
    """The variants under lock, in order: two that change at once cannot end as bundles of each other.

    Who moves components meanwhile refers to their rows and is not kept waiting; who stocks the bundle itself is. Such a one refers to
    the bundle's row before it waits for levels, which are locked here already: so this one gives way, before it is a deadlock.
    """
    list(
        Variant.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=ids).order_by("pk").values_list("pk")
    )
    _lock_alone(bundle_id)
    rows = Variant.objects.filter(pk__in=ids).defer("search", "search_text")
    return {variant.pk: variant for variant in rows.order_by("pk")}


def _lock_alone(variant_id: int) -> None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_PATIENCE])
            cursor.execute("SELECT FROM inventory_variant WHERE id = %s FOR UPDATE", [variant_id])
            cursor.execute("SELECT set_config('lock_timeout', '0', true)")
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        raise Refusal("stock_is_moving", _("Its stock is moving at this moment. Try again.")) from None


def _check_components(
    bundle: Variant, components: Mapping[int, int], locked: Mapping[int, Variant], before: Mapping[int, int]
) -> None:
    if len(components) > MOST_COMPONENTS:
        raise Invalid("too_many", _("A bundle has at most {most} components.").format(most=MOST_COMPONENTS))
    for pk, quantity in components.items():
        field = f"component-{pk}"
        component = locked.get(pk)
        if component is None:
            raise Invalid("no_such_component", _("There is no such SKU."), field=field)
        if not 1 <= quantity <= MOST_IN_ONE:
            message = _("{sku}: a quantity lies between 1 and {most}.")
            raise Invalid("bad_quantity", message.format(sku=component.sku, most=MOST_IN_ONE), field=field)
        if pk == bundle.pk:
            raise Invalid("own_component", _("A bundle is no component of itself."), field=field)
        if component.is_bundle:
            message = _("{sku} is a bundle itself; put its components in.")
            raise Invalid("nested_bundle", message.format(sku=component.sku), field=field)
        if not component.active and pk not in before:
            message = _("{sku} is switched off.")
            raise Invalid("component_off", message.format(sku=component.sku), field=field)


def _check_plain(variant: Variant) -> None:
    """Refuse to make a bundle of what is stocked, followed unit by unit, or part of another bundle."""
    holder = BundleComponent.objects.filter(component=variant).select_related("bundle").first()
    if holder is not None:
        message = _("{sku} is a component of {bundle}, so it cannot be a bundle itself.")
        raise Refusal("nested_bundle", message.format(sku=variant.sku, bundle=holder.bundle.sku))
    if variant.tracking != Tracking.NONE:
        message = _("{sku} is followed by lot or serial number; a bundle is not.")
        raise Refusal("bundle_is_tracked", message.format(sku=variant.sku))
    stocked = StockLevel.objects.filter(variant=variant).exclude(**dict.fromkeys(BUCKETS, 0)).exists()
    if stocked or Reservation.objects.filter(Q(quantity__gt=0), variant=variant).exists():
        message = _("{sku} is stocked. A bundle has no stock of its own: bring its counts to zero first.")
        raise Refusal("bundle_is_stocked", message.format(sku=variant.sku))


def _write(bundle: Variant, components: Mapping[int, int], before: Mapping[int, int], *, now: datetime) -> None:
    BundleComponent.objects.filter(bundle=bundle).exclude(component__in=components).delete()
    for pk, quantity in components.items():
        if pk not in before:
            BundleComponent.objects.create(bundle=bundle, component_id=pk, quantity=quantity)
        elif before[pk] != quantity:
            BundleComponent.objects.filter(bundle=bundle, component=pk).update(quantity=quantity)
    bundle.is_bundle, bundle.updated_at = bool(components), now
    bundle.save(update_fields=["is_bundle", "updated_at"])


def _told(before: Mapping[int, int], after: Mapping[int, int], names: Mapping[int, str]) -> dict[str, Any]:
    """What the history keeps: SKUs with their units, as they were and as they are."""

    def listed(parts: Mapping[int, int]) -> list[str]:
        return [f"{quantity} × {names.get(pk, pk)}" for pk, quantity in parts.items()]

    return {"before": listed(before), "after": listed(after)}
