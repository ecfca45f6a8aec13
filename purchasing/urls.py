"""Addresses of purchasing."""

from __future__ import annotations

from django.urls import path

from purchasing.views import costs, floor, listing, orders, suppliers

urlpatterns = [
    path("purchase-orders/", listing.purchase_list, name="purchase-orders"),
    path("purchase-orders/new/", orders.purchase_new, name="purchase-order-new"),
    path("purchase-orders/receive/", floor.scan, name="purchase-scan"),
    path("purchase-orders/<int:pk>/", orders.purchase_page, name="purchase-order"),
    path("purchase-orders/<int:pk>/edit/", orders.purchase_edit, name="purchase-order-edit"),
    path("purchase-orders/<int:pk>/act/", orders.purchase_act, name="purchase-order-act"),
    path("purchase-orders/<int:pk>/confirm/", orders.purchase_confirm, name="purchase-order-confirm"),
    path("purchase-orders/<int:pk>/close/", orders.purchase_close, name="purchase-order-close"),
    path("purchase-orders/<int:pk>/cancel/", orders.purchase_cancel, name="purchase-order-cancel"),
    path("purchase-orders/<int:pk>/charges/", orders.purchase_charges, name="purchase-order-charges"),
    path("purchase-orders/<int:pk>/order.pdf", orders.purchase_paper, name="purchase-order-pdf"),
    path("purchase-orders/<int:pk>/receive/", floor.floor, name="purchase-floor"),
    path("deliveries/", listing.receipt_list, name="receipts"),
    path("suppliers/", listing.supplier_list, name="suppliers"),
    path("suppliers/new/", suppliers.supplier_new, name="supplier-new"),
    path("suppliers/import/", suppliers.supplier_import, name="supplier-import"),
    path("suppliers/prices/", listing.item_list, name="supplier-items"),
    path("suppliers/prices/<int:pk>/delete/", suppliers.item_delete, name="supplier-item-delete"),
    path("suppliers/<int:pk>/", suppliers.supplier_page, name="supplier"),
    path("suppliers/<int:pk>/edit/", suppliers.supplier_edit, name="supplier-edit"),
    path("suppliers/<int:pk>/prices/", suppliers.item_save, name="supplier-item-save"),
    path("costs/", costs.report, name="costs"),
    path("costs/method/", costs.method, name="cost-method"),
    path("costs/stock/", listing.cost_list, name="stock-costs"),
    path("costs/<int:pk>/", costs.variant_cost, name="variant-cost"),
]
