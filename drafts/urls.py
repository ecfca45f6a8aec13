"""Addresses of drafts, of their customers' pages, and of tax rates."""

from __future__ import annotations

from django.urls import path

from drafts.views import acts, composer, listing, portal, taxes

urlpatterns = [
    path("drafts/", listing.draft_list, name="drafts"),
    path("drafts/new/", acts.draft_new, name="draft-new"),
    path("drafts/<int:pk>/", composer.draft_page, name="draft"),
    path("drafts/<int:pk>/edit/", composer.draft_edit, name="draft-edit"),
    path("drafts/<int:pk>/find/", composer.draft_find, name="draft-find"),
    path("drafts/<int:pk>/act/", acts.draft_act, name="draft-act"),
    path("drafts/<int:pk>/draft.pdf", acts.draft_paper, name="draft-pdf"),
    path("offer/<str:token>/", portal.offer, name="draft-offer"),
    path("offer/<str:token>/accept/", portal.offer_accept, name="draft-offer-accept"),
    path("offer/<str:token>/offer.pdf", portal.offer_paper, name="draft-offer-pdf"),
    path("settings/taxes/", taxes.tax_rates, name="tax-rates"),
    path("settings/taxes/<int:pk>/", taxes.tax_rate, name="tax-rate"),
    path("settings/taxes/<int:pk>/delete/", taxes.tax_rate_delete, name="tax-rate-delete"),
]
