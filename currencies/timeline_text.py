"""How the history of exchange rates reads."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.timeline_text import register

register("rate.saved", _("Rate of {day}: 1 {base} = {rate} {quote}."))
register("rate.deleted", _("Rate of {day} taken away: 1 {base} = {rate} {quote}."), tone="bad")
register("order.rate_fixed", _("Exchange rate fixed: 1 {base} = {rate} {quote}, of {quoted_on}."))
