"""Every address of the installation."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from oms import views

handler403 = "core.views.errors.forbidden"
handler404 = "core.views.errors.not_found"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("search/", views.search, name="search"),
    path("imports/exchange/", views.exchange, name="exchange"),
    path("imports/exchange/<slug:slug>/example.csv", views.exchange_example, name="exchange-example"),
    path("imports/exchange/<slug:slug>/export/", views.exchange_export, name="exchange-export"),
    path("", include("core.urls")),
    path("", include("orders.urls")),
    path("", include("inventory.urls")),
    path("", include("transfers.urls")),
    path("", include("purchasing.urls")),
    path("", include("counts.urls")),
    path("", include("quality.urls")),
    path("", include("availability.urls")),
    path("", include("backorders.urls")),
    path("", include("payments.urls")),
    path("", include("invoicing.urls")),
    path("", include("risk.urls")),
    path("", include("drafts.urls")),
    path("", include("currencies.urls")),
    path("", include("forecasting.urls")),
    path("", include("replenishment.urls")),
    path("", include("fulfillment.urls")),
    path("", include("routing.urls")),
    path("", include("customers.urls")),
    path("", include("reports.urls")),
    path("", include("customers.portal.urls")),
    path("", include("channels.urls")),
    path("", include("returns.urls")),
    path("api/v1/", include("api.urls")),
]
