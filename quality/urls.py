"""Addresses of nonconformances."""

from __future__ import annotations

from django.urls import path

from quality.views import cases, listing

urlpatterns = [
    path("quality/", listing.case_list, name="quality"),
    path("quality/new/", cases.case_new, name="nonconformance-new"),
    path("quality/rest/", listing.rest, name="quality-rest"),
    path("quality/reasons/", cases.reasons, name="quality-reasons"),
    path("quality/<int:pk>/", cases.case, name="nonconformance"),
    path("quality/<int:pk>/resolve/", cases.resolve, name="nonconformance-resolve"),
    path("quality/<int:pk>/photos/", cases.photos, name="nonconformance-photos"),
    path("quality/<int:pk>/photos/<int:photo>/", cases.photo, name="nonconformance-photo"),
]
