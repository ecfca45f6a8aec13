"""Addresses of forecasting."""

from __future__ import annotations

from django.urls import path

from forecasting.views import one, running
from forecasting.views.listing import forecast_list

urlpatterns = [
    path("forecast/", forecast_list, name="forecast"),
    path("forecast/run/", running.forecast_run, name="forecast-run"),
    path("forecast/settings/", running.forecast_settings_page, name="forecast-settings"),
    path("forecast/<int:pk>/", one.forecast_one, name="forecast-one"),
]
