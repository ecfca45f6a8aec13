"""The life of a return: one table of moves."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext as translate
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


#: Returns that were approved and are not settled: what makes an order's return axis “in progress”.
IN_PROGRESS_STATES = frozenset({"approved", "in_transit", "received", "inspected"})
#: Returns that will not change any more.
CLOSED_STATES = frozenset({"declined", "resolved", "cancelled"})
#: Returns whose goods may still arrive.
EXPECTED_STATES = frozenset({"approved", "in_transit", "received"})


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


class Resolution(models.TextChoices):
    """How a return was settled."""

    REFUND = "refund", _("Refunded")
    REJECT = "reject", _("Closed without a refund")


def _something_to_receive(request: Any) -> str | None:
    return None if request.received < request.units else translate("All its units have arrived.")


def _something_to_inspect(request: Any) -> str | None:
    return None if request.inspected < request.received else translate("All that has arrived is inspected.")


def _all_received_inspected(request: Any) -> str | None:
    return None if request.inspected == request.received else translate("What has arrived must be inspected first.")


_R = ReturnState
RETURN_MACHINE = StateMachine(
    "return",
    "state",
    dict(ReturnState.choices),
    [
        Action("approve", _("Approve"), frozenset({_R.REQUESTED}), _R.APPROVED, "returns.approve"),
        Action("decline", _("Decline"), frozenset({_R.REQUESTED}), _R.DECLINED, "returns.approve"),
        Action("send", _("Handed to the carrier"), frozenset({_R.APPROVED}), _R.IN_TRANSIT, "returns.receive"),
        Action("receive", _("Receive"), frozenset({_R.APPROVED, _R.IN_TRANSIT, _R.RECEIVED}), _R.RECEIVED, "returns.receive", _something_to_receive),
        Action("inspect", _("Inspect"), frozenset({_R.RECEIVED}), None, "returns.receive", _something_to_inspect),
        Action("keep", _("Let the customer keep it"), frozenset({_R.APPROVED, _R.IN_TRANSIT, _R.RECEIVED}), _R.RECEIVED, "returns.approve", _something_to_receive),
        Action("finish", _("Nothing more will come"), frozenset({_R.RECEIVED}), _R.INSPECTED, "returns.receive", _all_received_inspected),
        Action("resolve", _("Refund and close"), frozenset({_R.INSPECTED}), _R.RESOLVED, "payments.refund"),
        Action("cancel", _("Cancel"), frozenset({_R.REQUESTED, _R.APPROVED, _R.IN_TRANSIT}), _R.CANCELLED, "returns.approve"),
    ],
)  # fmt: skip
