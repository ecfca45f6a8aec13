"""What is suspicious about orders and what is wrong with their addresses: rules, assessments, checks, and what people decided."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from orders.models import Order
from risk.states import AddressState, Decision, Level, RuleKind, Settled


class RiskSettings(models.Model):
    """One row: from which score on a person looks, and from which the order waits for that. version: of rules and thresholds."""

    review_at = models.PositiveIntegerField(
        _("to review from a score of"), default=50, validators=[MinValueValidator(1), MaxValueValidator(100_000)]
    )
    hold_at = models.PositiveIntegerField(
        _("held from a score of"), default=100, validators=[MinValueValidator(1), MaxValueValidator(100_000)]
    )
    hold_addresses = models.BooleanField(_("hold orders that cannot be delivered to their address"), default=False)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="risk_settings_one_row"),
            models.CheckConstraint(condition=Q(hold_at__gte=F("review_at")), name="risk_hold_not_below_review"),
        ]


class RiskRule(models.Model):
    """What adds to an order's score, and how much. params: those of its kind (risk.rules.KINDS)."""

    kind = models.CharField(max_length=20, choices=RuleKind.choices)
    params = models.JSONField(default=dict)
    score = models.PositiveIntegerField(_("score"), validators=[MinValueValidator(1), MaxValueValidator(1000)])
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=RuleKind.values), name="risk_rule_kind_known"),
            models.CheckConstraint(condition=Q(score__gte=1, score__lte=1000), name="risk_rule_score_bounds"),
        ]


class RiskAssessment(models.Model):
    """What the rules say of an order now, and what a person decided about it.

    findings: [{"rule": id, "kind": …, "score": …, "values": {…}}]; risk.telling makes sentences of them. A decision holds until
    the order scores higher than it did then.
    """

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="risk")
    score = models.PositiveIntegerField()
    level = models.CharField(max_length=8, choices=Level.choices)
    findings = models.JSONField(default=list)
    rules_version = models.PositiveIntegerField()
    at = models.DateTimeField()
    decision = models.CharField(max_length=8, choices=Decision.choices, blank=True, default="")
    decided_score = models.PositiveIntegerField(default=0)
    decided_by = models.CharField(max_length=80, blank=True, default="")
    decided_label = models.CharField(max_length=120, blank=True, default="")
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(level__in=Level.values), name="risk_level_known"),
            models.CheckConstraint(condition=Q(decision__in=["", *Decision.values]), name="risk_decision_known"),
            models.CheckConstraint(
                condition=Q(decision="") | Q(decided_at__isnull=False), name="risk_decided_at_a_time"
            ),
        ]
        indexes = [
            models.Index(fields=["-score", "-id"], name="risk_to_review", condition=Q(decision="") & ~Q(level="low")),
            models.Index(fields=["-at", "-id"], name="risk_flagged", condition=~Q(level="low")),
        ]

    @property
    def cause(self) -> str:
        """How its hold names it."""
        return f"risk:{self.pk}"


class RiskTrace(models.Model):
    """A fingerprint of who ordered, for counting orders of one source within hours. key: a hash, so it tells nothing by itself."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=8)  # email | phone | address
    key = models.CharField(max_length=32)
    at = models.DateTimeField()  # when the order was placed

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "kind"], name="risk_trace_once")]
        indexes = [
            models.Index(fields=["key", "kind", "at"], name="risk_trace_of_key"),
            models.Index(fields=["at"], name="risk_trace_old"),
        ]


class AddressCheck(models.Model):
    """What is known about the form of an order's shipping address, and what a person made of it.

    problems: [{"field": …, "code": …, "values": {…}}]. suggestion: the address in its right form, where that differs.
    """

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="address_check")
    state = models.CharField(max_length=10, choices=AddressState.choices)
    undeliverable = models.BooleanField(default=False)
    problems = models.JSONField(default=list)
    suggestion = models.JSONField(default=dict)
    digest = models.CharField(max_length=32)  # of the address that was checked
    at = models.DateTimeField()
    settled = models.CharField(max_length=9, choices=Settled.choices, blank=True, default="")
    settled_by = models.CharField(max_length=80, blank=True, default="")
    settled_label = models.CharField(max_length=120, blank=True, default="")
    settled_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=AddressState.values), name="address_state_known"),
            models.CheckConstraint(condition=Q(settled__in=["", *Settled.values]), name="address_settled_known"),
            models.CheckConstraint(
                condition=Q(settled="") | Q(settled_at__isnull=False), name="address_settled_at_a_time"
            ),
        ]
        indexes = [
            models.Index(fields=["-at", "-id"], name="address_to_settle", condition=Q(settled="") & ~Q(state="ok")),
            models.Index(fields=["-at", "-id"], name="address_not_ok", condition=~Q(state="ok")),
        ]

    @property
    def cause(self) -> str:
        """How its hold names it."""
        return f"address:{self.pk}"
