"""Barcode labels for SKUs and bins: what was chosen in a list, how many of each, on which paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from core.files import file_response
from core.paper.codes import NotEncodable
from core.permissions import require
from fulfillment.documents.fonts import label_fonts
from inventory.codes import bin_code
from inventory.documents.barcodes import SIZES, BarcodeLabel, Fonts, labels_pdf, labels_zpl, module_dots, module_width
from inventory.models import Location, StockLevel

#: Rows on the page, and labels in one file.
MOST_ROWS, MOST_LABELS, MOST_OF_ONE = 500, 5000, 999
_MARKS = 8000  # characters of the address that name rows

SIZE_CHOICES = [
    ("a4_3x8", gettext_lazy("A4 sheet, 3 × 8 labels (70 × 37 mm)")),
    ("a4_4x10", gettext_lazy("A4 sheet, 4 × 10 labels (52 × 30 mm)")),
    ("57x32", gettext_lazy("Single labels, 57 × 32 mm")),
    ("4x6", gettext_lazy("Single labels, 4 × 6 in")),
]


class LabelsForm(forms.Form):
    """On what the labels are printed."""

    what = forms.ChoiceField(
        label=gettext_lazy("Labels for"), choices=[("skus", gettext_lazy("SKUs")), ("bins", gettext_lazy("Bins"))], widget=forms.RadioSelect,
    )  # fmt: skip
    size = forms.ChoiceField(label=gettext_lazy("Paper"), choices=SIZE_CHOICES)
    file = forms.ChoiceField(
        label=gettext_lazy("File"), choices=[("pdf", "PDF"), ("zpl", gettext_lazy("ZPL, for label printers"))]
    )
    skip = forms.IntegerField(
        label=gettext_lazy("Labels used up on the first sheet"), min_value=0, max_value=39, required=False, initial=0
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("file") == "zpl" and cleaned.get("size") in SIZES and SIZES[cleaned["size"]].per_page > 1:
            self.add_error("size", _("Label printers print single labels: choose one of them."))
        return cleaned


@dataclass(frozen=True, slots=True)
class Row:
    """A label that can be printed: its key in the form, what it says, how many are proposed."""

    key: str
    label: BarcodeLabel
    proposed: int


@require("inventory.view")
@require_http_methods(["GET", "HEAD", "POST"])
def barcodes(request: HttpRequest) -> HttpResponse:
    """The page on which labels are chosen; POST answers the file. `?levels=1,2` are rows of the stock list, `?location=3` its bins."""
    given = request.POST if request.method == "POST" else request.GET
    place = given.get("location", "")
    marks = given.get("levels", "")[:_MARKS]
    what = given.get("what") or ("bins" if place and not marks else "skus")
    form = LabelsForm(request.POST if request.method == "POST" else None, initial={"what": what})
    rows = _rows(marks, place, what)
    faults: list[tuple[str, str]] = []
    if request.method == "POST" and request.POST.get("step") == "print" and form.is_valid():
        labels, faults = _chosen(rows, request, form.cleaned_data)
        if labels and not faults:
            return _file(labels, form.cleaned_data)
    elif request.method == "POST" and request.POST.get("step") != "print":
        form = LabelsForm(initial={**request.POST.dict(), "what": what})
    context = {
        "form": form, "rows": [_shown(row, request) for row in rows], "levels": marks, "location": place, "faults": faults,
        "nothing": request.method == "POST" and request.POST.get("step") == "print" and form.is_bound and form.is_valid() and not faults,
    }  # fmt: skip
    return render(request, "inventory/barcodes.html", context, status=422 if faults or form.errors else 200)


def _rows(marks: str, place: str, what: str) -> list[Row]:
    """The rows named by the address. A bin that holds many of the chosen SKUs is there once."""
    keys = [int(word) for word in marks.split(",") if word.isascii() and word.isdigit() and len(word) < 19][:MOST_ROWS]
    levels = StockLevel.objects.select_related("variant", "location").only(
        "bin", "on_hand", "variant__sku", "variant__title", "variant__barcode", "location__name"
    )
    if keys:
        levels = levels.filter(pk__in=keys)
    elif place.isascii() and place.isdigit() and len(place) < 19:
        levels = levels.filter(location=get_object_or_404(Location, pk=int(place)))
    else:
        return []
    if what == "bins":
        found = levels.exclude(bin="").order_by("location__name", "bin")
        names = found.values_list("location_id", "location__name", "bin").distinct()[:MOST_ROWS]
        return [
            Row(f"bin-{n}-{name}", BarcodeLabel(name, place_name, bin_code(name)), 1)
            for n, (_pk, place_name, name) in enumerate(names)
        ]
    chosen = levels.order_by("variant__sku", "location__name")[:MOST_ROWS]
    return [
        Row(
            f"sku-{one.pk}", BarcodeLabel(one.variant.sku, one.variant.title, one.variant.barcode or one.variant.sku), max(1, min(one.on_hand, MOST_OF_ONE)),
        )
        for one in chosen
    ]  # fmt: skip


def _shown(row: Row, request: HttpRequest) -> dict[str, Any]:
    """A row of the page; a number that was typed stays."""
    return {"key": row.key, "label": row.label, "number": request.POST.get(f"n-{row.key}", str(row.proposed))[:6]}


def _chosen(
    rows: Sequence[Row], request: HttpRequest, chosen: Mapping[str, Any]
) -> tuple[list[BarcodeLabel], list[tuple[str, str]]]:
    """The labels as often as they are wanted, and what is wrong: (row, sentence)."""
    labels: list[BarcodeLabel] = []
    fits = module_dots if chosen["file"] == "zpl" else module_width
    faults = []
    for row in rows:
        text = request.POST.get(f"n-{row.key}", "").strip()
        if text in ("", "0"):
            continue
        if not (text.isascii() and text.isdigit() and int(text) <= MOST_OF_ONE):
            faults.append((row.label.headline, _("Give a number from 0 to {most}.").format(most=MOST_OF_ONE)))
            continue
        try:
            fits(row.label.code, SIZES[chosen["size"]])
        except NotEncodable:
            faults.append(
                (
                    row.label.headline,
                    _("Its code does not fit on this label; choose a larger one, or give it a shorter barcode."),
                )
            )
            continue
        labels += [row.label] * int(text)
    if len(labels) > MOST_LABELS:
        faults.append(("", _("At most {most} labels at once.").format(most=MOST_LABELS)))
    return labels, faults


def _file(labels: list[BarcodeLabel], chosen: dict[str, Any]) -> HttpResponse:
    size = SIZES[chosen["size"]]
    if chosen["file"] == "zpl":
        return file_response("labels.zpl", "text/plain; charset=us-ascii", labels_zpl(labels, size).encode("ascii"))
    found = label_fonts()
    fonts = Fonts(found.regular, found.bold, found.second)
    return file_response(
        "labels.pdf", "application/pdf", labels_pdf(labels, size, fonts, skip=chosen["skip"] or 0), inline=True
    )
