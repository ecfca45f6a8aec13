"""Ways of paying without a gateway, money that a carrier collects, and what a bank or carrier says came in."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from orders.models import Order, PaymentRecord, money


class MethodKind(models.TextChoices):
    BANK_TRANSFER = "bank_transfer", _("Bank transfer")
    CASH = "cash", _("Cash")
    CASH_ON_DELIVERY = "cash_on_delivery", _("Cash on delivery")
    CARD_TERMINAL = "card_terminal", _("Card terminal")
    OTHER = "other", _("Other")


class PaymentMethod(models.Model):
    """A way of paying that people record by hand. Payments keep its name; a method that was used is switched off, not deleted."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    kind = models.CharField(_("kind"), max_length=16, choices=MethodKind.choices)
    instructions = models.TextField(_("instructions for the customer"), blank=True, max_length=2000)
    offered = models.BooleanField(_("shown to customers who owe"), default=False)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=MethodKind.values), name="payment_method_kind_known")
        ]

    def __str__(self) -> str:
        return self.name


class Collection(models.Model):
    """An order whose money is collected when it is delivered. It ends with the order's last payment."""

    order = models.OneToOneField(Order, primary_key=True, on_delete=models.CASCADE, related_name="collection")
    method = models.CharField(max_length=60)
    actor = models.CharField(max_length=80)
    agreed_at = models.DateTimeField()


class StatementState(models.TextChoices):
    OPEN = "open", _("To decide")
    RECORDED = "recorded", _("Recorded")
    IGNORED = "ignored", _("Left aside")


class Certainty(models.TextChoices):
    """Why an order is suggested for what came in."""

    EXACT = "exact", _("Order number and amount")
    NUMBER = "number", _("Order number, another amount")
    AMOUNT = "amount", _("Amount and name only")
    NONE = "none", _("Nothing found")


class StatementLine(models.Model):
    """Money that a bank statement or a carrier's list says came in; a person decides what it was for.

    fingerprint: of the line's content and of how many like it stood before it in its file, so that statements may overlap.
    """

    fingerprint = models.CharField(max_length=64, unique=True)
    file_name = models.CharField(max_length=120)
    booked_on = models.DateField()
    amount = money()
    currency = models.CharField(max_length=3)
    payer = models.CharField(max_length=200, blank=True)
    text = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=8, choices=StatementState.choices, default=StatementState.OPEN)
    certainty = models.CharField(max_length=6, choices=Certainty.choices, default=Certainty.NONE)
    order = models.ForeignKey(Order, null=True, on_delete=models.SET_NULL, related_name="+")
    payment = models.OneToOneField(PaymentRecord, null=True, on_delete=models.PROTECT, related_name="+")
    imported_at = models.DateTimeField()
    decided_by = models.CharField(max_length=120, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="statement_line_positive"),
            models.CheckConstraint(condition=Q(state__in=StatementState.values), name="statement_line_state_known"),
            models.CheckConstraint(condition=Q(certainty__in=Certainty.values), name="statement_line_certainty_known"),
            models.CheckConstraint(
                condition=Q(state="recorded", payment__isnull=False) | (~Q(state="recorded") & Q(payment__isnull=True)),
                name="statement_line_recorded_has_payment",
            ),
        ]
        indexes = [
            models.Index(fields=["-booked_on", "-id"], name="statement_line_recent"),
            models.Index(fields=["-booked_on", "-id"], name="statement_line_open", condition=Q(state="open")),
        ]
