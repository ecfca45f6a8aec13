"""How the history of store credit, reminders, collecting at the door and manual methods reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.timeline_text import fill, register


def _credit(sentence: Any, *, with_order: Any = "") -> Any:
    """The sentence, or that of an order where there was one; and the reason in quotes."""

    def told(data: Mapping[str, Any]) -> str:
        text = fill(str(with_order if with_order and data.get("number") else sentence), data)
        reason = data.get("reason")
        return f"{text} {fill(translate('“{reason}”'), data)}" if reason and reason != data.get("number") else text

    return told


register("credit.grant", _credit(_("{amount} of store credit granted.")))
register(
    "credit.refund",
    _credit(
        _("{amount} refunded to store credit."), with_order=_("{amount} of order {number} refunded to store credit.")
    ),
)
register(
    "credit.spend",
    _credit(_("{amount} of store credit spent."), with_order=_("{amount} of store credit spent on order {number}.")),
)
register("credit.withdraw", _credit(_("{amount} of store credit taken back.")), tone="bad")
register("credit.expire", _("{amount} of store credit expired."))
register("payment.reminded", _("Reminder of {amount} sent to {to}."))
register("payment.collection_agreed", _("To be collected at delivery: {method}."))
register("payment_method.saved", _("Way of paying saved: {name}."))
