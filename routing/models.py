"""Which location ships which line, and why: versioned rule sets and the receipt of every run."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from orders.models import Order


class RuleSet(models.Model):
    """One immutable version of the merchant's routing rules; the one with `published_at` last is live.

    rules: {"filters": [{"name", "params"}, …], "rankers": [{"name", "params"}, …]} in order (routing.engine).
    """

    version = models.PositiveIntegerField(unique=True)
    rules = models.JSONField()
    note = models.CharField(max_length=200, blank=True)
    live = models.BooleanField(default=False)
    actor = models.CharField(max_length=80)
    actor_label = models.CharField(max_length=120)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["live"], name="rule_set_one_live", condition=Q(live=True))]


class RoutingDecision(models.Model):
    """The receipt of one routing run: what was asked, what each location could offer, what decided."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="routing_decisions")
    rule_set_version = models.PositiveIntegerField()
    receipt = models.JSONField()
    cause = models.CharField(max_length=40)  # placed | backorder | released | rerouted | short_pick
    at = models.DateTimeField()
