"""Addresses of invoicing."""

from __future__ import annotations

from django.urls import path

from invoicing.views import listing, orders, pages, portal, settings

urlpatterns = [
    path("invoices/", listing.document_list, name="invoices"),
    path("invoices/due/", listing.to_bill_list, name="invoices-due"),
    path("invoices/taxes/", listing.tax_list, name="invoice-taxes"),
    path("invoices/settings/", settings.settings_page, name="invoicing-settings"),
    path("invoices/series/new/", settings.series_page, name="invoice-series-new"),
    path("invoices/series/<int:pk>/", settings.series_page, name="invoice-series"),
    path("invoices/<int:pk>/", pages.document_page, name="invoice"),
    path("invoices/<int:pk>/document.pdf", pages.document_file, name="invoice-pdf"),
    path("invoices/<int:pk>/mail/", pages.document_mail, name="invoice-mail"),
    path("invoices/<int:pk>/credit/", pages.document_credit, name="invoice-credit"),
    path("orders/<int:pk>/invoice/", orders.order_invoice, name="order-invoice"),
    path("orders/<int:pk>/pro-forma/", orders.order_pro_forma, name="order-pro-forma"),
    path("t/<str:token>/documents/<int:pk>.pdf", portal.customer_file, name="tracking-document"),
]
