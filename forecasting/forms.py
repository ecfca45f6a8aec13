"""Forms of the forecasts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from forecasting.models import ForecastSettings

_SERVICE = ("service_fast", "service_slow", "service_intermittent")


class PercentField(forms.FloatField):
    """A share that people write in percent."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=50, max_value=99.9, step_size=0.1, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return round(value * 100, 1) if isinstance(value, float) else value

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        return None if cleaned is None else round(cleaned / 100, 4)


class SettingsForm(forms.Form):
    """How the shop reorders. `values` are what the operation takes."""

    lead_time_days = forms.FloatField(
        label=_("Lead time (days)"), min_value=0.5, max_value=365,
        help_text=_("For SKUs of no supplier; a supplier's own lead time and spread go before."),
    )  # fmt: skip
    lead_time_sd = forms.FloatField(
        label=_("Spread of the lead time (days)"),
        min_value=0,
        max_value=120,
        help_text=_("Standard deviation: two of three deliveries come within so many days of the lead time."),
    )
    review_days = forms.IntegerField(
        label=_("Days between two orders"),
        min_value=0,
        max_value=90,
        help_text=_("How often somebody looks and orders."),
    )
    cover_days = forms.IntegerField(
        label=_("Days an order should last"), min_value=1, max_value=365, help_text=_("From the reorder point up.")
    )
    service_fast = PercentField(label=_("Service level, fast (%)"))
    service_slow = PercentField(label=_("Service level, slow (%)"))
    service_intermittent = PercentField(label=_("Service level, intermittent (%)"))

    @classmethod
    def of(cls, settings: ForecastSettings, data: Any = None) -> SettingsForm:
        """The form of the settings as they are, or of what was sent."""
        return cls(data, initial={name: getattr(settings, name) for name in cls.base_fields})


class ServiceForm(forms.Form):
    """Another service level to try."""

    service = PercentField(label=_("Service level (%)"), required=False)
