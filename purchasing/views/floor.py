"""Receiving at the door: scan the order, scan what came, book it. Keyboard alone, or gloves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core.actors import Actor
from core.floor import Answer, FormRefused, first_error, go, keep, told
from core.forms import add_refusal
from core.permissions import require
from core.refusals import Refusal
from inventory.models import StockLevel
from purchasing.forms import BookForm, CountForm
from purchasing.models import ArrivalCount, PurchaseLine, PurchaseOrder
from purchasing.operations import begin_lot, book_counted, clear_counts, count_scanned, set_count
from purchasing.states import OPEN_STATES, PURCHASE_MACHINE
from purchasing.views.orders import load

WAITING_SHOWN = 20


@dataclass(slots=True)
class Asked(Answer):
    """An answer that asks for more. serial_of: the line whose serial number comes next."""

    serial_of: int | None = None


@require_http_methods(["GET", "HEAD", "POST"])
@require("purchasing.receive")
def scan(request: HttpRequest) -> HttpResponse:
    """Where receiving begins: scan the number of the order on the delivery note."""
    if request.method == "POST":
        code = request.POST.get("code", "").strip()
        found = _by_code(code)
        if found is not None:
            return go(request, reverse("purchase-floor", args=[found]))
        text = _("There is no open purchase order {code}.").format(code=code[:40])
        keep(request, Answer("wrong", text))
        return go(request, reverse("purchase-scan"))
    waiting = PurchaseOrder.objects.filter(state__in=OPEN_STATES).select_related("supplier", "location")
    rows = list(waiting.order_by("expected_on", "id")[:WAITING_SHOWN])
    return render(request, "purchasing/scan.html", {"waiting": rows, "answer": told(request)})


@require_http_methods(["GET", "HEAD", "POST"])
@require("purchasing.receive")
def floor(request: HttpRequest, pk: int) -> HttpResponse:
    """One order at the door."""
    if request.method != "POST":
        return render(request, "purchasing/floor.html", _context(load(pk)) | {"answer": told(request)})
    code = request.POST.get("code", "").strip()
    other = _by_number(code)
    if other is not None and other != pk:
        return go(request, reverse("purchase-floor", args=[other]))
    order, forms = load(pk), {}
    try:
        answer = _do(request, order, code)
    except FormRefused as refused:
        answer, forms = refused.answer, refused.forms
    except Refusal as refusal:
        if refusal.status == 403:
            raise
        answer = Answer("wrong", refusal.message)
    if request.htmx:
        return render(request, "purchasing/floor_task.html", _context(load(pk), **forms) | {"answer": answer})
    if forms or isinstance(answer, Asked):
        status = 422 if forms else 200
        return render(request, "purchasing/floor.html", _context(load(pk), **forms) | {"answer": answer}, status=status)
    keep(request, answer)
    return HttpResponseRedirect(reverse("purchase-floor", args=[pk]))


def _do(request: HttpRequest, order: PurchaseOrder, code: str) -> Answer:
    match request.POST.get("action", "scan"):
        case "count":
            return _count(request, order)
        case "clear":
            clear_counts(order_id=order.pk)
            return Answer("right", _("Count again."))
        case "book":
            return _book(request, order)
        case _:
            serial_of = request.POST.get("serial_of", "")
            return _scanned(
                order.pk, code, damaged=bool(request.POST.get("damaged")),
                serial_of=int(serial_of) if serial_of.isdecimal() and len(serial_of) < 18 else None,
            )  # fmt: skip


def _scanned(pk: int, code: str, *, damaged: bool, serial_of: int | None) -> Answer:
    counted = count_scanned(order_id=pk, code=code, damaged=damaged, serial_of=serial_of)
    if counted.asks_serial:
        return Asked("right", _("{sku}: now scan its serial number.").format(sku=counted.sku), counted.line_id)
    text = _("{sku}: {count} of {expected}").format(sku=counted.sku, count=counted.count, expected=counted.expected)
    if counted.over:
        more = _("{over} more than expected").format(over=counted.over)
        return Answer("wrong", f"{text}. {more}.")
    if damaged:
        return Answer("right", f"{text}. {_('Damaged')}.")
    return Answer("done", f"{text}. {_('Everything is counted.')}") if counted.complete else Answer("right", text)


def _count(request: HttpRequest, order: PurchaseOrder) -> Answer:
    """A count, a lot or serial numbers that are typed."""
    form = CountForm(request.POST)
    if form.is_valid():
        values = form.values()
        try:
            if values["lot_code"] and not values["counted"] and form.data.get("counted", "") == "":
                begin_lot(
                    order_id=order.pk,
                    line_id=values["line_id"],
                    lot_code=values["lot_code"],
                    expires_on=values["expires_on"],
                )
                return Answer("right", _("Lot {lot}: now scan its units.").format(lot=values["lot_code"]))
            counted = set_count(order_id=order.pk, **values)
            return Answer(
                "right",
                _("{sku}: {count} of {expected}").format(
                    sku=counted.sku, count=counted.count, expected=counted.expected
                ),
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
    raise FormRefused(first_error(form), count_form=form)


def _book(request: HttpRequest, order: PurchaseOrder) -> Answer:
    """Put into stock what is counted."""
    form = BookForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            receipt = book_counted(
                order_id=order.pk, key=data["key"], reference=data["reference"], reason=data["reason"], actor=Actor.user(request.user),
                now=timezone.now(),
            )  # fmt: skip
            rest = PurchaseOrder.objects.values_list("outstanding", flat=True).get(pk=receipt.order_id)
            if rest:
                return Answer("done", _("In stock. Units still expected: {units}.").format(units=rest))
            return Answer("done", _("In stock. {number} is complete.").format(number=order.number))
        except Refusal as refusal:
            add_refusal(form, refusal)
    raise FormRefused(first_error(form), book_form=form)


def _context(
    order: PurchaseOrder, *, count_form: CountForm | None = None, book_form: BookForm | None = None
) -> dict[str, Any]:
    lines = list(order.lines.all())
    counts: dict[int, list[ArrivalCount]] = {line.pk: [] for line in lines}
    for row in ArrivalCount.objects.filter(line__order=order).order_by("pk"):
        counts[row.line_id].append(row)
    bins = dict(
        StockLevel.objects.filter(location_id=order.location_id, variant_id__in=[line.variant_id for line in lines])
        .exclude(bin="")
        .values_list("variant_id", "bin")
    )
    rows = [_row(line, counts[line.pk], bins.get(line.variant_id, ""), count_form) for line in lines]
    counted = sum(row["counted"] for row in rows)
    over = any(row["over"] for row in rows)
    return {
        "order": order,
        "rows": rows,
        "counted": counted,
        "over": over,
        "at_once": bool(counted) and not over,
        "open": not PURCHASE_MACHINE.why_not(order, "receive") or not PURCHASE_MACHINE.why_not(order, "receive_late"),
        "expected": sum(line.expected - line.cancelled for line in lines),
        "form": book_form or BookForm(),
    }


def _row(line: PurchaseLine, counts: list[ArrivalCount], bin_name: str, refused: CountForm | None) -> dict[str, Any]:
    counted = sum(row.counted for row in counts)
    own = refused is not None and str(refused.data.get("line", "")) == str(line.pk)
    last = counts[-1] if counts else None
    initial: dict[str, Any] = {"line": line.pk}
    if last is not None:
        initial |= {
            "counted": last.counted,
            "damaged": last.damaged,
            "lot_code": last.lot_code,
            "expires_on": last.expires_on,
            "serials": "\n".join(last.serials),
        }
    return {
        "line": line,
        "bin": bin_name,
        "counts": counts,
        "counted": counted,
        "damaged": sum(row.damaged for row in counts),
        "to_come": line.to_come,
        "over": max(0, counted - line.to_come),
        "done": counted >= line.to_come,
        "form": refused if own else CountForm(initial=initial, auto_id=f"id_{line.pk}_%s"),
        "refused": own,
    }


def _by_number(code: str) -> int | None:
    word = code.strip().upper()
    if not word.startswith("PO-") or len(word) > 20 or "\x00" in word:
        return None
    return PurchaseOrder.objects.filter(number=word).values_list("pk", flat=True).first()


def _by_code(code: str) -> int | None:
    """The order of a number, or the one open order with the supplier's reference."""
    found = _by_number(code)
    if found is not None or not code or len(code) > 80 or "\x00" in code:
        return found
    known = list(
        PurchaseOrder.objects.filter(Q(supplier_reference__iexact=code), state__in=OPEN_STATES).values_list(
            "pk", flat=True
        )[:2]
    )
    return known[0] if len(known) == 1 else None
