"""The kernel's tables: people, tokens, history, outbox, jobs, mail, files and the shop's own settings."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.permissions import Role, role_allows


class User(AbstractUser):
    """A person with a login. What they may do follows from their one role (core.permissions.MATRIX)."""

    role = models.CharField(_("role"), max_length=20, choices=Role.choices, default=Role.VIEWER)
    language = models.CharField(_("language"), max_length=8, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(role__in=Role.values), name="user_role_known")]

    def can(self, permission: str) -> bool:
        """True when this active person's role holds the permission."""
        return self.is_active and role_allows(self.role, permission)


class ApiToken(models.Model):
    """A bearer token of the API. Only its SHA-256 is stored; the token itself is shown once."""

    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=20, choices=Role.choices)
    created_at = models.DateTimeField(db_default=Now())
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(role__in=Role.values), name="api_token_role_known")]

    def can(self, permission: str) -> bool:
        """True when the token is live and its role holds the permission."""
        return self.revoked_at is None and role_allows(self.role, permission)


class Shop(models.Model):
    """The merchant's own settings: one row (id 1)."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    name = models.CharField(_("name"), max_length=120)
    support_email = models.EmailField(_("support e-mail"), blank=True)
    currency = models.CharField(_("reporting currency"), max_length=3, default="EUR")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    language = models.CharField(_("language"), max_length=8, default="en")
    logo = models.ForeignKey("StoredFile", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    order_prefix = models.CharField(_("order number prefix"), max_length=12, default="OMS-", blank=True)
    return_window_days = models.PositiveSmallIntegerField(_("days to return"), default=30)
    auto_approve_returns = models.BooleanField(_("approve returns within the window by themselves"), default=True)
    slip_paper = models.CharField(max_length=8, choices=[("a4", "A4"), ("4x6", "4 × 6 in")], default="a4")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="shop_is_one")]


class StoredFile(models.Model):
    """A file kept in the database, so that web and worker share it without a disk and a backup has everything."""

    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    data = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["expires_at"], name="stored_file_expiry", condition=Q(expires_at__isnull=False))
        ]


class TimelineEntry(models.Model):
    """One line of an append-only history (a trigger refuses UPDATE and DELETE)."""

    subject = models.CharField(max_length=60)
    kind = models.CharField(max_length=60)
    data = models.JSONField(default=dict)
    actor = models.CharField(max_length=80)
    actor_label = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["subject", "id"], name="timeline_subject")]


class OutboxEvent(models.Model):
    """What happened and must still be told: written in the transaction of the change, relayed after it."""

    name = models.CharField(max_length=60)
    payload = models.JSONField()
    actor = models.CharField(max_length=80)
    created_at = models.DateTimeField(db_default=Now())
    relayed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["id"], name="outbox_waiting", condition=Q(relayed_at__isnull=True))]


class OutboxDelivery(models.Model):
    """One event for one handler: done once, whatever is delivered twice."""

    event = models.ForeignKey(OutboxEvent, on_delete=models.CASCADE, related_name="deliveries")
    handler = models.CharField(max_length=120)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)
    gave_up_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "handler"], name="outbox_delivery_once")]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="outbox_delivery_due",
                condition=Q(done_at__isnull=True, gave_up_at__isnull=True),
            )
        ]


class JobState(models.TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    DONE_WITH_ERRORS = "done_with_errors", _("Done with errors")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class Job(models.Model):
    """Long work with progress. The row is the truth: a worker takes a lease on it, a sweeper starts it again."""

    kind = models.CharField(max_length=60)
    title = models.CharField(max_length=200)
    params = models.JSONField(default=dict)
    state = models.CharField(max_length=20, choices=JobState.choices, default=JobState.QUEUED)
    total = models.PositiveIntegerField(null=True)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    cursor = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    message = models.TextField(blank=True)
    actor = models.CharField(max_length=80)
    actor_label = models.CharField(max_length=120)
    dedupe_key = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001 - NULL is never a duplicate
    cancel_requested = models.BooleanField(default=False)
    lease = models.CharField(max_length=40, blank=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    output = models.ForeignKey(StoredFile, null=True, on_delete=models.SET_NULL, related_name="+")
    source = models.ForeignKey(StoredFile, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="job_state_known"),
            models.UniqueConstraint(
                fields=["dedupe_key"], name="job_once_at_a_time", condition=Q(state__in=["queued", "running"])
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="job_recent"),
            models.Index(fields=["lease_until"], name="job_open", condition=Q(state__in=["queued", "running"])),
        ]

    @property
    def open(self) -> bool:
        return self.state in (JobState.QUEUED, JobState.RUNNING)


class JobError(models.Model):
    """One item that a job could not do, with the reason; the rest went on."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="errors")
    reference = models.CharField(max_length=200)
    line = models.PositiveIntegerField(null=True)
    field = models.CharField(max_length=100, blank=True)
    message = models.TextField()
    raw = models.JSONField(null=True)

    class Meta:
        indexes = [models.Index(fields=["job", "id"], name="job_error_order")]


class OutgoingMail(models.Model):
    """A message to a person: a row first, sent by the worker; the same thing is said once (dedupe_key)."""

    dedupe_key = models.CharField(max_length=120, unique=True)
    to = models.EmailField(max_length=254)
    subject = models.CharField(max_length=250)
    text = models.TextField()
    html = models.TextField(blank=True)
    about = models.CharField(max_length=60, blank=True)
    # A file that goes with it; it stays as long as the message does.
    attachment = models.ForeignKey(StoredFile, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    gave_up_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at"], name="mail_due", condition=Q(sent_at__isnull=True, gave_up_at__isnull=True)
            ),
            models.Index(fields=["about", "id"], name="mail_about"),
        ]


class SavedView(models.Model):
    """A named list query; shared ones (no user) are everybody's."""

    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="saved_views")
    list_name = models.CharField(max_length=60)
    name = models.CharField(max_length=60)
    query = models.TextField(blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "list_name", "name"], name="saved_view_name", nulls_distinct=False)
        ]


class Place(models.Model):
    """A city with coordinates, from a gazetteer package loaded at set-up; finds how far a customer is."""

    country = models.CharField(max_length=2)
    key = models.CharField(max_length=100)  # folded name
    latitude = models.FloatField()
    longitude = models.FloatField()
    population = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["country", "key"], name="place_once")]


class RateCount(models.Model):
    """How often something was tried within the current window (core.ratelimit); `key` is a hash of who tried what."""

    key = models.CharField(max_length=64, primary_key=True)
    window_start = models.DateTimeField()
    hits = models.PositiveIntegerField()

    class Meta:
        indexes = [models.Index(fields=["window_start"], name="rate_count_age")]


class PostalArea(models.Model):
    """The middle of the places whose postal code begins with this prefix, from a merchant's own file."""

    country = models.CharField(max_length=2)
    prefix = models.CharField(max_length=12)
    latitude = models.FloatField()
    longitude = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["country", "prefix"], name="postal_area_once")]


def not_negative(*names: str) -> Q:
    """The condition that none of the columns is below zero."""
    condition = Q()
    for name in names:
        condition &= Q(**{f"{name}__gte": 0})
    return condition


def at_most(smaller: str, larger: Any) -> Q:
    """The condition that one column is never above another (or an expression)."""
    return Q(**{f"{smaller}__lte": F(larger) if isinstance(larger, str) else larger})
