"""Bundles from a file: what a bundle is made of becomes what the file says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Refusal
from inventory.bundles import components_of
from inventory.models import Variant
from oms.orchestration.change_bundle import change_bundle
from oms.orchestration.import_outcomes import CREATED, UNCHANGED, UPDATED, Outcome, refused, take_turn


class PartData(Protocol):
    """A component and its units in one bundle."""

    @property
    def sku(self) -> str: ...
    @property
    def quantity(self) -> int: ...


class BundleData(Protocol):
    """A bundle with all its components."""

    @property
    def sku(self) -> str: ...
    @property
    def parts(self) -> Sequence[PartData]: ...


def import_bundles(records: Sequence[BundleData], *, actor: Actor, now: datetime) -> list[Outcome]:
    """Make or change bundles in one transaction; outcomes in the order of the records. Those that are as the file says cost nothing."""
    with transaction.atomic():
        take_turn("bundles")
        skus = {record.sku for record in records} | {part.sku for record in records for part in record.parts}
        variants = dict(Variant.objects.filter(sku__in=skus).values_list("sku", "pk"))
        wanted = [pk for record in records if (pk := variants.get(record.sku))]
        stored = {pk: {c.variant_id: c.quantity for c in parts} for pk, parts in components_of(wanted).items()}
        return [_take(record, variants, stored, actor=actor, now=now) for record in records]


def _take(
    record: BundleData,
    variants: dict[str, int],
    stored: dict[int, dict[int, int]],
    *,
    actor: Actor,
    now: datetime,
) -> Outcome:
    message = _("There is no SKU “{sku}”; import its product first.")
    if record.sku not in variants:
        return refused(message.format(sku=record.sku), field="bundle")
    for n, part in enumerate(record.parts):
        if part.sku not in variants:
            return refused(message.format(sku=part.sku), field="component", line=n)
    pk = variants[record.sku]
    components = {variants[part.sku]: part.quantity for part in record.parts}
    if stored.get(pk) == components:
        return Outcome(UNCHANGED)
    try:
        with transaction.atomic():
            change_bundle(variant_id=pk, components=components, actor=actor, now=now)
    except Refusal as refusal:
        at = [f"component-{component}" for component in components]
        line = at.index(refusal.field) if refusal.field in at else None
        field = "" if line is None else "quantity" if refusal.code == "bad_quantity" else "component"
        return refused(refusal.message, field=field, line=line)
    return Outcome(UPDATED if pk in stored else CREATED)
