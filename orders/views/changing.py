"""Change an order after it was placed: edit in place, see what it does, submit."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from core.actors import Actor
from core.forms import add_refusal
from core.money import format_money
from core.permissions import require
from core.refusals import Refusal, Stale
from core.search import search
from inventory.models import Variant
from oms.orchestration.changing import EffectMoved, Preview, preview_change, submit_change
from oms.orchestration.changing.changes import Change
from oms.orchestration.changing.editing import open_edit
from oms.orchestration.changing.reading import shown
from orders.models import Order
from orders.offers import why_not_open
from orders.views.changing_form import AddedLines, ChangeForm
from orders.views.page import find_order

#: SKUs suggested while one is typed.
SUGGESTED = 12


@require("orders.change")
@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """The order to be edited. `step=preview` shows what the change does; `step=submit` does what was shown."""
    order = find_order(pk)
    if why := why_not_open(order, ()):
        messages.info(request, why)
        return redirect("order", pk=pk)
    if request.method == "GET":
        form = ChangeForm(edit=open_edit(order, lock=False), key=uuid.uuid4().hex, lines=AddedLines(prefix="add"))
        return _page(request, order, form, None)
    key = request.POST.get("key", "").replace("\x00", "")
    if key and order.changes.filter(key=key).exists():
        return redirect("order", pk=pk)  # the same form sent twice: it is done
    return _posted(request, order)


def _posted(request: HttpRequest, order: Order) -> HttpResponse:
    added = AddedLines(request.POST, prefix="add")
    form = ChangeForm(request.POST, edit=open_edit(order, lock=False), key="", lines=added)
    stale, status = None, 200
    if form.is_valid() and form.cleaned_data["version"] != order.version:
        text = _(
            "Order {number} was changed by somebody else since you opened it. What you put in is kept: look again."
        )
        stale = Stale("order_changed", text.format(number=order.number))
        form = form.again(form.edit)
    changes = form.changes() if form.is_valid() & added.is_valid() else []
    preview: Preview | None = None
    if changes and not _refused(form):
        try:
            if request.POST.get("step") == "submit" and request.POST.get("digest") and stale is None:
                return _submitted(request, order, form, changes)
            preview = _preview(request, order, form, changes)
        except EffectMoved as moved:
            preview, stale = Preview(order.version, moved.effect, []), moved
        except Refusal as refusal:
            add_refusal(form, refusal)
            status = refusal.status
    if stale is not None:
        add_refusal(form, stale)
        status = stale.status
    elif _refused(form):
        status = max(status, 422)
    return _page(request, order, form, preview, status=status)


def _refused(form: ChangeForm) -> bool:
    return bool(form.errors or (form.added is not None and form.added.total_error_count()))


def _preview(request: HttpRequest, order: Order, form: ChangeForm, changes: Sequence[Change]) -> Preview:
    actor = Actor.user(request.user)
    found = preview_change(order_id=order.pk, changes=changes, version=order.version, actor=actor, now=timezone.now())
    for refused in found.refused:
        form.blame(form.sources[refused.index], Refusal(refused.code, refused.message, field=refused.field))
    return found


def _submitted(request: HttpRequest, order: Order, form: ChangeForm, changes: Sequence[Change]) -> HttpResponse:
    given = form.cleaned_data
    submit_change(
        order_id=order.pk,
        changes=changes,
        version=given["version"],
        digest=request.POST["digest"].replace("\x00", ""),
        key=given["key"],
        reason=given["reason"],
        actor=Actor.user(request.user),
        now=timezone.now(),
    )
    order.refresh_from_db()
    text = _("Order {number} is changed.").format(number=order.number)
    if order.owed_by_customer > 0:
        owed = format_money(order.owed_by_customer, order.currency)
        text += " " + _("{amount} is owed; the customer is told.").format(amount=owed)
    messages.success(request, text)
    if order.owed_to_customer > 0 and request.user.can("payments.refund"):
        return redirect("order-refund", pk=order.pk)
    return redirect("order", pk=order.pk)


def _page(
    request: HttpRequest, order: Order, form: ChangeForm, preview: Preview | None, *, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {"order": order, "form": form, "added": form.added, "preview": preview}
    if preview is not None:
        context["effect"] = shown(preview.effect)
        context["ready"] = not preview.refused
    if request.htmx:  # type: ignore[attr-defined]
        status = 200  # the form is swapped in with its problems in it
    return render(request, "orders/change.html", context, status=status)


@require("orders.change")
@require_safe
def skus(request: HttpRequest) -> HttpResponse:
    """Suggestions for what is typed into a field of a SKU, as options of a list. Whatever the field is called."""
    typed = next((value for value in request.GET.values() if value.strip()), "").replace("\x00", "")[:64]
    variants = Variant.objects.filter(active=True).only("sku", "title", "price")
    found = search(variants, typed).order_by("sku")[:SUGGESTED] if typed else []
    return render(request, "orders/change_skus.html", {"variants": found})
