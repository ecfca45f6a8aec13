"""The life of a purchase order: one table of moves."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.states import Action, StateMachine


class PurchaseState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    SENT = "sent", _("Sent")
    CONFIRMED = "confirmed", _("Confirmed")
    PARTLY_RECEIVED = "partly_received", _("Partly received")
    RECEIVED = "received", _("Received")
    CANCELLED = "cancelled", _("Cancelled")


_S = PurchaseState
#: Firm orders with goods still to come: what they lack is incoming at their destination.
OPEN_STATES = frozenset({_S.SENT, _S.CONFIRMED, _S.PARTLY_RECEIVED})
#: Orders of which nothing more is expected.
CLOSED_STATES = frozenset({_S.RECEIVED, _S.CANCELLED})


class ChargeBasis(models.TextChoices):
    """By what freight, duty and other charges are spread over the lines."""

    VALUE = "value", _("By value")
    WEIGHT = "weight", _("By weight")
    QUANTITY = "quantity", _("By quantity")


def _waits_for_approval(order: Any) -> str | None:
    return None if order.awaits_approval else translate("It needs no approval.")


def _can_be_sent(order: Any) -> str | None:
    if order.awaits_approval:
        return translate("It was made automatically: somebody has to approve it first.")
    if not order.units:
        return translate("It has no lines.")
    if order.exchange_rate is None:
        return translate("Its exchange rate is not set.")
    return None


def _something_to_come(order: Any) -> str | None:
    return None if order.outstanding else translate("Nothing more is expected.")


def _all_has_come(order: Any) -> str | None:
    return translate("Some of it is still expected.") if order.outstanding else None


PURCHASE_MACHINE = StateMachine(
    "purchase",
    "state",
    dict(PurchaseState.choices),
    [
        Action("edit", _("Edit"), frozenset({_S.DRAFT}), None, "purchasing.edit"),
        Action("approve", _("Approve"), frozenset({_S.DRAFT}), None, "purchasing.send", _waits_for_approval),
        Action("send", _("Send"), frozenset({_S.DRAFT}), _S.SENT, "purchasing.send", _can_be_sent),
        Action("confirm", _("Confirm"), frozenset({_S.SENT, _S.CONFIRMED}), _S.CONFIRMED, "purchasing.edit"),
        Action("reconfirm", _("Change what is confirmed"), frozenset({_S.PARTLY_RECEIVED}), None, "purchasing.edit"),
        Action("receive", _("Receive"), OPEN_STATES, _S.PARTLY_RECEIVED, "purchasing.receive"),
        Action("receive_late", _("Receive more than was expected"), frozenset({_S.RECEIVED}), None, "purchasing.receive"),
        Action("complete", _("Everything has come"), frozenset({_S.PARTLY_RECEIVED}), _S.RECEIVED, "purchasing.receive", _all_has_come),
        Action("close", _("Nothing more will come"), OPEN_STATES, None, "purchasing.edit", _something_to_come),
        Action("charge", _("Change freight, duty and charges"), OPEN_STATES | {_S.DRAFT, _S.RECEIVED}, None, "purchasing.edit"),
        Action("cancel", _("Cancel"), frozenset({_S.DRAFT, _S.SENT, _S.CONFIRMED}), _S.CANCELLED, "purchasing.edit"),
    ],
)  # fmt: skip
