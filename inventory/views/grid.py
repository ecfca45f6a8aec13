"""The rows of the stock list as a grid of cells that can be changed: shown before they are saved, saved in one go."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from core.actors import Actor
from core.forms import add_refusal
from core.listing.state import ListState
from core.permissions import require
from core.refusals import Invalid, Refusal
from inventory.forms import REASONS_BY_HAND
from inventory.models import Bucket, MovementReason, StockLevel
from inventory.operations.adjusting import MAX_COUNT
from inventory.operations.grid import BIN, Cell, CellsRefused, Saved, save_cells
from inventory.operations.many_levels import LONGEST_BIN
from inventory.queries import listed_levels
from inventory.views.stock import StockList

MOST_ROWS = 200
ROWS_SHOWN = 50
COLUMNS = (Bucket.ON_HAND.value, Bucket.SAFETY_STOCK.value, BIN)
LABELS = {
    Bucket.ON_HAND.value: Bucket.ON_HAND.label,
    Bucket.SAFETY_STOCK.value: Bucket.SAFETY_STOCK.label,
    BIN: gettext_lazy("Bin"),
}


class GridForm(forms.Form):
    """One reason for all cells. `key` is made with the form: sending it twice saves once."""

    reason = forms.ChoiceField(label=gettext_lazy("Reason"), choices=REASONS_BY_HAND, initial=MovementReason.CORRECTION)
    note = forms.CharField(label=gettext_lazy("Note"), required=False, max_length=200)
    partly = forms.BooleanField(label=gettext_lazy("Save the others where a cell cannot be saved"), required=False)
    key = forms.CharField(widget=forms.HiddenInput, min_length=32, max_length=32)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"key": uuid.uuid4().hex, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)


@dataclass(slots=True)
class Box:
    """A cell of the page: its field's name, what it was when it was shown, what stands in it, what is wrong with it."""

    name: str
    column: str
    was: str
    text: str
    fault: str = ""

    @property
    def label(self) -> Any:
        return LABELS[self.column]

    @property
    def changed(self) -> bool:
        return self.text.strip() != self.was


@dataclass(slots=True)
class Row:
    """A level with its cells."""

    level: StockLevel
    boxes: list[Box] = field(default_factory=list)


@require("inventory.adjust")
@require_http_methods(["GET", "HEAD", "POST"])
def grid(request: HttpRequest) -> HttpResponse:
    """The grid. `?rows=1,2` are chosen rows; otherwise it is the page of the stock list that the rest of the address names."""
    if request.method == "POST":
        return _posted(request)
    rows = [_row(level) for level in _levels(request)]
    return render(request, "inventory/grid.html", {"rows": rows, "form": GridForm(), "labels": LABELS})


def _levels(request: HttpRequest) -> list[StockLevel]:
    chosen = [
        int(word)
        for word in request.GET.get("rows", "").split(",")
        if word.isascii() and word.isdigit() and len(word) < 19
    ]
    if chosen:
        return list(listed_levels().filter(pk__in=chosen[:MOST_ROWS]).order_by("variant__sku", "location_id", "pk"))
    page = StockList()
    state = ListState(page, request)
    keyset = state.sort.keyset(desc=state.desc)
    return list(keyset.order(state.matching(page.queryset(request)))[:ROWS_SHOWN])


def _row(level: StockLevel) -> Row:
    values = {name: str(getattr(level, name)) for name in COLUMNS}
    return Row(level, [Box(f"{name}-{level.pk}", name, value, value) for name, value in values.items()])


def _posted(request: HttpRequest) -> HttpResponse:
    form = GridForm(request.POST)
    rows = _sent_rows(request)
    cells = _cells(rows)
    wrong = any(box.fault for row in rows for box in row.boxes)
    context: dict[str, Any] = {"rows": rows, "form": form, "labels": LABELS, "changes": _changes(rows)}
    if not form.is_valid() or wrong:
        return render(request, "inventory/grid.html", context, status=422)
    if not cells:
        return render(request, "inventory/grid.html", context | {"nothing": True}, status=422)
    if request.POST.get("step") == "preview":
        return render(request, "inventory/grid.html", context | {"preview": True})
    chosen = form.cleaned_data
    try:
        saved = save_cells(
            cells=cells, reason=chosen["reason"], note=chosen["note"], partly=chosen["partly"], key=chosen["key"],
            actor=Actor.user(request.user), now=timezone.now(),
        )  # fmt: skip
    except CellsRefused as refusal:
        _mark(rows, refusal.cells)
        context |= {"refused": refusal.cells, "message": refusal.message}
        return render(request, "inventory/grid.html", context, status=409)
    except Refusal as refusal:
        _mark_field(rows, refusal)
        add_refusal(form, refusal)
        return render(request, "inventory/grid.html", context, status=refusal.status)
    return _told(request, saved, rows)


def _told(request: HttpRequest, saved: Saved, rows: list[Row]) -> HttpResponse:
    if saved.repeated:
        messages.info(request, _("This form was sent before; nothing was changed again."))
    elif saved.done:
        messages.success(
            request, ngettext("{n} cell saved.", "{n} cells saved.", len(saved.done)).format(n=len(saved.done))
        )
    for one in saved.refused:
        messages.error(request, f"{one.label}, {LABELS[one.cell.column]}: {one.why}")
    marks = ",".join(str(row.level.pk) for row in rows)
    return HttpResponseRedirect(f"{reverse('stock-grid')}?rows={marks}")


def _sent_rows(request: HttpRequest) -> list[Row]:
    """The rows as they were sent; what a cell was when it was shown comes with it."""
    keys = [int(key) for key in request.POST.getlist("row") if key.isascii() and key.isdigit() and len(key) < 19]
    levels = listed_levels().filter(pk__in=keys[:MOST_ROWS]).order_by("variant__sku", "location_id", "pk")
    rows = []
    for level in levels:
        boxes = []
        for name in COLUMNS:
            was = request.POST.get(f"was-{name}-{level.pk}", "")
            text = request.POST.get(f"{name}-{level.pk}", was)
            box = Box(f"{name}-{level.pk}", name, was, text)
            box.fault = _fault(box)
            boxes.append(box)
        rows.append(Row(level, boxes))
    return rows


def _fault(box: Box) -> str:
    text = box.text.strip()
    if box.column == BIN:
        fits = len(text) <= LONGEST_BIN and text.isprintable()
        return "" if fits else _("A bin's name has at most {most} characters.").format(most=LONGEST_BIN)
    whole = text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= MAX_COUNT
    if not whole and box.changed:
        return _("Give a whole number from 0.")
    return "" if box.was.isdigit() or not box.changed else _("This form is not whole; open it anew.")


def _cells(rows: list[Row]) -> list[Cell]:
    """The cells that were changed."""
    cells = []
    for row in rows:
        for box in row.boxes:
            if not box.changed or box.fault:
                continue
            text = " ".join(box.text.split())
            if box.column == BIN:
                cells.append(Cell(row.level.pk, BIN, box.was, text))
            else:
                cells.append(Cell(row.level.pk, box.column, int(box.was), int(text)))
    return cells


def _changes(rows: list[Row]) -> list[tuple[StockLevel, Any, str, str]]:
    """(level, column, before, after) of each changed cell, for the sentence before saving."""
    return [
        (row.level, LABELS[box.column], box.was or "—", box.text.strip() or "—")
        for row in rows
        for box in row.boxes
        if box.changed and not box.fault
    ]


def _mark(rows: list[Row], refused: list[Any]) -> None:
    """Show at each refused cell why; it keeps what was typed, and takes the present number as read, so that sending again is a choice."""
    boxes = {(row.level.pk, box.column): (row, box) for row in rows for box in row.boxes}
    for one in refused:
        found = boxes.get((one.cell.level_id, one.cell.column))
        if found:
            row, box = found
            box.fault = one.why
            box.was = str(getattr(row.level, box.column))


def _mark_field(rows: list[Row], refusal: Refusal) -> None:
    if isinstance(refusal, Invalid):
        for row in rows:
            for box in row.boxes:
                if box.name == refusal.field:
                    box.fault = refusal.message
