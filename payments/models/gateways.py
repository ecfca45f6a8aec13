"""What is asked of payment gateways and what they answered. The order's own books are in orders and follow from it, never the reverse."""

from __future__ import annotations

import secrets
from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.models import at_most, not_negative
from orders.models import Order, money
from payments.states import OPEN_CALLS, CallKind, CallState, IntentState


class GatewayKind(models.TextChoices):
    STRIPE = "stripe", "Stripe"
    PAYPAL = "paypal", "PayPal"


class CapturePolicy(models.TextChoices):
    """When authorised money is taken."""

    AT_ONCE = "at_once", _("At once, when the customer pays")
    SHIPPED = "shipped", _("With each parcel, what it is worth")
    LAST = "last", _("When the last parcel has left")
    BY_HAND = "by_hand", _("By hand")


def new_webhook_token() -> str:
    """The last part of an account's webhook address; long enough that nobody guesses it."""
    return secrets.token_urlsafe(24)


class GatewayAccount(models.Model):
    """An account of the merchant with a gateway. Its credentials lie sealed (core.sealing) and are never shown again."""

    kind = models.CharField(_("gateway"), max_length=12, choices=GatewayKind.choices)
    name = models.CharField(_("name"), max_length=60, unique=True)
    credentials = models.TextField()  # a sealed JSON object: payments.operations.accounts reads it
    test_mode = models.BooleanField(_("test mode"), default=True)
    active = models.BooleanField(_("offered to customers"), default=True)
    capture = models.CharField(
        _("take the money"), max_length=8, choices=CapturePolicy.choices, default=CapturePolicy.SHIPPED
    )
    webhook_token = models.CharField(max_length=43, unique=True, default=new_webhook_token)
    tested_at = models.DateTimeField(null=True)
    test_answer = models.CharField(max_length=200, blank=True, default="")  # empty: the last test went well
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=GatewayKind.values), name="gateway_kind_known"),
            models.CheckConstraint(condition=Q(capture__in=CapturePolicy.values), name="gateway_capture_known"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> str:
        """Key of this account in the timeline."""
        return f"gateway:{self.pk}"


class PaymentIntent(models.Model):
    """A payment for one order with one gateway. authorized, captured and refunded are what the gateway said last, and only grow.

    reference: the gateway's name of it. parent: the gateway's name of what the customer was sent to, where that is another thing.
    """

    account = models.ForeignKey(GatewayAccount, on_delete=models.PROTECT, related_name="intents", db_index=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payment_intents")
    key = models.CharField(max_length=60, unique=True)  # our name of it, sent along; never shown to customers
    amount = money()
    currency = models.CharField(max_length=3)
    manual = models.BooleanField(default=True)  # authorised first and captured later, else captured at once
    state = models.CharField(max_length=16, choices=IntentState.choices, default=IntentState.CREATED)
    reference = models.CharField(max_length=120, blank=True, default="")
    parent = models.CharField(max_length=120, blank=True, default="")
    authorized = money()
    captured = money()
    refunded = money()
    released = money()  # of the authorised: what was let go
    parts = models.BooleanField(default=False)  # more than one capture is possible
    method = models.CharField(max_length=60, blank=True, default="")  # "Visa •••• 4242", as far as the gateway tells
    pay_url = models.TextField(blank=True, default="")  # where the customer pays
    expires_at = models.DateTimeField(null=True)  # of the page where the customer pays, later of the authorisation
    failure = models.CharField(max_length=200, blank=True, default="")
    actor = models.CharField(max_length=80)
    created_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True)  # the gateway's answer was last worked in
    look_at = models.DateTimeField(null=True)  # when the sweeper asks again

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=IntentState.values), name="payment_intent_state_known"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_intent_amount_positive"),
            models.CheckConstraint(
                condition=not_negative("authorized", "captured", "refunded", "released"),
                name="payment_intent_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(authorized__gte=F("captured") + F("released")), name="payment_intent_within_authorized"
            ),
            models.CheckConstraint(
                condition=at_most("refunded", "captured"), name="payment_intent_refund_within_capture"
            ),
            models.UniqueConstraint(
                fields=["account", "reference"], name="payment_intent_reference_once", condition=~Q(reference="")
            ),
            models.UniqueConstraint(
                fields=["account", "parent"], name="payment_intent_parent_once", condition=~Q(parent="")
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="payment_intent_recent"),
            models.Index(fields=["state", "-created_at", "-id"], name="payment_intent_by_state"),
            models.Index(fields=["look_at"], name="payment_intent_to_ask", condition=Q(look_at__isnull=False)),
        ]

    @property
    def subject(self) -> str:
        """Key of this payment in the timeline."""
        return f"payment:{self.pk}"

    @property
    def held(self) -> Decimal:
        """Authorised, neither taken nor let go."""
        return self.authorized - self.captured - self.released


class GatewayCall(models.Model):
    """Something that was asked of a gateway, or that was done there and found by asking (`ours` is false then).

    The row with its key is committed before the call, so that nothing is ever sent that we do not know of.
    """

    intent = models.ForeignKey(PaymentIntent, on_delete=models.PROTECT, related_name="calls")
    kind = models.CharField(max_length=8, choices=CallKind.choices)
    key = models.CharField(max_length=120, unique=True)  # the idempotency key that is sent
    amount = money(null=True, default=None)
    target = models.CharField(max_length=120, blank=True, default="")  # refund: the gateway's name of the capture
    state = models.CharField(max_length=10, choices=CallState.choices, default=CallState.PENDING)
    reference = models.CharField(max_length=120, blank=True, default="")  # the gateway's name of what came of it
    ours = models.BooleanField(default=True)
    final = models.BooleanField(default=False)  # capture: the rest is let go with it
    purpose = models.JSONField(default=dict)  # refund: reason, cause, key and units of what is recorded on the order
    code = models.CharField(max_length=60, blank=True, default="")
    answer = models.CharField(max_length=300, blank=True, default="")
    actor = models.CharField(max_length=80)
    actor_label = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=CallKind.values), name="gateway_call_kind_known"),
            models.CheckConstraint(condition=Q(state__in=CallState.values), name="gateway_call_state_known"),
            models.CheckConstraint(
                condition=Q(amount__isnull=False, amount__gt=0)
                | Q(amount__isnull=True, kind__in=["create", "confirm", "cancel"]),
                name="gateway_call_amount",
            ),
            models.UniqueConstraint(
                fields=["intent", "kind"],
                name="gateway_call_one_capture_open",
                condition=Q(state__in=sorted(OPEN_CALLS), kind__in=["create", "confirm", "capture", "cancel"]),
            ),
            models.UniqueConstraint(
                fields=["intent", "kind", "reference"],
                name="gateway_call_reference_once",
                condition=~Q(reference="") & Q(kind="refund"),
            ),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="gateway_call_open", condition=Q(state__in=sorted(OPEN_CALLS)))
        ]


class WebhookState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    DONE = "done", _("Worked in")
    IGNORED = "ignored", _("Not ours")


class WebhookDelivery(models.Model):
    """A message of a gateway whose signature was right. It only says where to look: the gateway is asked for the facts."""

    account = models.ForeignKey(GatewayAccount, on_delete=models.PROTECT, related_name="webhooks", db_index=False)
    event_id = models.CharField(max_length=120)
    kind = models.CharField(max_length=80)
    reference = models.CharField(max_length=120, blank=True, default="")
    intent = models.ForeignKey(PaymentIntent, null=True, on_delete=models.PROTECT, related_name="webhooks")
    state = models.CharField(max_length=8, choices=WebhookState.choices, default=WebhookState.WAITING)
    said_at = models.DateTimeField()  # when the gateway says that it happened
    received_at = models.DateTimeField()
    repeats = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "event_id"], name="webhook_delivery_once"),
            models.CheckConstraint(condition=Q(state__in=WebhookState.values), name="webhook_delivery_state_known"),
        ]
        indexes = [models.Index(fields=["received_at"], name="webhook_delivery_age")]
