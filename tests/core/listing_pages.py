"""List pages over the kernel's own tables, for the tests of the list machine."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
import django_tables2 as tables
from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path

from core.actors import Actor
from core.listing import BulkAction, Empty, ListPage, PageAction, Sort, Tab, columns, list_view
from core.listing.filters import DayRangeFilter, YesNoFilter
from core.models import Job, JobState, User
from core.outcomes import BulkOutcome
from core.refusals import Refusal


class JobTable(tables.Table):
    title = columns.LinkColumn("job")
    created = columns.TimeColumn(accessor="created_at")
    state = columns.BadgeColumn("job")
    done = columns.NumberColumn()
    actor = columns.TextColumn(accessor="actor_label")
    shouted = tables.Column(empty_values=(), orderable=False)
    message = columns.TextColumn(visible=False)

    def render_shouted(self, record: Job) -> str:
        return record.title.upper()

    def value_shouted(self, record: Job) -> str:
        return record.title.upper()


class JobFilter(django_filters.FilterSet):
    state = django_filters.MultipleChoiceFilter(choices=JobState.choices, label="State")
    done_from = django_filters.NumberFilter(field_name="done", lookup_expr="gte", label="Done from")
    created = DayRangeFilter(field_name="created_at", label="Created")
    cancelling = YesNoFilter(field_name="cancel_requested", label="Cancelling")
    actor = django_filters.CharFilter(field_name="actor_label", lookup_expr="icontains", label="Actor")


class WhyForm(forms.Form):
    why = forms.CharField(max_length=20)


def mark(targets: QuerySet, *, actor: Actor, now: datetime) -> BulkOutcome:
    outcome = BulkOutcome()
    for job in targets:
        if job.state == JobState.FAILED:
            outcome.refuse(job.title, "It has failed.")
            continue
        Job.objects.filter(pk=job.pk).update(message=f"marked by {actor.label}", done=job.done + 1)
        outcome.done.append(job)
    return outcome


def explain(targets: QuerySet, *, actor: Actor, now: datetime, why: str) -> BulkOutcome:
    return BulkOutcome(done=list(range(targets.update(message=why))))


def refuse(targets: QuerySet, *, actor: Actor, now: datetime) -> BulkOutcome:
    raise Refusal("closed", "The works are closed.")


class JobList(ListPage):
    name, title, permission, model = "jobs", "Jobs", "jobs.view", Job
    table_class, filter_class = JobTable, JobFilter
    sorts = {"created": Sort("created_at", desc=True), "title": Sort("title"), "done": Sort("done")}
    default_sort = "created"
    tabs = [
        Tab("all", "All"),
        Tab("failed", "Failed", Q(state="failed")),
        Tab("open", "Open", lambda rows: rows.filter(state="queued")),
    ]
    bulk_actions = [
        BulkAction("mark", "Mark", "jobs.cancel", mark, limit=120),
        BulkAction("explain", "Explain", "jobs.cancel", explain, confirm="Really?", form_class=WhyForm),
        BulkAction("refuse", "Refuse", "jobs.cancel", refuse),
        BulkAction("owners", "Owners only", "settings.edit", mark),
    ]
    page_actions = [PageAction("New job", "job-new", "jobs.view", primary=True, icon="plus")]
    empty = Empty("No jobs yet", "Start one.", "Start", "job-new")

    def queryset(self, request: HttpRequest) -> QuerySet:
        return Job.objects.exclude(kind="secret")

    def search(self, queryset: QuerySet, q: str) -> QuerySet:
        return queryset.filter(title__icontains=q)


class UserTable(tables.Table):
    username = columns.TextColumn()


class UserList(ListPage):
    """A bare list: no tabs, no filters, no search, nothing to do."""

    name, title, permission, model, table_class = "users", "Users", "users.view", User, UserTable
    sorts = {"username": Sort("username")}
    default_sort = "username"


def plain(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    return HttpResponse("plain")


urlpatterns = [
    path("jobs/", list_view(JobList), name="jobs"),
    path("jobs/new/", plain, name="job-new"),
    path("jobs/<int:pk>/", plain, name="job"),
    path("users/", list_view(UserList), name="users"),
    path("login/", plain, name="login"),
]
