"""The life of a transfer: one table of moves, and the words for what went wrong on the way."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.states import Action, StateMachine


class TransferState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    READY = "ready", _("Ready")
    IN_TRANSIT = "in_transit", _("In transit")
    RECEIVED = "received", _("Received")
    CANCELLED = "cancelled", _("Cancelled")


#: Transfers that will not move stock any more by themselves.
CLOSED_STATES = frozenset({"received", "cancelled"})


class OverReason(models.TextChoices):
    """Why more arrived than was sent."""

    SENT_MORE = "sent_more", _("More was sent than was noted")  # the origin's on hand falls as well
    FOUND = "found", _("Found with it; the origin's count is right")


class DamageReason(models.TextChoices):
    """Why units that arrived cannot be sold."""

    ON_THE_WAY = "on_the_way", _("Damaged on the way")
    BADLY_PACKED = "badly_packed", _("Badly packed")
    BEFORE = "before", _("Was damaged before it left")


class MissingReason(models.TextChoices):
    """What became of units that never came, as far as it is known."""

    LOST = "lost", _("Lost on the way")
    STOLEN = "stolen", _("Stolen")
    BACK = "back", _("Back at the origin")  # never left, or came back: on hand there again


class FoundPlace(models.TextChoices):
    """Where units that were given up turned up."""

    DESTINATION = "destination", _("At the destination")
    ORIGIN = "origin", _("At the origin")


def _has_lines(transfer: Any) -> str | None:
    return None if transfer.units else translate("It has no lines yet.")


def _something_missing(transfer: Any) -> str | None:
    return None if transfer.outstanding else translate("Nothing is missing.")


def _something_given_up(transfer: Any) -> str | None:
    return None if transfer.lost > transfer.found else translate("Nothing was given up as lost.")


def _something_arrived(transfer: Any) -> str | None:
    return None if transfer.received + transfer.over else translate("Nothing has arrived.")


_S = TransferState
TRANSFER_MACHINE = StateMachine(
    "transfer",
    "state",
    dict(TransferState.choices),
    [
        Action("edit", _("Edit"), frozenset({_S.DRAFT}), None, "transfers.edit"),
        Action("ready", _("Make ready"), frozenset({_S.DRAFT}), _S.READY, "transfers.edit", _has_lines),
        Action("revise", _("Back to draft"), frozenset({_S.READY}), _S.DRAFT, "transfers.edit"),
        Action("dispatch", _("Dispatch"), frozenset({_S.READY}), _S.IN_TRANSIT, "transfers.edit"),
        Action("receive", _("Receive"), frozenset({_S.IN_TRANSIT}), _S.IN_TRANSIT, "transfers.edit"),
        Action("settle", _("Settle what is missing"), frozenset({_S.IN_TRANSIT}), _S.IN_TRANSIT, "transfers.edit", _something_missing),
        Action("close", _("Everything is accounted for"), frozenset({_S.IN_TRANSIT}), _S.RECEIVED, "transfers.edit"),
        Action("undo", _("Undo a receipt"), frozenset({_S.IN_TRANSIT, _S.RECEIVED}), _S.IN_TRANSIT, "transfers.edit", _something_arrived),
        Action("find", _("Found again"), frozenset({_S.IN_TRANSIT, _S.RECEIVED}), None, "transfers.edit", _something_given_up),
        Action("cancel", _("Cancel"), frozenset({_S.DRAFT, _S.READY}), _S.CANCELLED, "transfers.edit"),
    ],
)  # fmt: skip
