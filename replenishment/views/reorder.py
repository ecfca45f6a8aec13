"""What to restock: the list of needs, and the page where chosen ones become drafts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from core.actors import Actor
from core.listing import BulkAction, Empty, ListPage, PageAction, Sort, Tab, list_view
from core.outcomes import BulkOutcome
from core.permissions import require, require_permission
from core.refusals import Refusal
from core.requests import StaffRequest
from orders.queries import shop_zone
from replenishment.filters import NeedFilter
from replenishment.models import Need
from replenishment.operations.ordering import MOST, order_for, transfer_for
from replenishment.planpage import PlanPage, plan_page
from replenishment.queries import find_by_variant, listed_needs
from replenishment.tables import NeedTable
from replenishment.views.alerts import plan_url


def plan_many(targets: QuerySet[Need], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Lead on to the page where quantities are set and drafts are made."""
    return BulkOutcome(next_url=plan_url(list(targets.values_list("policy_id", flat=True))))


class NeedList(ListPage):
    """What has fallen to its reorder point, counting what is coming and what is sold already."""

    name = "reorder"
    title = gettext_lazy("Reorder")
    permission = "replenishment.view"
    export_permission = "inventory.export"
    model = Need
    table_class = NeedTable
    filter_class = NeedFilter
    sorts = {
        "quantity": Sort("quantity", desc=True),
        "since": Sort("since"),
        "sku": Sort("policy__variant__sku"),
        "available": Sort("available"),
    }
    default_sort = "available"
    search_placeholder = gettext_lazy("SKU, barcode, title")
    tabs = [
        Tab("all", gettext_lazy("All")),
        Tab("out", gettext_lazy("Nothing available"), Q(available__lte=0)),
        Tab("waiting", gettext_lazy("Back-ordered"), Q(waiting__gt=0)),
        Tab("coming", gettext_lazy("Something is coming"), Q(incoming__gt=0)),
    ]
    bulk_actions = [
        BulkAction(
            "plan", gettext_lazy("Buy or move"), "replenishment.view", run=plan_many, icon="download", limit=MOST
        )
    ]
    page_actions = [
        PageAction(gettext_lazy("Low stock"), "alerts", "replenishment.view", icon="alert"),
        PageAction(gettext_lazy("Reorder points"), "policies", "replenishment.view"),
    ]
    empty = Empty(
        gettext_lazy("Nothing to restock"),
        gettext_lazy("What falls to its reorder point, with all that is coming, stands here."),
        gettext_lazy("Reorder points"),
        "policies",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[Need]:
        return listed_needs(today=timezone.now().astimezone(shop_zone()).date())

    def search(self, queryset: QuerySet[Need], q: str) -> QuerySet[Need]:
        return find_by_variant(queryset, q, path="policy__variant_id")


need_list = list_view(NeedList)


@require("replenishment.view")
@require_safe
def reorder_one(request: HttpRequest, pk: int) -> HttpResponse:
    """One need, on the page where it is ordered."""
    found = get_object_or_404(Need, pk=pk)
    return redirect(plan_url([found.policy_id]))


@require("replenishment.view")
@require_http_methods(["GET", "POST"])
def plan(request: StaffRequest) -> HttpResponse:
    """Quantities, suppliers and transfers of chosen policies; what would be ordered, and the drafts."""
    data = request.POST if request.method == "POST" else None
    policy_ids = _policy_ids(request.GET if data is None else data)
    action = data.get("action", "") if data is not None else ""
    if action == "order":
        require_permission(request.user, "purchasing.edit")
    elif action == "move":
        require_permission(request.user, "transfers.edit")
    page = plan_page(policy_ids, data, now=timezone.now())
    if not page.rows:
        messages.info(request, _("Choose what to restock first."))
        return redirect("reorder")
    refusal = None
    if action in ("order", "move") and not page.form.errors:
        try:
            answer = (_order if action == "order" else _move)(request, page)
            if answer is not None:
                return answer
        except Refusal as refused:
            refusal = refused
    context: dict[str, Any] = {
        "page": page,
        "refusal": refusal,
        "may_order": request.user.can("purchasing.edit"),
        "may_move": request.user.can("transfers.edit"),
    }
    status = refusal.status if refusal else 422 if page.form.errors else 200
    return render(request, "replenishment/plan.html", context, status=status)


def _policy_ids(data: QueryDict) -> list[int]:
    texts = data.getlist("policy")[:MOST]
    return list(dict.fromkeys(int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 19))


def _order(request: StaffRequest, page: PlanPage) -> HttpResponse | None:
    made, result = order_for(page.form.choices(), actor=Actor.user(request.user), now=timezone.now())
    if not made:
        why = {left.why for left in result.left}
        if "no_supplier" in why:
            raise Refusal("no_supplier", _("No supplier sells these. Add one to their SKUs first."))
        raise Refusal(
            "nothing_to_order", _("There is nothing to order: it is on drafts already, or the quantities are 0.")
        )
    text = ngettext("{n} draft waits for approval.", "{n} drafts wait for approval.", len(made)).format(n=len(made))
    messages.success(request, text)
    if len(made) == 1:
        return redirect("purchase-order", pk=made[0].pk)
    return redirect("purchase-orders")


def _move(request: StaffRequest, page: PlanPage) -> HttpResponse | None:
    made = transfer_for(page.moves(), key=page.form.key, actor=Actor.user(request.user), now=timezone.now())
    text = ngettext("{n} draft of a transfer made.", "{n} drafts of transfers made.", len(made)).format(n=len(made))
    messages.success(request, text)
    if len(made) == 1:
        return redirect("transfer", pk=made[0].pk)
    return redirect("transfers")
