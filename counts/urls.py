"""Addresses of counts."""

from __future__ import annotations

from django.urls import path

from counts.views import accuracy, desk, floor, listing, planning

urlpatterns = [
    path("counts/", listing.count_list, name="counts"),
    path("counts/new/", listing.count_new, name="count-new"),
    path("counts/next/", planning.next_counts, name="count-next"),
    path("counts/schedules/", planning.schedules, name="count-schedules"),
    path("counts/schedules/new/", planning.schedule_new, name="count-schedule-new"),
    path("counts/schedules/<int:pk>/", planning.schedule, name="count-schedule"),
    path("counts/accuracy/", accuracy.accuracy, name="count-accuracy"),
    path("counts/<int:pk>/", desk.count, name="count"),
    path("counts/<int:pk>/record/", desk.record, name="count-record"),
    path("counts/<int:pk>/act/", desk.act, name="count-act"),
    path("counts/<int:pk>/reopen/", desk.reopen, name="count-reopen"),
    path("counts/<int:pk>/reasons/", desk.reasons, name="count-reasons"),
    path("counts/<int:pk>/post/", desk.post, name="count-post"),
    path("counts/<int:pk>/scan/", floor.scan, name="count-scan"),
]
