"""Keys of the models, as they are stored, and what people call them."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MODELS: dict[str, str | Promise] = {
    "naive": _("Naive (the last day again)"),
    "seasonal_naive": _("Seasonal naive (the last week again)"),
    "average": _("Average of twelve weeks"),
    "ses": _("Exponential smoothing"),
    "croston_sba": _("Croston, Syntetos-Boylan"),
    "tsb": _("Teunter-Syntetos-Babai"),
    "adida": _("ADIDA"),
    "imapa": _("IMAPA"),
    "ets": _("ETS with a week"),
    "ets_year": _("ETS with week and year"),
    "theta": _("Theta with a week"),
    "blend": _("Mean of the candidates"),
    "share": _("Share of the total"),
    "none": _("Nothing asked for"),
}
