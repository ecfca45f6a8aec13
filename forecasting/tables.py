"""The columns of the list of forecasts."""

from __future__ import annotations

from html import escape
from typing import Any

import django_tables2 as tables
from babel.numbers import format_decimal
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.listing import columns as c
from forecasting.models import ENDLESS
from forecasting.naming import MODELS


class UnitsColumn(c.NumberColumn):
    """A number of units with at most two decimals."""

    def cell(self, record: Any) -> str:
        value = self.value_of(record)
        return f"<bdi>{escape(format_decimal(round(value, 2), format='#,##0.##', locale=self._locale))}</bdi>"


class CoverColumn(c.NumberColumn):
    """Days; a dash where there is no end in sight."""

    def cell(self, record: Any) -> str:
        value = self.value_of(record)
        return "–" if value >= ENDLESS else f"<bdi>{escape(format_decimal(round(value), locale=self._locale))}</bdi>"

    def export(self, record: Any) -> Any:
        value = self.value_of(record)
        return None if value >= ENDLESS else round(value, 1)


class RatioColumn(c.NumberColumn):
    """The error over the seasonal naive forecast's, in percent less or more; a dash untested."""

    def cell(self, record: Any) -> str:
        if not record.tested:
            return "–"
        return f"<bdi>{escape(format_decimal(round((record.error_ratio - 1) * 100), format='+#,##0;-#', locale=self._locale))} %</bdi>"

    def export(self, record: Any) -> Any:
        return round((record.error_ratio - 1) * 100, 1) if record.tested else None


class ModelColumn(c.TextColumn):
    """The model by its name."""

    def value_of(self, record: Any) -> Any:
        return str(MODELS.get(record.model, record.model))


class PlaceColumn(c.TextColumn):
    """The location; in total without one."""

    def value_of(self, record: Any) -> Any:
        return record.location.name if record.location else translate("All locations")


class ForecastTable(tables.Table):
    """A variant at a location, or in total, a row."""

    sku = c.LinkColumn("forecast-one", accessor="variant.sku", verbose_name=_("SKU"))
    title = c.TextColumn(accessor="variant.title", verbose_name=_("Title"), soft=True, visible=False)
    location = PlaceColumn(accessor="location_id", verbose_name=_("Location"))
    speed = c.BadgeColumn("forecast.speed", verbose_name=_("Class"))
    pattern = c.BadgeColumn("forecast.pattern", verbose_name=_("Pattern"), visible=False)
    model = ModelColumn(verbose_name=_("Model"), soft=True)
    mean = UnitsColumn(accessor="mean_daily", verbose_name=_("A day"))
    p90 = UnitsColumn(accessor="p90_daily", verbose_name=_("P90 a day"))
    position = c.NumberColumn(verbose_name=_("Available and incoming"), visible=False)
    cover = CoverColumn(accessor="days_of_cover", verbose_name=_("Days of cover"))
    reorder_point = c.NumberColumn(verbose_name=_("Reorder point"))
    order_up_to = c.NumberColumn(verbose_name=_("Order up to"))
    error = RatioColumn(accessor="error_ratio", verbose_name=_("Error against naive"))
    coverage = UnitsColumn(accessor="coverage_p90", verbose_name=_("Within P90"), visible=False)
    made = c.TimeColumn(accessor="made_at", verbose_name=_("Made"), visible=False)
