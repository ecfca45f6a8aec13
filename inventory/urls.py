"""Addresses of products, stock and locations."""

from __future__ import annotations

from django.urls import path

from inventory.views import bundles, level, locations, lot_parcels, lots, products, serials
from inventory.views.barcodes import barcodes
from inventory.views.grid import grid
from inventory.views.past import stock_changes
from inventory.views.stock import stock_list

urlpatterns = [
    path("products/", products.product_list, name="products"),
    path("products/new/", products.product_new, name="product-new"),
    path("products/<int:pk>/", products.product, name="product"),
    path("products/<int:pk>/edit/", products.product_edit, name="product-edit"),
    path("products/<int:pk>/switch/", products.product_switch, name="product-switch"),
    path("products/<int:pk>/variants/new/", products.variant_new, name="variant-new"),
    path("variants/<int:pk>/", products.variant, name="variant"),
    path("variants/<int:pk>/delete/", products.variant_delete, name="variant-delete"),
    path("variants/<int:pk>/components/", bundles.components, name="variant-components"),
    path("variants/<int:pk>/unbundle/", bundles.unbundle, name="variant-unbundle"),
    path("bundles/export/", bundles.export, name="bundles-export"),
    path("stock/", stock_list, name="stock"),
    path("stock/changes/", stock_changes, name="stock-changes"),
    path("stock/grid/", grid, name="stock-grid"),
    path("stock/barcodes/", barcodes, name="barcodes"),
    path("stock/add/", level.stock_add, name="stock-add"),
    path("stock/<int:pk>/", level.level, name="stock-level"),
    path("stock/<int:pk>/adjust/", level.adjust, name="stock-adjust"),
    path("stock/<int:pk>/preview/", level.adjust_preview, name="stock-preview"),
    path("stock/<int:pk>/undo/", level.undo, name="stock-undo"),
    path("stock/<int:pk>/bin/", level.put_in_bin, name="stock-bin"),
    path("stock/<int:pk>/lots/", lots.level_lots, name="stock-lots"),
    path("stock/<int:pk>/serials/", serials.level_serials, name="stock-serials"),
    path("lots/", lots.lot_list, name="lots"),
    path("lots/parcels/", lot_parcels.lot_parcels, name="lot-parcels"),
    path("lots/<int:pk>/", lots.lot, name="lot"),
    path("lots/<int:pk>/correct/", lots.lot_correct, name="lot-correct"),
    path("serials/", serials.serial_list, name="serials"),
    path("serials/<int:pk>/", serials.serial, name="serial"),
    path("locations/", locations.location_list, name="locations"),
    path("locations/new/", locations.location_new, name="location-new"),
    path("locations/<int:pk>/", locations.location, name="location"),
    path("locations/<int:pk>/edit/", locations.location_edit, name="location-edit"),
]
