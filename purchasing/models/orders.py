"""Purchase orders, their lines, and what arrived."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Greatest, Now
from django.utils.translation import gettext_lazy as _

from core.models import StoredFile, not_negative
from inventory.models import Location, Variant
from purchasing.models.suppliers import Supplier
from purchasing.states import CLOSED_STATES, ChargeBasis, PurchaseState

_OPEN_WORDS = ["sent", "confirmed", "partly_received"]


class PurchaseOrder(models.Model):
    """An order to one supplier for one destination. All its amounts are in its currency, which is the supplier's."""

    number = models.CharField(_("number"), max_length=20, unique=True)
    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, related_name="orders")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", verbose_name=_("destination"))
    state = models.CharField(max_length=16, choices=PurchaseState.choices, default=PurchaseState.DRAFT)
    currency = models.CharField(_("currency"), max_length=3)
    # Made by a program: nobody may send it before somebody has approved it.
    automatic = models.BooleanField(default=False)
    approved_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=120, blank=True)
    expected_on = models.DateField(_("expected on"), null=True, blank=True)
    supplier_reference = models.CharField(_("supplier's reference"), max_length=80, blank=True)
    note = models.TextField(_("note to the supplier"), blank=True)
    freight = models.DecimalField(_("freight"), max_digits=14, decimal_places=4, default=Decimal(0))
    duty = models.DecimalField(_("duty"), max_digits=14, decimal_places=4, default=Decimal(0))
    other = models.DecimalField(_("other charges"), max_digits=14, decimal_places=4, default=Decimal(0))
    charge_basis = models.CharField(
        _("spread over the lines"), max_length=8, choices=ChargeBasis.choices, default=ChargeBasis.VALUE
    )
    # One unit of the order's currency in the shop's; null while nobody has set it.
    exchange_rate = models.DecimalField(_("exchange rate"), max_digits=18, decimal_places=8, null=True, blank=True)
    rate_source = models.CharField(_("source of the rate"), max_length=120, blank=True)
    shop_currency = models.CharField(max_length=3)
    # Sums of the lines, kept by every operation: lists read them.
    units = models.PositiveIntegerField(default=0)
    received = models.PositiveIntegerField(default=0)
    outstanding = models.PositiveIntegerField(default=0)
    total = models.DecimalField(max_digits=16, decimal_places=4, default=Decimal(0))  # goods and charges
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)
    mailed = models.BooleanField(default=False)
    confirmed_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    close_reason = models.CharField(max_length=200, blank=True)
    pdf = models.ForeignKey(StoredFile, null=True, on_delete=models.SET_NULL, related_name="+")
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=PurchaseState.values), name="purchase_state_known"),
            models.CheckConstraint(condition=not_negative("freight", "duty", "other"), name="purchase_charges_not_negative"),
            models.CheckConstraint(condition=Q(exchange_rate__gt=0) | Q(exchange_rate__isnull=True), name="purchase_rate_positive"),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "cancelled"]) | Q(exchange_rate__isnull=False),
                name="purchase_firm_has_a_rate",
            ),
            models.CheckConstraint(
                condition=Q(automatic=False) | Q(approved_at__isnull=False) | Q(state__in=["draft", "cancelled"]),
                name="purchase_automatic_is_approved",
            ),
            models.CheckConstraint(condition=Q(charge_basis__in=ChargeBasis.values), name="purchase_basis_known"),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="purchase_recent"),
            models.Index(fields=["state", "-created_at"], name="purchase_by_state"),
            models.Index(fields=["expected_on"], name="purchase_expected", condition=Q(state__in=_OPEN_WORDS)),
        ]  # fmt: skip

    @property
    def subject(self) -> str:
        """Key of this order in the timeline, and the cause of its movements in the ledger."""
        return f"purchase:{self.pk}"

    @property
    def awaits_approval(self) -> bool:
        return self.automatic and self.approved_at is None

    @property
    def approval(self) -> bool | None:
        """Whether a draft that a program made still waits; None where nobody has to approve anything."""
        return self.awaits_approval if self.automatic and self.state == PurchaseState.DRAFT else None

    @property
    def foreign(self) -> bool:
        """True when it is in another currency than the shop's."""
        return self.currency != self.shop_currency

    @property
    def closed(self) -> bool:
        return self.state in CLOSED_STATES


class PurchaseLine(models.Model):
    """Units of one variant on an order. `received` counts all that arrived, damaged ones too.

    outstanding = what is agreed (confirmed, else ordered) less what arrived and what was given up; never below zero.
    """

    order = models.ForeignKey(PurchaseOrder, on_delete=models.CASCADE, related_name="lines", db_index=False)
    position = models.PositiveSmallIntegerField()
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="+")
    supplier_sku = models.CharField(_("supplier's SKU"), max_length=64, blank=True)
    ordered = models.PositiveIntegerField(_("ordered"))
    confirmed = models.PositiveIntegerField(_("confirmed"), null=True, blank=True)
    confirmed_on = models.DateField(_("confirmed for"), null=True, blank=True)
    received = models.PositiveIntegerField(default=0)
    damaged = models.PositiveIntegerField(default=0)
    cancelled = models.PositiveIntegerField(default=0)  # given up: will not come
    outstanding = models.GeneratedField(
        expression=Greatest(Value(0), Coalesce(F("confirmed"), F("ordered")) - F("received") - F("cancelled")),
        output_field=models.IntegerField(),
        db_persist=True,
    )
    unit_cost = models.DecimalField(_("unit cost"), max_digits=14, decimal_places=4)
    # Why more was ordered than was needed: [{"why": "pack", "units": 3}, …]
    added = models.JSONField(default=list, blank=True)
    needed = models.PositiveIntegerField(default=0)  # what it was planned for; 0: ordered by hand

    class Meta:
        constraints = [
            # One line per variant: the ledger's cause and variant then name the line.
            models.UniqueConstraint(fields=["order", "variant"], name="purchase_line_once"),
            models.CheckConstraint(condition=Q(ordered__gt=0), name="purchase_line_orders_something"),
            models.CheckConstraint(condition=Q(damaged__lte=F("received")), name="purchase_damaged_arrived"),
            models.CheckConstraint(
                condition=Q(cancelled__lte=Coalesce(F("confirmed"), F("ordered"))), name="purchase_given_up_was_agreed"
            ),
            models.CheckConstraint(condition=not_negative("unit_cost"), name="purchase_cost_not_negative"),
        ]

    @property
    def expected(self) -> int:
        """What was agreed: confirmed, else ordered."""
        return self.ordered if self.confirmed is None else self.confirmed

    @property
    def to_come(self) -> int:
        """`outstanding`, also for a line that was changed and not read again."""
        return max(0, self.expected - self.received - self.cancelled)


class Receipt(models.Model):
    """One delivery, booked once: `key` is made with the form."""

    order = models.ForeignKey(PurchaseOrder, on_delete=models.PROTECT, related_name="receipts")
    key = models.CharField(max_length=64, unique=True)
    reference = models.CharField(_("delivery note"), max_length=80, blank=True)
    reason = models.CharField(_("why more than expected"), max_length=200, blank=True)
    actor = models.CharField(max_length=80)
    actor_label = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["-at", "-id"], name="receipt_recent")]


class ReceiptLine(models.Model):
    """Units of a line in one delivery; `over` of them were not expected. Lot and serials where the variant is followed by them."""

    receipt = models.ForeignKey(Receipt, on_delete=models.CASCADE, related_name="lines")
    line = models.ForeignKey(PurchaseLine, on_delete=models.PROTECT, related_name="receipts")
    quantity = models.PositiveIntegerField()
    damaged = models.PositiveIntegerField(default=0)
    over = models.PositiveIntegerField(default=0)
    lot_code = models.CharField(_("lot"), max_length=40, blank=True)
    expires_on = models.DateField(_("expires on"), null=True, blank=True)
    serials = ArrayField(models.CharField(max_length=60), default=list, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="receipt_line_counts"),
            models.CheckConstraint(
                condition=Q(damaged__lte=F("quantity")) & Q(over__lte=F("quantity")), name="receipt_line_parts_fit"
            ),
        ]


class ArrivalCount(models.Model):
    """Units scanned at the door and not booked yet: no scan is lost, and nothing is in the ledger before it is booked."""

    line = models.ForeignKey(PurchaseLine, on_delete=models.CASCADE, related_name="counts", db_index=False)
    lot_code = models.CharField(max_length=40, blank=True)
    expires_on = models.DateField(null=True, blank=True)
    serials = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    counted = models.PositiveIntegerField(default=0)
    damaged = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line", "lot_code"], name="arrival_count_once"),
            models.CheckConstraint(condition=Q(damaged__lte=F("counted")), name="arrival_damaged_counted"),
        ]
