"""Requests that carried an Idempotency-Key, with the answer each of them got."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from core.models import ApiToken


class IdempotentRequest(models.Model):
    """One key of one token. The same key with the same body gets the saved answer; with another body it is refused."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)  # SHA-256 of method, path and body
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="idempotency_key_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_age")]
