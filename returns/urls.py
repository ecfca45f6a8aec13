"""Addresses of returns."""

from django.urls import path

from returns.views import desk, floor, listing

urlpatterns = [
    path("returns/", listing.return_list, name="returns"),
    path("returns/receive/", floor.scan, name="return-scan"),
    path("returns/<int:pk>/", desk.return_page, name="return"),
    path("returns/<int:pk>/approve/", desk.approve, name="return-approve"),
    path("returns/<int:pk>/decline/", desk.decline, name="return-decline"),
    path("returns/<int:pk>/act/", desk.act, name="return-act"),
    path("returns/<int:pk>/resolve/", desk.resolve, name="return-resolve"),
    path("returns/<int:pk>/label.pdf", desk.label, name="return-label"),
    path("returns/<int:pk>/floor/", floor.floor, name="return-floor"),
    path("returns/<int:pk>/floor/receive/", floor.receive, name="return-receive"),
    path("returns/<int:pk>/floor/scan/", floor.scan_unit, name="return-scan-unit"),
    path("returns/<int:pk>/floor/inspect/", floor.inspect, name="return-inspect"),
    path("returns/<int:pk>/floor/finish/", floor.finish, name="return-finish"),
    path("orders/<int:order_pk>/return/", desk.new, name="return-new"),
]
