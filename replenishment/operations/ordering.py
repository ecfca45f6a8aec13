"""From needs to drafts: purchase orders by supplier, transfers from where there is too much."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Invalid, Refusal
from inventory.models import ReorderPolicy
from orders.queries import shop_zone
from purchasing.models import PurchaseLine, PurchaseOrder
from purchasing.operations.planning import create_purchase_orders, plan_with_rest
from purchasing.planning import Left, PurchasePlan
from purchasing.states import PurchaseState
from replenishment.models import Need, ReplenishmentSettings
from replenishment.queries import main_location, policies_with_needs
from transfers.models import Transfer
from transfers.operations import NewTransfer, create_transfers
from transfers.queries import positions
from transfers.suggesting import Suggestion, suggest_transfers

#: The most policies that are ordered for in one act.
MOST = 200
MAX_UNITS = 1_000_000
_KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Choice:
    """So many units for one policy, from a supplier where somebody chose one."""

    policy_id: int
    units: int
    supplier_id: int | None = None


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """What would be ordered, and what no plan holds and why. destination: where the units of totals go."""

    plans: list[PurchasePlan]
    left: list[Left]


def suggested_units(policies: Sequence[ReorderPolicy]) -> dict[int, int]:
    """Policy → units to order: its need, for a total less what its variant's places among these order themselves.

    Drafts that are there already are taken off by the planning itself; those of a total's variant at other places here. One statement.
    """
    totals = {policy.variant_id for policy in policies if policy.location_id is None}
    main = main_location() if totals else None
    lines = PurchaseLine.objects.filter(order__state=PurchaseState.DRAFT, variant_id__in=totals).order_by()
    elsewhere = dict(
        lines.exclude(order__location=main).values_list("variant_id").annotate(units=Sum("ordered")) if totals else ()
    )
    units = {policy.pk: (need.quantity if (need := _need_of(policy)) else 0) for policy in policies}
    for policy in policies:
        if policy.location_id is None:
            others = sum(
                units[other.pk] for other in policies if other.variant_id == policy.variant_id and other.location_id
            )
            units[policy.pk] = max(0, units[policy.pk] - others - elsewhere.get(policy.variant_id, 0))
    return units


def _need_of(policy: ReorderPolicy) -> Need | None:
    return policy.need if hasattr(policy, "need") else None


def plan_orders(choices: Sequence[Choice], *, policies: Mapping[int, ReorderPolicy]) -> OrderPlan:
    """Plan purchase orders for chosen units; writes nothing. Units for a total go to the main location.

    Raises Invalid when there is no place that could take them.
    """
    main = main_location()
    needs, chosen = [], {}
    for choice in choices:
        policy = policies[choice.policy_id]
        place = policy.location_id or (main.pk if main else None)
        if place is None:
            raise Invalid("no_location", _("There is no location that goods could be ordered to."))
        if choice.units:
            needs.append((policy.variant_id, place, choice.units))
        if choice.supplier_id:
            chosen[policy.variant_id] = choice.supplier_id
    return OrderPlan(*plan_with_rest(needs, choose=chosen))


def order_for(choices: Sequence[Choice], *, actor: Actor, now: datetime) -> tuple[list[PurchaseOrder], OrderPlan]:
    """Write drafts of purchase orders for chosen units, which somebody has to approve; what could not be planned is in the plan.

    What is on drafts already is not ordered again, so a repeat makes nothing. Raises Invalid for wrong units.
    """
    if not all(0 <= choice.units <= MAX_UNITS for choice in choices):
        raise Invalid("bad_units", _("Give a number from 0 to {most}.").format(most=MAX_UNITS))
    policies = {policy.pk: policy for policy in policies_with_needs(choice.policy_id for choice in choices)}
    present = [choice for choice in choices if choice.policy_id in policies]
    with transaction.atomic():
        plan = plan_orders(present, policies=policies)
        made = create_purchase_orders(plan.plans, actor=actor, now=now, automatic=True)
    return made, plan


def transfer_suggestions(policies: Sequence[ReorderPolicy]) -> dict[int, list[Suggestion]]:
    """Policy → what other locations could send instead of a supplier."""
    by_key = {(policy.variant_id, policy.location_id): policy.pk for policy in policies if policy.location_id}
    if not by_key:
        return {}
    variants = sorted({variant for variant, _place in by_key})
    found: dict[int, list[Suggestion]] = {}
    for one in suggest_transfers(positions(only=variants)):
        if policy_id := by_key.get((one.variant_id, one.destination_id)):
            found.setdefault(policy_id, []).append(one)
    return found


def transfer_for(moves: Sequence[Suggestion], *, key: str, actor: Actor, now: datetime) -> list[Transfer]:
    """Write drafts of transfers, one for each pair of places. `key` (32 hex digits, made with the form): a repeat answers what it made."""
    if not _KEY.fullmatch(key):
        raise Invalid("bad_key", _("Open the page anew and try again."))
    if made := list(Transfer.objects.filter(request_key__startswith=f"reorder:{key}:").order_by("pk")):
        return made
    routes: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for one in moves:
        routes.setdefault((one.origin_id, one.destination_id), []).append((one.variant_id, one.quantity))
    requests = [
        NewTransfer(origin, destination, tuple(lines), key=f"reorder:{key}:{origin}:{destination}")
        for (origin, destination), lines in sorted(routes.items())
    ]
    if not requests:
        raise Refusal("nothing_to_move", _("There is nothing to move: the units are 0, or nobody can spare any."))
    return create_transfers(requests, actor=actor, now=now)


def order_automatically(*, actor: Actor, now: datetime) -> int:
    """The daily run: drafts for everything that is needed, once for each of the shop's days when its hour has come; how many were made.

    Off unless the shop has switched it on. What is on drafts or under way is not ordered again; a person approves each draft.
    """
    local = now.astimezone(shop_zone())
    with transaction.atomic():
        decided = ReplenishmentSettings.objects.select_for_update().filter(id=1).first()
        if decided is None or not decided.automatic_orders or local.hour < decided.automatic_hour:
            return 0
        if decided.automatic_done_on and decided.automatic_done_on >= local.date():
            return 0
        ReplenishmentSettings.objects.filter(id=1).update(automatic_done_on=local.date())
        return _order_everything(actor=actor, now=now)


def _order_everything(*, actor: Actor, now: datetime) -> int:
    """All needs in one transaction, with the plan of all of them: an order to a supplier is as full as it can be."""
    ids = list(Need.objects.order_by("policy__variant_id", "pk").values_list("policy_id", flat=True))
    policies = policies_with_needs(ids)
    units = suggested_units(policies)
    choices = [Choice(policy.pk, units[policy.pk]) for policy in policies if units[policy.pk]]
    made, _plan = order_for(choices, actor=actor, now=now)
    return len(made)
