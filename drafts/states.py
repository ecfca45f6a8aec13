"""The life of a draft order: one table of moves; and the words for how it came about and when it is paid."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.states import Action, StateMachine


class DraftState(models.TextChoices):
    OPEN = "open", _("Open")
    SENT = "sent", _("Invoice sent")
    COMPLETED = "completed", _("Completed")
    EXPIRED = "expired", _("Expired")
    CANCELLED = "cancelled", _("Cancelled")


class Scenario(models.TextChoices):
    """What a draft begins with; everything can be changed afterwards."""

    PHONE = "phone", _("Phone")
    COUNTER = "counter", _("Counter")
    WHOLESALE = "wholesale", _("Wholesale")


class Terms(models.TextChoices):
    """When it is to be paid. `advance`: before it ships, so an unpaid order waits."""

    ADVANCE = "advance", _("In advance")
    RECEIPT = "receipt", _("Due on receipt")
    NET_7 = "net7", _("Net 7 days")
    NET_15 = "net15", _("Net 15 days")
    NET_30 = "net30", _("Net 30 days")
    NET_60 = "net60", _("Net 60 days")
    NET_90 = "net90", _("Net 90 days")
    END_OF_MONTH = "eom", _("End of the month")


class DiscountKind(models.TextChoices):
    NONE = "none", _("None")
    AMOUNT = "amount", _("Amount")
    PERCENT = "percent", _("Percent")


_S = DraftState
#: Drafts that can still become orders: they may be changed and may hold stock.
LIVE_STATES = frozenset({_S.OPEN, _S.SENT})


def _has_lines(draft: Any) -> str | None:
    return None if draft.units else translate("It has no lines.")


def _on_terms(draft: Any) -> str | None:
    if not draft.units:
        return translate("It has no lines.")
    return translate("Its payment terms are “In advance”.") if draft.terms == Terms.ADVANCE else None


def _holds(draft: Any) -> str | None:
    return None if draft.hold_until else translate("It holds no stock.")


DRAFT_MACHINE = StateMachine(
    "draft",
    "state",
    dict(DraftState.choices),
    [
        Action("edit", _("Edit"), LIVE_STATES, None, "drafts.edit"),
        Action("send", _("Send"), LIVE_STATES, _S.SENT, "drafts.edit", _has_lines),
        Action("hold", _("Hold stock"), LIVE_STATES, None, "drafts.edit", _has_lines),
        Action("release", _("Release stock"), LIVE_STATES, None, "drafts.edit", _holds),
        Action("accept", _("Accepted by the customer"), frozenset({_S.SENT}), _S.COMPLETED, None, _has_lines),
        Action("paid", _("Paid in person"), LIVE_STATES, _S.COMPLETED, "payments.record", _has_lines),
        Action("terms", _("Place on terms"), LIVE_STATES, _S.COMPLETED, "orders.create", _on_terms),
        Action("place", _("Place, to be paid"), LIVE_STATES, _S.COMPLETED, "orders.create", _has_lines),
        Action("expire", _("Let it expire"), LIVE_STATES, _S.EXPIRED, "drafts.edit"),
        Action("cancel", _("Cancel"), LIVE_STATES | {_S.EXPIRED}, _S.CANCELLED, "drafts.edit"),
        Action("reopen", _("Open again"), frozenset({_S.EXPIRED}), _S.OPEN, "drafts.edit"),
    ],
)  # fmt: skip
