"""The screens of pickers and packers: one task, a scan field, right and wrong by word, colour, shape and sound.

Every scan is a plain form post. With htmx the answer replaces the task; without JavaScript the page comes again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core.actors import Actor
from core.floor import Answer, go, keep, told
from core.permissions import require, require_permission
from core.refusals import Invalid, Refusal
from fulfillment import queries
from fulfillment.members import Member, is_rider, members_of
from fulfillment.models import FulfillmentOrder, Shipment
from fulfillment.operations.packing import empty_parcel, pack_all, pack_line, pack_scanned
from fulfillment.operations.picking import finish_picking, pick_line, pick_scanned
from fulfillment.operations.printing import print_now
from fulfillment.operations.scanning import Counted
from fulfillment.operations.shipping import ship_fulfillment_order
from fulfillment.operations.work import is_held, who_did, why_held
from fulfillment.states import FulfillmentState
from fulfillment.tracing import contents_of, is_followed
from fulfillment.views.work import load
from inventory.models import Tracking
from orders.states import Fulfillment

S = FulfillmentState
_NUMBER = re.compile(r"F\d+-\d+", re.IGNORECASE)
_DONE_PICKING = (S.PICKED, S.PACKED, S.SHIPPED, S.DELIVERED)


@require("fulfillment.pick")
@require_http_methods(["GET", "HEAD", "POST"])
def pick(request: HttpRequest, pk: int) -> HttpResponse:
    """Pick one work order in the order of the bins."""
    if request.method == "POST":
        return _answered(request, pk, "pick", _pick)
    return render(request, "fulfillment/pick.html", _pick_context(request, pk))


@require("fulfillment.pack")
@require_http_methods(["GET", "HEAD", "POST"])
def pack(request: HttpRequest, pk: int) -> HttpResponse:
    """Pack one parcel unit by unit, then print and ship it with one key. One that orders share is packed at its lead."""
    if request.method == "POST":
        return _answered(request, pk, "pack", _pack)
    context = _pack_context(request, pk)
    if context["lead_pk"] != pk:
        return HttpResponseRedirect(reverse("pack", args=[context["lead_pk"]]))
    return render(request, "fulfillment/pack.html", context)


@require("fulfillment.pack")
@require_http_methods(["GET", "HEAD", "POST"])
def station(request: HttpRequest) -> HttpResponse:
    """Where a packer begins: scan the number on a slip or tote."""
    if request.method == "POST":
        code = request.POST.get("code", "").strip()
        found = _by_number(code)
        if found is not None:
            return go(request, reverse("pack", args=[found]))
        keep(request, Answer("wrong", _("There is no work order {code}.").format(code=code[:40])))
        return go(request, reverse("pack-station"))
    waiting = (
        queries.queue()
        .filter(state__in=[S.PICKED, S.PICKING, S.OPEN])
        .exclude(order__fulfillment=Fulfillment.ON_HOLD)
        .exclude(is_rider())
        .order_by("ship_by", "id")
    )
    return render(request, "fulfillment/station.html", {"waiting": list(waiting[:12]), "answer": told(request)})


def _answered(request: HttpRequest, pk: int, name: str, do: Any) -> HttpResponse:
    """Do what was posted and answer: a fragment for htmx, else the page again."""
    code = request.POST.get("code", "").strip()
    try:
        if (other := _other_work(code, pk)) is not None:
            return go(request, reverse(name, args=[other]))
        answer = do(request, pk, code)
    except Refusal as refusal:
        if refusal.status == 403 or not FulfillmentOrder.objects.filter(pk=pk).exists():
            raise
        answer = Answer("wrong", refusal.message)
    if request.htmx:
        context = (_pick_context if name == "pick" else _pack_context)(request, pk) | {"answer": answer}
        return render(request, f"fulfillment/{name}_task.html", context)
    keep(request, answer)
    return HttpResponseRedirect(reverse(name, args=[pk]))


def _by_number(code: str) -> int | None:
    if not _NUMBER.fullmatch(code):
        return None
    return FulfillmentOrder.objects.filter(number=code.upper()).values_list("pk", flat=True).first()


def _other_work(code: str, pk: int) -> int | None:
    """The work order whose own number was scanned, when it is in another parcel than this."""
    found = _by_number(code)
    if found is None or found == pk:
        return None
    return None if any(one.pk == found for one in members_of([pk])) else found


def _line_of(request: HttpRequest) -> int:
    text = request.POST.get("line", "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid("no_such_line", _("That line is not part of this parcel."))
    return int(text)


def _counted(counted: Counted, finished: str) -> Answer:
    text = _("{sku}: {count} of {quantity}").format(sku=counted.sku, count=counted.count, quantity=counted.quantity)
    if counted.warning:
        text = f"{text}. {counted.warning}"
    return Answer("done", f"{text}. {finished}") if counted.finished else Answer("right", text)


# ---- picking ---------------------------------------------------------------------------------------------------------


def _pick(request: HttpRequest, pk: int, code: str) -> Answer:
    who: dict[str, Any] = {"fulfillment_order_id": pk, "actor": Actor.user(request.user), "now": timezone.now()}
    match request.POST.get("action", "scan"):
        case "line":
            return _counted(pick_line(line_id=_line_of(request), **who), _("Everything is picked."))
        case "finish":
            finish_picking(**who)
            return Answer("done", _("Everything is picked."))
        case _:
            return _counted(pick_scanned(code=code, **who), _("Everything is picked."))


def _pick_context(request: HttpRequest, pk: int) -> dict[str, Any]:
    context = _context(request, pk)
    found = context["found"]
    rows = [
        {
            "line": line,
            "bin": bin_name,
            "count": line.picked,
            "left": line.quantity - line.picked,
            "done": line.picked >= line.quantity,
            "take": context["take"].get(line.pk, ()),
            "units": context["contents"].get(line.pk),
        }
        for line, bin_name in context.pop("walk")
    ]
    mine = found.assigned_to in ("", Actor.user(request.user).ref)
    return context | {
        "rows": _with_now(rows),
        "picked": sum(row["count"] for row in rows),
        "finished": found.state in _DONE_PICKING,
        "workable": found.state in (S.OPEN, S.PICKING) and not context["why_held"],
        "somebody_else": "" if mine or found.state != S.PICKING else who_did(found),
        "next_pk": queries.next_work(found, [S.OPEN]) if found.state in _DONE_PICKING else None,
    }


# ---- packing ---------------------------------------------------------------------------------------------------------


def _pack(request: HttpRequest, pk: int, code: str) -> Answer:
    who: dict[str, Any] = {"fulfillment_order_id": pk, "actor": Actor.user(request.user), "now": timezone.now()}
    action = request.POST.get("action", "scan")
    if action == "scan" and _by_number(code) is not None:
        action = "ship"  # a number of this very parcel: it is closed and goes
    match action:
        case "line":
            return _counted(pack_line(line_id=_line_of(request), **who), _("The parcel is packed."))
        case "all":
            pack_all(**who)
            return Answer("done", _("The parcel is packed."))
        case "empty":
            empty_parcel(**who)
            return Answer("right", _("The parcel is empty. Count again."))
        case "ship":
            return _print_and_ship(request, who)
        case _:
            return _counted(pack_scanned(code=code, **who), _("The parcel is packed."))


def _print_and_ship(request: HttpRequest, who: dict[str, Any]) -> Answer:
    """The label is bought, the parcel leaves; the papers are drawn when they are opened."""
    require_permission(request.user, "fulfillment.ship")
    require_permission(request.user, "fulfillment.print")
    state = FulfillmentOrder.objects.values_list("state", flat=True).get(pk=who["fulfillment_order_id"])
    if state == S.PACKED:
        print_now(kinds=["label_pdf"], **who)
    shipped = ship_fulfillment_order(**who)
    return Answer(
        "done",
        _("{number} is shipped: {tracking}").format(
            number=", ".join(shipped.together), tracking=", ".join(shipped.tracking_numbers)
        ),
    )


def _pack_context(request: HttpRequest, pk: int) -> dict[str, Any]:
    context = _context(request, pk)
    found, mates = context["found"], context["mates"]
    parcel = [found, *queries.with_lines(mate.pk for mate in mates if not mate.stays)]
    if len(parcel) > 1:
        context |= _shared(parcel)
    rows = [
        {
            "line": line,
            "bin": bin_name,
            "count": line.packed,
            "left": line.quantity - line.packed,
            "done": line.packed >= line.quantity,
            "by_serial": line.order_line.variant is not None and line.order_line.variant.tracking == Tracking.SERIAL,
            "units": context["contents"].get(line.pk),
            "of": context["of"].get(line.fulfillment_order_id) if len(parcel) > 1 else None,
        }
        for line, bin_name in context.pop("walk")
    ]
    shipment = (
        Shipment.objects.filter(fulfillment_order=found, direction="outbound")
        .exclude(state__in=["void_requested", "voided"])
        .prefetch_related("packages")
        .first()
    )
    shipped = found.state in (S.SHIPPED, S.DELIVERED)
    stays = found.consolidation_id is not None and (found.state == S.ON_HOLD or bool(context["why_held"]))
    return context | {
        "rows": _with_now(rows),
        "packed": sum(row["count"] for row in rows),
        "workable": found.state in (S.OPEN, S.PICKING, S.PICKED) and not context["why_held"],
        "ready": found.state == S.PACKED and not context["why_held"],
        "shipped": shipped,
        "shipment": shipment,
        "stopped": who_did(found) if found.state in (S.CANCELLED, S.INCOMPLETE) else "",
        "who_shipped": who_did(found) if shipped else "",
        "next_pk": queries.next_work(found, [S.PICKED, S.PICKING, S.OPEN]) if shipped else None,
        "lead_pk": found.pk if stays else _packed_at(found, mates),
        "together": parcel if len(parcel) > 1 else [],
    }


def _packed_at(found: FulfillmentOrder, mates: Sequence[Member]) -> int:
    """The work order at whose page a shared parcel is packed: the lead, or the first that goes on where the lead stays behind."""
    if not mates or found.state in (S.CANCELLED, S.INCOMPLETE):
        return found.pk
    going = sorted([found.pk, *(mate.pk for mate in mates if not mate.stays)])
    return mates[0].lead_id if mates[0].lead_id in going else going[0]


def _shared(parcel: Sequence[FulfillmentOrder]) -> dict[str, Any]:
    """The lines of all orders in the parcel, one order after the other, and whose they are."""
    bins = queries.bins_of(parcel)
    lines = [line for one in parcel for line in one.lines.all()]
    return {
        "walk": [pair for one in parcel for pair in queries.lines_in_walk_order(one, bins)],
        "contents": contents_of(line for line in lines if is_followed(line)),
        "units": sum(line.quantity for line in lines),
        "of": {one.pk: one for one in parcel},
    }


def _context(request: HttpRequest, pk: int) -> dict[str, Any]:
    found = load(pk)
    lines = list(found.lines.all())
    held = is_held(found.order, found, lines)
    return {
        "found": found,
        "mates": queries.mates_of([found]).get(found.pk, []),
        "take": queries.lots_to_take([found], now=timezone.now()) if request.resolver_match.url_name == "pick" else {},
        "contents": contents_of(line for line in lines if is_followed(line)),
        "order": found.order,
        "walk": queries.lines_in_walk_order(found, queries.bins_of([found])),
        "units": sum(line.quantity for line in found.lines.all()),
        "why_held": why_held(found.order, lines) if held else "",
        "answer": told(request) if request.method != "POST" else None,
    }


def _with_now(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mark the first line that is not done: it is the one to look at."""
    current = next((row for row in rows if not row["done"]), None)
    return [row | {"now": row is current} for row in rows]
