"""What a person is asked for before something is printed or reported."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.models import Shop
from fulfillment.models import DocumentKind

K = DocumentKind
#: name → (label, pages of one parcel in this order)
PAPERS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "both_4x6": (_("Labels and packing slips, 4 × 6 in"), (K.LABEL_PDF, K.SLIP_4X6)),
    "both_a4": (_("Labels 4 × 6 in and packing slips A4"), (K.LABEL_PDF, K.SLIP_A4)),
    "labels": (_("Labels only, 4 × 6 in (PDF)"), (K.LABEL_PDF,)),
    "zpl": (_("Labels only, for thermal printers (ZPL)"), (K.LABEL_ZPL,)),
    "slips_a4": (_("Packing slips only, A4"), (K.SLIP_A4,)),
    "slips_4x6": (_("Packing slips only, 4 × 6 in"), (K.SLIP_4X6,)),
}


def shop_papers() -> str:
    """The papers that are chosen at first: the shop's own size of slip."""
    paper = Shop.objects.values_list("slip_paper", flat=True).first() or "a4"
    return f"both_{paper}"


class PrintForm(forms.Form):
    """What to print for the chosen parcels."""

    what = forms.ChoiceField(
        label=_("Print"), choices=[(name, label) for name, (label, _kinds) in PAPERS.items()], initial=shop_papers,
        help_text=_("Labels that are not bought yet are bought now, each once. A reprint buys nothing."),
    )  # fmt: skip


class MissingForm(forms.Form):
    """How many units of a line were not found."""

    line = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    units = forms.IntegerField(label=_("Units not found"), min_value=1, initial=1)
