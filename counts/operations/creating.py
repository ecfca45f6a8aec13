"""Counts are made: by bins, by ABC class, of a whole location, of chosen SKUs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from core.actors import Actor
from core.bulk import copy_rows, next_ids
from core.models import User
from core.refusals import Invalid, NotFound
from core.timeline import record
from counts.models import StockCount, StockCountLine
from counts.queries import abc_classes
from counts.rules import CLASSES
from counts.states import CountKind
from inventory.models import Location, StockLevel, Variant

#: The most lines of one count; a larger location is counted in parts.
MOST_LINES = 20_000
MOST_AT_ONCE = 200
MOST_TOLERATED = 1_000_000


@dataclass(frozen=True, slots=True)
class CountSettings:
    """How a count is made, whatever it is of."""

    blind: bool = True
    tolerance_units: int = 0
    tolerance_percent: int = 0
    second_person: bool = True
    assigned_to_id: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class CountScope:
    """What a count is of: bins by name (“” holds what lies in no bin), an ABC class, chosen variants, or all of the location."""

    kind: str
    bins: Sequence[str] = field(default_factory=tuple)
    abc: str = ""
    variant_ids: Sequence[int] = field(default_factory=tuple)


def create_count(
    *, location_id: int, scope: CountScope, settings: CountSettings | None = None, actor: Actor, now: datetime
) -> StockCount:
    """Make a count with a line for each SKU that should be there (and for each chosen SKU, also where none should be).

    Raises Invalid (fields `kind`, `bins`, `abc`, `skus`, `tolerance_units`, `tolerance_percent`, `assigned_to`) or NotFound.
    """
    settings = settings or CountSettings()
    _check(scope, settings)
    with transaction.atomic():
        if not Location.objects.filter(pk=location_id).exists():
            raise NotFound("no_such_location", _("There is no such location."), field="location")
        classes = abc_classes(location_id, now=now)
        rows = _lines(location_id, scope, classes)
        pk = next_ids(StockCount, 1)[0]
        count = StockCount.objects.create(
            pk=pk, number=f"CT-{1000 + pk}", location_id=location_id, kind=scope.kind, scope=_scope_json(scope),
            blind=settings.blind, tolerance_units=settings.tolerance_units, tolerance_percent=settings.tolerance_percent,
            second_person=settings.second_person, assigned_to_id=settings.assigned_to_id, note=settings.note.strip()[:200],
            actor=actor.ref, created_at=now,
        )  # fmt: skip
        copy_rows(
            StockCountLine,
            ("count_id", "variant_id", "bin", "abc", "home", "found", "state", "moved", "counted_by", "first_by", "reason", "result", "refused_why"),
            (
                (pk, variant_id, bin_name, classes.get(variant_id, "C"), True, False, "to_count", False, "", "", "", "", "")
                for variant_id, bin_name in rows
            ),
        )  # fmt: skip
        record(count.subject, "count.created", actor=actor, at=now, lines=len(rows))
        return count


def create_counts(
    *, location_id: int, bins: Sequence[str], settings: CountSettings | None = None, actor: Actor, now: datetime
) -> list[StockCount]:
    """One count for each bin, all or none."""
    names = list(dict.fromkeys(bins))
    if not 0 < len(names) <= MOST_AT_ONCE:
        raise Invalid("bad_bins", _("Choose 1 to {most} bins.").format(most=MOST_AT_ONCE), field="bins")
    with transaction.atomic():
        return [
            create_count(
                location_id=location_id, scope=CountScope(CountKind.BINS, bins=[name]), settings=settings, actor=actor, now=now
            )
            for name in names
        ]  # fmt: skip


def _check(scope: CountScope, settings: CountSettings) -> None:
    if scope.kind not in CountKind.values:
        raise Invalid("bad_kind", _("Choose what is counted."), field="kind")
    if scope.kind == CountKind.BINS and not scope.bins:
        raise Invalid("no_bins", _("Name at least one bin."), field="bins")
    if scope.kind == CountKind.ABC and scope.abc not in CLASSES:
        raise Invalid("bad_class", _("Choose a class: A, B or C."), field="abc")
    if scope.kind == CountKind.SKUS and not scope.variant_ids:
        raise Invalid("no_skus", _("Name at least one SKU."), field="skus")
    if not 0 <= settings.tolerance_units <= MOST_TOLERATED:
        raise Invalid("bad_tolerance", _("A tolerance is not negative."), field="tolerance_units")
    if not 0 <= settings.tolerance_percent <= 100:
        raise Invalid("bad_tolerance", _("A tolerance is at most 100 percent."), field="tolerance_percent")
    assigned = settings.assigned_to_id
    if assigned is not None:
        person = User.objects.filter(pk=assigned).first()
        if person is None or not person.can("counts.count"):
            raise Invalid("cannot_count", _("This person may not count."), field="assigned_to")


def _lines(location_id: int, scope: CountScope, classes: dict[int, str]) -> list[tuple[int, str]]:
    """(variant id, bin) of each line. Raises Invalid when there is nothing to count, or too much."""
    levels: QuerySet[StockLevel] = StockLevel.objects.filter(location_id=location_id, variant__is_bundle=False)
    if scope.kind == CountKind.SKUS:
        rows = _chosen(levels, scope.variant_ids)
    else:
        rows = list(_expected(levels, scope, classes).values_list("variant_id", "bin")[: MOST_LINES + 1])
    if not rows:
        raise Invalid("nothing_to_count", _("Nothing is on hand there."), field=_field(scope))
    if len(rows) > MOST_LINES:
        message = _("A count has at most {most} lines; count it in parts.").format(most=MOST_LINES)
        raise Invalid("too_much_to_count", message, field=_field(scope))
    return rows


def _expected(levels: QuerySet[StockLevel], scope: CountScope, classes: dict[int, str]) -> QuerySet[StockLevel]:
    held = levels.filter(on_hand__gt=0).order_by("bin", "variant_id")
    match scope.kind:
        case CountKind.BINS:
            return held.filter(bin__in=list(scope.bins))
        case CountKind.ABC if scope.abc == "C":
            return held.exclude(variant_id__in=list(classes))
        case CountKind.ABC:
            return held.filter(variant_id__in=[pk for pk, name in classes.items() if name == scope.abc])
        case _:
            return held


def _chosen(levels: QuerySet[StockLevel], variant_ids: Sequence[int]) -> list[tuple[int, str]]:
    wanted = list(dict.fromkeys(variant_ids))
    known = set(Variant.objects.filter(pk__in=wanted, is_bundle=False).values_list("pk", flat=True))
    if missing := [pk for pk in wanted if pk not in known]:
        raise Invalid(
            "bad_sku", _("A bundle has no stock of its own: count its components."), field="skus", ids=missing
        )
    bins = dict(levels.filter(variant_id__in=wanted).values_list("variant_id", "bin"))
    return [(pk, bins.get(pk, "")) for pk in wanted]


def _field(scope: CountScope) -> str:
    return {CountKind.BINS: "bins", CountKind.ABC: "abc", CountKind.SKUS: "skus"}.get(CountKind(scope.kind), "location")


def _scope_json(scope: CountScope) -> dict[str, Any]:
    match scope.kind:
        case CountKind.BINS:
            return {"bins": list(scope.bins)}
        case CountKind.ABC:
            return {"abc": scope.abc}
        case _:
            return {}
