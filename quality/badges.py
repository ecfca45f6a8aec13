"""How the states, kinds and resolutions of nonconformances look."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.badges import register
from quality.states import CaseKind, CaseSource, Resolution

register("nonconformance", {"open": ("warn", _("Open")), "resolved": ("ok", _("Resolved"))})
register(
    "nonconformance.kind",
    {
        CaseKind.DAMAGED: ("bad", CaseKind.DAMAGED.label),
        CaseKind.QUALITY_CONTROL: ("info", CaseKind.QUALITY_CONTROL.label),
        CaseKind.QUARANTINE: ("accent", CaseKind.QUARANTINE.label),
    },
)
register("nonconformance.source", {source.value: ("neutral", source.label) for source in CaseSource})
register(
    "nonconformance.resolution",
    {
        Resolution.RESTOCK: ("ok", Resolution.RESTOCK.label),
        Resolution.SCRAP: ("bad", Resolution.SCRAP.label),
        Resolution.TO_SUPPLIER: ("neutral", Resolution.TO_SUPPLIER.label),
        Resolution.MOVE: ("info", Resolution.MOVE.label),
    },
)
