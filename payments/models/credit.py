"""Store credit: what a customer has to his credit, and the ledger that says why. Entries are never changed (a trigger refuses it)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from orders.models import Order, money


class CreditKind(models.TextChoices):
    GRANT = "grant", _("Granted")
    REFUND = "refund", _("Refunded to credit")
    SPEND = "spend", _("Spent")
    WITHDRAW = "withdraw", _("Taken back")
    EXPIRE = "expire", _("Expired")


#: Kinds that add; the others take away.
ADDING = (CreditKind.GRANT, CreditKind.REFUND)


class CreditAccount(models.Model):
    """What a customer has in one currency: the sum of the entries, kept with them under this row's lock, never below zero."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="credit", db_index=False)
    currency = models.CharField(max_length=3)
    balance = money()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer", "currency"], name="credit_account_once"),
            models.CheckConstraint(condition=Q(balance__gte=0), name="credit_never_below_zero"),
        ]
        indexes = [models.Index(fields=["-changed_at", "-id"], name="credit_account_recent")]


class CreditEntry(models.Model):
    """One change of an account. amount: above zero for what was added, below for what was taken."""

    account = models.ForeignKey(CreditAccount, on_delete=models.PROTECT, related_name="entries", db_index=False)
    kind = models.CharField(max_length=10, choices=CreditKind.choices)
    amount = money()
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="credit_entries")
    reason = models.CharField(max_length=200, blank=True)
    key = models.CharField(max_length=120)
    actor = models.CharField(max_length=80)
    actor_label = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "key"], name="credit_entry_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["grant", "refund"], amount__gt=0)
                | Q(kind__in=["spend", "withdraw", "expire"], amount__lt=0),
                name="credit_entry_has_its_sign",
            ),
        ]


class CreditGrant(models.Model):
    """What is left of credit that was added, so that it can expire; what expires first is spent first."""

    entry = models.OneToOneField(CreditEntry, primary_key=True, on_delete=models.PROTECT, related_name="grant")
    account = models.ForeignKey(CreditAccount, on_delete=models.PROTECT, related_name="grants", db_index=False)
    granted = money()
    left = money()
    expires_on = models.DateField(null=True)  # the last day on which it can be spent

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(left__gte=0, left__lte=F("granted")), name="credit_grant_left_within")
        ]
        indexes = [
            models.Index(fields=["account"], name="credit_grant_open", condition=Q(left__gt=0)),
            models.Index(
                fields=["expires_on"], name="credit_grant_expiring", condition=Q(left__gt=0, expires_on__isnull=False)
            ),
        ]
