"""The life of a return: one table of moves."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.states import Action, StateMachine


class ReturnState(models.TextChoices):
    REQUESTED = "requested", _("Requested")
    APPROVED = "approved", _("Approved")
    DECLINED = "declined", _("Declined")
    IN_TRANSIT = "in_transit", _("On its way")
    RECEIVED = "received", _("Received")
    INSPECTED = "inspected", _("Inspected")
    RESOLVED = "resolved", _("Resolved")
    CANCELLED = "cancelled", _("Cancelled")


class ReturnReason(models.TextChoices):
    DOES_NOT_FIT = "does_not_fit", _("It does not fit")
    NOT_AS_DESCRIBED = "not_as_described", _("Not as described")
    DAMAGED = "damaged", _("It arrived damaged")
    WRONG_ITEM = "wrong_item", _("The wrong item arrived")
    CHANGED_MIND = "changed_mind", _("I changed my mind")
    OTHER = "other", _("Something else")


class Disposition(models.TextChoices):
    """What happens to a returned unit."""

    RESTOCK = "restock", _("Restock")
    REFURBISH = "refurbish", _("Refurbish")
    QUARANTINE = "quarantine", _("Quarantine")
    SCRAP = "scrap", _("Scrap")
    KEEP_IT = "keep_it", _("Customer keeps it")


_R = ReturnState
RETURN_MACHINE = StateMachine(
    "return",
    "state",
    dict(ReturnState.choices),
    [
        Action("approve", _("Approve"), frozenset({_R.REQUESTED}), _R.APPROVED, "returns.approve"),
        Action("decline", _("Decline"), frozenset({_R.REQUESTED}), _R.DECLINED, "returns.approve"),
        Action("send", _("Handed to the carrier"), frozenset({_R.APPROVED}), _R.IN_TRANSIT),
        Action("receive", _("Receive"), frozenset({_R.APPROVED, _R.IN_TRANSIT, _R.RECEIVED}), _R.RECEIVED, "returns.receive"),
        Action("inspect", _("Inspect"), frozenset({_R.RECEIVED}), _R.INSPECTED, "returns.receive"),
        Action("resolve", _("Resolve"), frozenset({_R.INSPECTED}), _R.RESOLVED, "payments.refund"),
        Action("cancel", _("Cancel"), frozenset({_R.REQUESTED, _R.APPROVED, _R.IN_TRANSIT}), _R.CANCELLED),
    ],
)  # fmt: skip
