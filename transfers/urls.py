"""Addresses of transfers."""

from __future__ import annotations

from django.urls import URLPattern, path

from transfers.views import drafts, floor, listing, page

urlpatterns: list[URLPattern] = [
    path("transfers/", listing.transfer_list, name="transfers"),
    path("transfers/new/", drafts.new, name="transfer-new"),
    path("transfers/suggested/", drafts.suggestions, name="transfer-suggestions"),
    path("transfers/import/", drafts.upload, name="transfer-import"),
    path("transfers/receive/", floor.scan, name="transfer-scan"),
    path("transfers/<int:pk>/", page.transfer_page, name="transfer"),
    path("transfers/<int:pk>/edit/", drafts.edit, name="transfer-edit"),
    path("transfers/<int:pk>/act/", page.act, name="transfer-act"),
    path("transfers/<int:pk>/dispatch/", page.dispatch, name="transfer-dispatch"),
    path("transfers/<int:pk>/settle/", page.settle, name="transfer-settle"),
    path("transfers/<int:pk>/find/", page.find, name="transfer-find"),
    path("transfers/<int:pk>/undo/", page.undo, name="transfer-undo"),
    path("transfers/<int:pk>/receive/", floor.floor, name="transfer-floor"),
    path("transfers/<int:pk>/slip.pdf", page.slip, name="transfer-slip"),
]
