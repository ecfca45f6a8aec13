"""How the states of counts and of their lines look."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.badges import register
from counts.states import CountKind, LineState

register(
    "count",
    {
        "open": ("info", _("Open")),
        "counted": ("accent", _("Counted")),
        "posted": ("ok", _("Posted")),
        "abandoned": ("neutral", _("Abandoned")),
    },
)
register("count.kind", {kind.value: ("neutral", kind.label) for kind in CountKind})
register(
    "count.line",
    {
        "to_count": ("neutral", LineState.TO_COUNT.label),
        "counting": ("info", LineState.COUNTING.label),
        "recount": ("warn", LineState.RECOUNT.label),
        "recounting": ("info", LineState.RECOUNTING.label),
        "done": ("ok", LineState.DONE.label),
    },
)
register(
    "count.result",
    {
        "exact": ("ok", _("Exact")),
        "adjusted": ("warn", _("Adjusted")),
        "left": ("neutral", _("Left as it is")),
        "refused": ("bad", _("Refused")),
    },
)
