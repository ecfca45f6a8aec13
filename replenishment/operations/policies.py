"""Say when and up to how much a variant is restocked; each difference goes into the variant's history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.outcomes import BulkOutcome
from core.refusals import Invalid
from core.timeline import record_many
from inventory.models import Location, ReorderPolicy, Variant
from replenishment.operations.evaluating import Subject, evaluate_subjects, lock_variants

MAX_POINT = 10_000_000
_FIELDS = ("reorder_point", "order_up_to", "alert", "source")


@dataclass(frozen=True, slots=True)
class PolicyWish:
    """What a policy shall be. location_id None: the variant's total. alert None: as it is, and on for a new policy."""

    variant_id: int
    location_id: int | None
    reorder_point: int
    order_up_to: int
    alert: bool | None = None

    @property
    def subject(self) -> Subject:
        return (self.variant_id, self.location_id)


def fault_of(reorder_point: int, order_up_to: int) -> tuple[str, str] | None:
    """(field, sentence) of what is wrong with these numbers; None when they can be."""
    for name, number in (("reorder_point", reorder_point), ("order_up_to", order_up_to)):
        if not 0 <= number <= MAX_POINT:
            return name, _("Give a number from 0 to {most}.").format(most=MAX_POINT)
    if order_up_to < reorder_point:
        return "order_up_to", _("It is below the reorder point.")
    return None


def set_policies(
    *,
    wishes: Sequence[PolicyWish],
    source: str = ReorderPolicy.Source.MANUAL,
    over_manual: bool = False,
    actor: Actor,
    now: datetime,
) -> BulkOutcome:
    """Set many policies in one transaction; alerts and needs follow at once.

    done: labels of what is as wished now. refused: wrong numbers, bundles, variants or locations that are not there.
    source "forecast" leaves a policy alone that a person set (refused, with the reason), unless `over_manual`.
    """
    wanted = {wish.subject: wish for wish in wishes}  # the last word about a subject counts
    outcome = BulkOutcome()
    with transaction.atomic():
        lock_variants(variant for variant, _place in wanted)
        labels, faults = _check(wanted)
        before = policies_of(wanted)
        rows, history = [], []
        for subject, wish in wanted.items():
            old = before.get(subject)
            fault = faults.get(subject) or ("" if over_manual else _kept_by_hand(old, source))
            if fault:
                outcome.refuse(labels[subject], fault)
                continue
            outcome.done.append(labels[subject])
            new = _policy(wish, old, source=source, now=now)
            if old is None or any(getattr(old, name) != getattr(new, name) for name in _FIELDS):
                rows.append(new)
                history.append(_entry(labels[subject], old, new))
        ReorderPolicy.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["variant", "location"], update_fields=[*_FIELDS, "updated_at"],
            batch_size=5_000,
        )  # fmt: skip
        record_many(history, actor=actor, at=now)
        evaluate_subjects([(row.variant_id, row.location_id) for row in rows], now=now)
    return outcome


def clear_policies(*, subjects: Iterable[Subject], actor: Actor, now: datetime) -> BulkOutcome:
    """Take policies away: nothing is suggested or told of these subjects any more. What had none stays without."""
    wanted = set(subjects)
    with transaction.atomic():
        lock_variants(variant for variant, _place in wanted)
        found = policies_of(wanted)
        labels = labels_of(found)
        rows = [
            (f"variant:{policy.variant_id}", "policy.cleared", {"label": labels[key], "before": _numbers(policy)})
            for key, policy in found.items()
        ]
        ReorderPolicy.objects.filter(pk__in=[policy.pk for policy in found.values()]).delete()
        record_many(rows, actor=actor, at=now)
        evaluate_subjects(found, now=now)
    return BulkOutcome(done=[labels[key] for key in found])


def set_policy(
    *, variant_id: int, location_id: int | None, reorder_point: int, order_up_to: int, alert: bool | None = None, actor: Actor, now: datetime
) -> None:  # fmt: skip
    """Set one policy by hand. Raises Invalid with the field at fault."""
    if fault := fault_of(reorder_point, order_up_to):
        raise Invalid("bad_policy", fault[1], field=fault[0])
    wish = PolicyWish(variant_id, location_id, reorder_point, order_up_to, alert)
    outcome = set_policies(wishes=[wish], actor=actor, now=now)
    if outcome.refused:
        raise Invalid("bad_policy", outcome.refused[0][1])


def policies_of(subjects: Iterable[Subject]) -> dict[Subject, ReorderPolicy]:
    """The policies of these subjects. One statement."""
    wanted = set(subjects)
    found = ReorderPolicy.objects.filter(variant_id__in={variant for variant, _place in wanted})
    return {key: policy for policy in found if (key := (policy.variant_id, policy.location_id)) in wanted}


def _kept_by_hand(old: ReorderPolicy | None, source: str) -> str:
    if old is None or source == ReorderPolicy.Source.MANUAL or old.source != ReorderPolicy.Source.MANUAL:
        return ""
    return _("It was set by hand.")


def _policy(wish: PolicyWish, old: ReorderPolicy | None, *, source: str, now: datetime) -> ReorderPolicy:
    alert = wish.alert if wish.alert is not None else (old.alert if old else True)
    return ReorderPolicy(
        variant_id=wish.variant_id, location_id=wish.location_id, reorder_point=wish.reorder_point,
        order_up_to=wish.order_up_to, alert=alert, source=source, updated_at=now,
    )  # fmt: skip


def _check(wanted: Mapping[Subject, PolicyWish]) -> tuple[dict[Subject, str], dict[Subject, str]]:
    """(labels, faults) of the subjects. Two statements."""
    bundles = {}
    skus = {}
    for pk, sku, is_bundle in Variant.objects.filter(pk__in={v for v, _place in wanted}).values_list(
        "pk", "sku", "is_bundle"
    ):
        skus[pk], bundles[pk] = sku, is_bundle
    places = dict(Location.objects.filter(pk__in={place for _v, place in wanted if place}).values_list("pk", "name"))
    labels, faults = {}, {}
    for (variant_id, location_id), wish in wanted.items():
        key = (variant_id, location_id)
        labels[key] = label_of(skus.get(variant_id), places.get(location_id) if location_id else None)
        if variant_id not in skus or (location_id and location_id not in places):
            faults[key] = _("It is no longer there.")
        elif bundles[variant_id]:
            faults[key] = _("A bundle is never stocked; set the policies of its components.")
        elif fault := fault_of(wish.reorder_point, wish.order_up_to):
            faults[key] = fault[1]
    return labels, faults


def labels_of(subjects: Iterable[Subject]) -> dict[Subject, str]:
    """The names of subjects for people. Two statements."""
    wanted = list(subjects)
    if not wanted:
        return {}
    skus = dict(Variant.objects.filter(pk__in={v for v, _place in wanted}).values_list("pk", "sku"))
    places = dict(Location.objects.filter(pk__in={place for _v, place in wanted if place}).values_list("pk", "name"))
    return {key: label_of(skus.get(key[0]), places.get(key[1]) if key[1] else None) for key in wanted}


def label_of(sku: str | None, location: str | None) -> str:
    """A subject's name for people: “TEE · Main”, or the SKU alone for its total."""
    return f"{sku or '?'} · {location}" if location else (sku or "?")


def _entry(label: str, old: ReorderPolicy | None, new: ReorderPolicy) -> tuple[str, str, dict[str, object]]:
    data = {"label": label, "source": new.source, "after": _numbers(new)}
    if old is not None:
        data["before"] = _numbers(old)
    return f"variant:{new.variant_id}", "policy.set", data


def _numbers(policy: ReorderPolicy) -> dict[str, object]:
    return {name: getattr(policy, name) for name in _FIELDS}
