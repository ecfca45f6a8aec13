"""The filters of the payments list."""

from __future__ import annotations

import django_filters as filters
from django.utils.translation import gettext_lazy as _

from core.listing.filters import DayRangeFilter
from orders.filters import NamedFilter, WordsFilter
from payments.models import GatewayAccount, PaymentIntent
from payments.states import IntentState


class PaymentFilter(filters.FilterSet):
    """By state, account and day."""

    state = WordsFilter(IntentState.choices, label=_("State"))
    account = NamedFilter(queryset=GatewayAccount.objects.order_by("name"), label=_("Account"))
    created_at = DayRangeFilter(label=_("Begun"))

    class Meta:
        model = PaymentIntent
        fields: list[str] = []
