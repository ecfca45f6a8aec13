"""Addresses of back-orders."""

from __future__ import annotations

from django.urls import path

from backorders.views import variant
from backorders.views.listing import waiting_list

urlpatterns = [
    path("backorders/", waiting_list, name="backorders"),
    path("backorders/settings/", variant.settings, name="backorder-settings"),
    path("backorders/<int:pk>/", variant.variant, name="backorder"),
    path("backorders/<int:pk>/fill/", variant.fill, name="backorder-fill"),
]
