"""Addresses of exchange rates."""

from __future__ import annotations

from django.urls import path

from currencies.views import rates

urlpatterns = [
    path("rates/", rates.rate_list, name="rates"),
    path("rates/new/", rates.rate_new, name="rate-new"),
    path("rates/import/", rates.rates_import, name="rates-import"),
    path("rates/orders/", rates.unrated_list, name="unrated-orders"),
]
