"""What the page shows on which chosen needs become drafts: the same figures for the first look and after each change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from inventory.models import Location, ReorderPolicy, Variant
from purchasing.models import Supplier, SupplierItem
from purchasing.planning import Left, PlannedLine, PurchasePlan
from replenishment.forms import PlanForm
from replenishment.operations.ordering import plan_orders, suggested_units, transfer_suggestions
from replenishment.queries import mean_daily, policies_with_needs, stock_now
from transfers.suggesting import Suggestion


@dataclass(slots=True)
class PlanRow:
    """One chosen policy: its stock, what is suggested, who sells it, and who could send it."""

    policy: ReorderPolicy
    available: int
    incoming: int
    waiting: int
    units: int
    suggested: int
    cover_days: float | None
    offers: list[SupplierItem]
    supplier_id: int | None
    moves: list[tuple[str, int]] = field(default_factory=list)  # (from where, units)
    move: int = 0
    error: str = ""

    @property
    def movable(self) -> int:
        return sum(units for _name, units in self.moves)


@dataclass(slots=True)
class PlannedOrder:
    """A purchase order as it would be."""

    plan: PurchasePlan
    supplier: Supplier
    location: Location
    lines: list[tuple[Variant, PlannedLine]]


@dataclass(slots=True)
class PlanPage:
    """Everything on the page."""

    form: PlanForm
    rows: list[PlanRow] = field(default_factory=list)
    orders: list[PlannedOrder] = field(default_factory=list)
    left: list[tuple[Variant, Left]] = field(default_factory=list)
    suggestions: dict[int, list[Suggestion]] = field(default_factory=dict)

    def moves(self) -> list[Suggestion]:
        """The transfers that were asked for, never more than another location can spare."""
        asked = []
        for policy_id, wanted in self.form.moves.items():
            lacking = wanted
            for one in self.suggestions.get(policy_id, ()):
                taken = min(lacking, one.quantity)
                if taken:
                    asked.append(Suggestion(one.origin_id, one.destination_id, one.variant_id, taken))
                    lacking -= taken
        return asked


def plan_page(policy_ids: Sequence[int], data: Any, *, now: datetime) -> PlanPage:
    """Read it all: a number of statements that does not depend on the number of policies."""
    policies = policies_with_needs(policy_ids)
    form = PlanForm([policy.pk for policy in policies], suggested_units(policies), data)
    page = PlanPage(form, suggestions=transfer_suggestions(policies))
    if not policies:
        return page
    by_id = {policy.pk: policy for policy in policies}
    subjects = [(policy.variant_id, policy.location_id) for policy in policies]
    stock, daily = stock_now(subjects), mean_daily(subjects, now=now)
    offers: dict[int, list[SupplierItem]] = defaultdict(list)
    items = SupplierItem.objects.filter(variant_id__in={variant for variant, _place in subjects}, supplier__active=True)
    for item in items.select_related("supplier").order_by("-preferred", "price", "pk"):
        offers[item.variant_id].append(item)
    origins = {one.origin_id for found in page.suggestions.values() for one in found}
    planned = plan_orders(form.choices(), policies=by_id)
    places = Location.objects.in_bulk(origins | {plan.location_id for plan in planned.plans})
    suggested = suggested_units(policies) if data is not None else form.units
    for policy in policies:
        subject = (policy.variant_id, policy.location_id)
        available, incoming = stock[subject]
        rate = daily.get(subject)
        page.rows.append(
            PlanRow(
                policy, available, incoming, policy.need.waiting if hasattr(policy, "need") else 0, form.units[policy.pk],
                suggested[policy.pk], max(0, available) / rate if rate else None, offers[policy.variant_id],
                form.suppliers.get(policy.pk),
                [(places[one.origin_id].name, one.quantity) for one in page.suggestions.get(policy.pk, ())],
                form.moves.get(policy.pk, 0), form.errors.get(policy.pk, ""),
            )
        )  # fmt: skip
    variants = {policy.variant_id: policy.variant for policy in policies}
    suppliers = {item.supplier_id: item.supplier for found in offers.values() for item in found}
    for plan in planned.plans:
        lines = [(variants[line.variant_id], line) for line in plan.lines]
        page.orders.append(PlannedOrder(plan, suppliers[plan.supplier_id], places[plan.location_id], lines))
    page.left = [(variants[left.need.variant_id], left) for left in planned.left]
    return page
