"""The life of a nonconformance: units that are set aside until somebody has decided about all of them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.states import Action, StateMachine
from inventory.models import Bucket, MovementReason


class CaseState(models.TextChoices):
    OPEN = "open", _("Open")
    RESOLVED = "resolved", _("Resolved")


class CaseKind(models.TextChoices):
    """Why units are set aside. Quality control and quarantine share one bucket; a quarantine needs a decision to be lifted."""

    DAMAGED = "damaged", _("Damaged")
    QUALITY_CONTROL = "quality_control", _("Quality control")
    QUARANTINE = "quarantine", _("Quarantine")


class CaseSource(models.TextChoices):
    STOCK = "stock", _("Found in stock")
    RECEIPT = "receipt", _("Receipt")
    RETURN = "return", _("Return")
    PICK = "pick", _("Picking")


class Resolution(models.TextChoices):
    """What happens to units that were set aside."""

    RESTOCK = "restock", _("Back to stock")
    SCRAP = "scrap", _("Scrap")
    TO_SUPPLIER = "to_supplier", _("Return to the supplier")
    MOVE = "move", _("Set aside otherwise")


#: Kind → the bucket in which its units are counted.
BUCKETS: dict[str, str] = {
    CaseKind.DAMAGED: Bucket.DAMAGED,
    CaseKind.QUALITY_CONTROL: Bucket.QUALITY_CONTROL,
    CaseKind.QUARANTINE: Bucket.QUALITY_CONTROL,
}
#: Why the ledger says units went in.
REASONS_IN: dict[str, str] = {
    CaseKind.DAMAGED: MovementReason.DAMAGED,
    CaseKind.QUALITY_CONTROL: MovementReason.QUARANTINED,
    CaseKind.QUARANTINE: MovementReason.QUARANTINED,
}
#: Why the ledger says they left.
REASONS_OUT: dict[str, str] = {
    Resolution.RESTOCK: MovementReason.INSPECTED,
    Resolution.SCRAP: MovementReason.SCRAPPED,
    Resolution.TO_SUPPLIER: MovementReason.TO_SUPPLIER,
}
#: Resolutions after which the units are no longer in the building.
GONE = frozenset({Resolution.SCRAP, Resolution.TO_SUPPLIER})

CASE_MACHINE = StateMachine(
    "nonconformance",
    "state",
    dict(CaseState.choices),
    [
        Action("resolve", _("Resolve some units"), frozenset({CaseState.OPEN}), None, "quality.edit"),
        Action("finish", _("All units are decided"), frozenset({CaseState.OPEN}), CaseState.RESOLVED, "quality.edit"),
    ],
)
