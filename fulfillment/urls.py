"""Addresses of the warehouse: its queue, its work orders, its floor screens and papers."""

from __future__ import annotations

from django.urls import path

from fulfillment.views import floor, lanes, papers, splitting, together, work
from fulfillment.views.queue import work_queue

urlpatterns = [
    path("delivery/lanes/", lanes.lane_list, name="delivery-lanes"),
    path("delivery/lanes/new/", lanes.lane_new, name="delivery-lane-new"),
    path("delivery/lanes/import/", lanes.lanes_import, name="delivery-lanes-import"),
    path("delivery/lanes/<int:pk>/", lanes.lane, name="delivery-lane"),
    path("delivery/calendars/", lanes.calendars, name="delivery-calendars"),
    path("fulfillment/", work_queue, name="fulfillment"),
    path("fulfillment/pack/", floor.station, name="pack-station"),
    path("fulfillment/together/", together.together_list, name="ship-together"),
    path("fulfillment/<int:pk>/merge/", together.merge, name="fulfillment-merge"),
    path("fulfillment/<int:pk>/unmerge/", together.unmerge, name="fulfillment-unmerge"),
    path("fulfillment/<int:pk>/split/", splitting.split, name="fulfillment-split"),
    path("fulfillment/<int:pk>/join/", splitting.join, name="fulfillment-join"),
    path("orders/<int:pk>/merge/", together.order_work, {"act": "merge"}, name="order-merge"),
    path("orders/<int:pk>/split/", together.order_work, {"act": "split"}, name="order-split"),
    path("fulfillment/<int:pk>/", work.work_order, name="fulfillment-order"),
    path("fulfillment/<int:pk>/act/", work.act, name="fulfillment-order-action"),
    path("fulfillment/<int:pk>/missing/", work.missing, name="fulfillment-missing"),
    path("fulfillment/<int:pk>/pick/", floor.pick, name="pick"),
    path("fulfillment/<int:pk>/pack/", floor.pack, name="pack"),
    path("fulfillment/<int:pk>/print/", work.print_one, name="print"),
    path("fulfillment/<int:pk>/slip/", papers.slip_page, name="fulfillment-slip"),
    path("fulfillment/<int:pk>/papers/<str:kind>/", papers.document, name="fulfillment-paper"),
]
