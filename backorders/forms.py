"""Forms of filling."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backorders.models import FillingSettings
from core.forms import WrittenByOperation


class FillingForm(WrittenByOperation):
    """Who is served first, whether a person decides, and when customers are told."""

    class Meta:
        model = FillingSettings
        fields = ["strategy", "ask_first", "quiet_days", "tell_first"]
        help_texts = {
            "strategy": _(
                "Most complete orders: those first that all goods are here for, small ones before large ones. Priority is set at the customer."
            ),
            "ask_first": _("Goods that come in wait until somebody has looked at who would get them."),
            "quiet_days": _("Smaller moves are not mailed; they add up until they are more than this."),
            "tell_first": _("Otherwise the first day stands on the customer's page, and only a change is mailed."),
        }
