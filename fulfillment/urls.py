"""Addresses of the warehouse: its queue, its work orders, its floor screens and papers."""

from __future__ import annotations

from django.urls import path

from fulfillment.views import floor, papers, work
from fulfillment.views.queue import work_queue

urlpatterns = [
    path("fulfillment/", work_queue, name="fulfillment"),
    path("fulfillment/pack/", floor.station, name="pack-station"),
    path("fulfillment/<int:pk>/", work.work_order, name="fulfillment-order"),
    path("fulfillment/<int:pk>/act/", work.act, name="fulfillment-order-action"),
    path("fulfillment/<int:pk>/missing/", work.missing, name="fulfillment-missing"),
    path("fulfillment/<int:pk>/pick/", floor.pick, name="pick"),
    path("fulfillment/<int:pk>/pack/", floor.pack, name="pack"),
    path("fulfillment/<int:pk>/print/", work.print_one, name="print"),
    path("fulfillment/<int:pk>/slip/", papers.slip_page, name="fulfillment-slip"),
    path("fulfillment/<int:pk>/papers/<str:kind>/", papers.document, name="fulfillment-paper"),
]
