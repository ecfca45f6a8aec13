"""Addresses of the customer's pages. A token is 32 characters of base64url; anything else finds nothing."""

from django.urls import path

from customers.portal import views

urlpatterns = [
    path("track/", views.look_up, name="track-lookup"),
    path("t/<str:token>/", views.tracking, name="tracking"),
    path("t/<str:token>/return/", views.return_items, name="tracking-return-items"),
    path("t/<str:token>/returns/<str:number>/", views.return_page, name="tracking-return"),
    path("t/<str:token>/returns/<str:number>/cancel/", views.return_cancel, name="tracking-return-cancel"),
    path("t/<str:token>/returns/<str:number>/label.pdf", views.return_label, name="tracking-return-label"),
]
