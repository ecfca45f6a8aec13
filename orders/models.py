"""What was promised to whom: channels, orders, lines, payments, refunds, holds, notes."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.addresses import Address
from core.models import User, at_most, not_negative
from core.search import search_column
from customers.models import Customer
from inventory.models import Variant
from orders.states import Delivery, Fulfillment, HoldKind, Lifecycle, Payment, Returning


class ChannelKind(models.TextChoices):
    WEB = "web", _("Web store")
    MARKETPLACE = "marketplace", _("Marketplace")
    POS = "pos", _("Point of sale")
    B2B = "b2b", _("B2B")
    PHONE = "phone", _("Phone")
    FILE = "file", _("File")
    API = "api", _("API")


class Channel(models.Model):
    """Where orders come from."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=12, choices=ChannelKind.choices, default=ChannelKind.WEB)
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    language = models.CharField(_("customers' language"), max_length=8, default="en")
    hold_unpaid = models.BooleanField(_("hold orders until they are paid"), default=True)
    active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(kind__in=ChannelKind.values), name="channel_kind_known")]


def money(**kwargs: object) -> models.DecimalField:
    """A column for an amount in the order's currency (4 decimals cover every minor unit)."""
    return models.DecimalField(max_digits=16, decimal_places=4, **{"default": Decimal(0), **kwargs})  # type: ignore[arg-type]


#: Something is owed by the customer, and to the customer: `owed_by_customer` and `owed_to_customer` as the indexes have them.
OWING = Q(total__gt=F("cancelled_total") + F("captured_total") - F("overpayment_refunded"))
OVERPAID = Q(captured_total__gt=F("total") - F("cancelled_total") + F("refunded_total"))


class Order(models.Model):
    """A customer's purchase. The five status columns are computed (orders.status) and never set by hand."""

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="orders", db_index=False)
    external_id = models.CharField(max_length=120)
    number = models.CharField(_("order number"), max_length=60)
    token = models.CharField(max_length=43, unique=True)  # the customer's tracking link
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="orders")
    customer_name = models.CharField(max_length=200, blank=True)
    email = models.CharField(max_length=254, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=8, default="en")
    shipping_address = models.JSONField(default=dict)
    billing_address = models.JSONField(default=dict)
    ship_country = models.CharField(max_length=2, blank=True)
    shipping_method = models.CharField(max_length=80, blank=True)

    currency = models.CharField(max_length=3)
    subtotal = money()  # sum of quantity × unit price of the lines, before discounts
    discount_total = money()
    shipping_total = money()
    tax_total = money()
    tax_included = models.BooleanField(default=False)
    adjustment_total = money()  # a difference the channel's own total shows; kept, never hidden
    total = money()
    cancelled_total = money()  # value of cancelled units with their discount and tax
    authorized_total = money()
    captured_total = money()
    refunded_total = money()
    # Of the refunds: what gave back money that was not charged any more. Only that much may be owed again after a change.
    overpayment_refunded = money(db_default=Decimal(0))

    lifecycle = models.CharField(max_length=12, choices=Lifecycle.choices, default=Lifecycle.OPEN)
    payment = models.CharField(max_length=20, choices=Payment.choices, default=Payment.UNPAID)
    fulfillment = models.CharField(max_length=20, choices=Fulfillment.choices, default=Fulfillment.UNFULFILLED)
    delivery = models.CharField(max_length=20, choices=Delivery.choices, default=Delivery.NOT_SHIPPED)
    returning = models.CharField(max_length=12, choices=Returning.choices, default=Returning.NONE)
    payment_voided = models.BooleanField(default=False)
    # What the delivery and return axes are computed from, kept by the apps above.
    parcels = models.PositiveSmallIntegerField(default=0)
    parcels_out_for_delivery = models.PositiveSmallIntegerField(default=0)
    parcels_delivered = models.PositiveSmallIntegerField(default=0)
    parcels_exception = models.PositiveSmallIntegerField(default=0)
    returns_in_progress = models.PositiveSmallIntegerField(default=0)

    needs_routing = models.BooleanField(default=False)  # units without a place that are not back-ordered
    backordered = models.BooleanField(default=False)
    on_hold = models.BooleanField(default=False)
    archived = models.BooleanField(default=False)
    historic = models.BooleanField(default=False)  # arrived finished from an export; never touched our stock
    tags = ArrayField(models.CharField(max_length=40), default=list)
    customer_note = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=1)
    placed_at = models.DateTimeField()
    ship_by = models.DateTimeField(null=True)
    expected_on = models.DateField(null=True)
    expected_from = models.DateField(null=True)  # with expected_on the range in which the last parcel should arrive
    # A promised day is in danger (fulfillment.operations.risk): kept by a sweep and at changes, never part of the statuses.
    at_risk = models.BooleanField(default=False, db_default=False)
    po_number = models.CharField(_("purchase-order number"), max_length=60, blank=True, default="", db_default="")
    payment_due_on = models.DateField(_("payment due"), null=True, blank=True)
    assignee = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    completed_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    search_text = models.TextField(default="")
    search = search_column()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "external_id"], name="order_arrives_once"),
            models.CheckConstraint(
                condition=Q(
                    total=F("subtotal")
                    - F("discount_total")
                    + F("shipping_total")
                    + models.Case(models.When(tax_included=False, then=F("tax_total")), default=Decimal(0))
                    + F("adjustment_total")
                ),
                name="order_total_adds_up",
            ),
            models.CheckConstraint(
                condition=not_negative(
                    "subtotal", "discount_total", "shipping_total", "tax_total", "cancelled_total",
                    "authorized_total", "captured_total", "refunded_total", "overpayment_refunded",
                ),
                name="order_amounts_not_negative",
            ),
            models.CheckConstraint(condition=at_most("refunded_total", "captured_total"), name="order_refund_within_capture"),
            models.CheckConstraint(
                condition=at_most("overpayment_refunded", "refunded_total"), name="order_overpayment_within_refunds"
            ),
            models.CheckConstraint(condition=Q(lifecycle__in=Lifecycle.values), name="order_lifecycle_known"),
            models.CheckConstraint(condition=Q(payment__in=Payment.values), name="order_payment_known"),
            models.CheckConstraint(condition=Q(fulfillment__in=Fulfillment.values), name="order_fulfillment_known"),
            models.CheckConstraint(condition=Q(delivery__in=Delivery.values), name="order_delivery_known"),
            models.CheckConstraint(condition=Q(returning__in=Returning.values), name="order_returning_known"),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["-placed_at", "-id"], name="order_recent"),
            models.Index(fields=["-total", "-id"], name="order_by_total"),
            models.Index(fields=["channel", "-placed_at", "-id"], name="order_of_channel"),
            models.Index(fields=["number"], name="order_number"),
            # One status or country as equality gives its rows in the list's order, however few they are.
            models.Index(fields=["payment", "-placed_at", "-id"], name="order_by_payment"),
            models.Index(fields=["fulfillment", "-placed_at", "-id"], name="order_by_fulfillment"),
            models.Index(fields=["delivery", "-placed_at", "-id"], name="order_by_delivery"),
            models.Index(fields=["ship_country", "-placed_at", "-id"], name="order_by_country"),
            models.Index(fields=["-placed_at", "-id"], name="order_shipped", condition=~Q(delivery="not_shipped")),
            models.Index(fields=["-placed_at", "-id"], name="order_open", condition=Q(lifecycle="open")),
            models.Index(fields=["-placed_at", "-id"], name="order_to_route", condition=Q(needs_routing=True)),
            models.Index(fields=["-placed_at", "-id"], name="order_on_hold", condition=Q(on_hold=True)),
            models.Index(fields=["-placed_at", "-id"], name="order_archived", condition=Q(archived=True)),
            models.Index(fields=["-placed_at", "-id"], name="order_at_risk", condition=Q(at_risk=True)),
            models.Index(fields=["placed_at", "id"], name="order_backordered", condition=Q(backordered=True)),
            models.Index(
                fields=["ship_by", "id"], name="order_due", condition=Q(lifecycle="open", ship_by__isnull=False)
            ),
            models.Index(fields=["-placed_at", "-id"], name="order_returning", condition=~Q(returning="none")),
            models.Index(
                fields=["assignee", "-placed_at", "-id"], name="order_assigned", condition=Q(assignee__isnull=False)
            ),
            models.Index(
                fields=["payment_due_on", "id"], name="order_payment_due", condition=Q(payment_due_on__isnull=False)
            ),
            models.Index(fields=["-placed_at", "-id"], name="order_owing", condition=OWING),
            models.Index(fields=["-placed_at", "-id"], name="order_overpaid", condition=OVERPAID),
            GinIndex(fields=["search"], name="order_search"),
            GinIndex(fields=["tags"], name="order_tags", condition=~Q(tags=[])),
        ]

    @property
    def ship_to(self) -> Address:
        return Address.from_json(self.shipping_address)

    @property
    def current_total(self) -> Decimal:
        """What the customer is charged for what was not cancelled."""
        return self.total - self.cancelled_total

    @property
    def owed_by_customer(self) -> Decimal:
        """Not yet captured. A refund makes nobody owe again, except one of an overpayment whose order then became dearer."""
        return max(Decimal(0), self.current_total - self.captured_total + self.overpayment_refunded)

    @property
    def owed_to_customer(self) -> Decimal:
        """Captured beyond what is charged and not yet given back."""
        return max(Decimal(0), self.captured_total - self.refunded_total - self.current_total)

    @property
    def subject(self) -> str:
        """Key of this order in the timeline and the ledger."""
        return f"order:{self.pk}"


class OrderBundle(models.Model):
    """A bundle as it was sold: a group of the order whose components are ordinary lines that carry its money and its stock.

    position: that of its first line. The amounts are what its lines add up to, and stay when the catalogue changes.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="bundles", db_index=False)
    position = models.PositiveSmallIntegerField()
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="+")
    sku = models.CharField(max_length=64)
    title = models.CharField(max_length=255)
    quantity = models.PositiveIntegerField()
    unit_price = money()
    discount = money()  # of the whole group
    tax = money()  # of the whole group

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="order_bundle_position"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="order_bundle_counts"),
            models.CheckConstraint(
                condition=not_negative("unit_price", "discount", "tax"), name="order_bundle_amounts"
            ),
        ]
        indexes = [models.Index(fields=["sku", "order"], name="order_bundle_sku")]


class OrderLine(models.Model):
    """One variant and quantity, with price, discount and tax fixed at purchase.

    The quantities are a funnel: each counts the units that have *reached at least* that stage, so they only order downwards:
    delivered ≤ shipped ≤ packed ≤ picked ≤ allocated, and allocated + backordered ≤ ordered − cancelled.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField()
    variant = models.ForeignKey(Variant, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    sku = models.CharField(max_length=64)
    title = models.CharField(max_length=255)
    bundle = models.ForeignKey(
        OrderBundle, null=True, on_delete=models.CASCADE, related_name="lines", db_index=False
    )  # the group whose component this is
    per_bundle = models.PositiveIntegerField(null=True)  # units of this line in one unit of the group
    requires_shipping = models.BooleanField(default=True)
    unit_price = money()
    discount = money()  # of the whole line
    tax = money()  # of the whole line; its sum over lines may be less than the order's (shipping is taxed too)
    # A fraction (0.19), where it is known; documents sum up tax by it.
    tax_rate = models.DecimalField(max_digits=7, decimal_places=5, null=True)
    weight_grams = models.PositiveIntegerField(default=0)

    ordered = models.PositiveIntegerField()
    cancelled = models.PositiveIntegerField(default=0)
    backordered = models.PositiveIntegerField(default=0)
    allocated = models.PositiveIntegerField(default=0)
    picked = models.PositiveIntegerField(default=0)
    packed = models.PositiveIntegerField(default=0)
    shipped = models.PositiveIntegerField(default=0)
    delivered = models.PositiveIntegerField(default=0)
    return_requested = models.PositiveIntegerField(default=0)
    returned = models.PositiveIntegerField(default=0)
    refunded = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="order_line_position"),
            models.CheckConstraint(condition=Q(ordered__gt=0), name="order_line_orders_something"),
            models.CheckConstraint(
                condition=Q(ordered__gte=F("cancelled") + F("allocated") + F("backordered")), name="order_line_placed_within_ordered"
            ),
            models.CheckConstraint(
                condition=Q(allocated__gte=F("picked"), picked__gte=F("packed"), packed__gte=F("shipped"), shipped__gte=F("delivered")),
                name="order_line_funnel",
            ),
            models.CheckConstraint(
                condition=Q(shipped__gte=F("return_requested"), return_requested__gte=F("returned")),
                name="order_line_returns_within_shipped",
            ),
            models.CheckConstraint(condition=at_most("refunded", "ordered"), name="order_line_refunded_within_ordered"),
            models.CheckConstraint(condition=not_negative("unit_price", "discount", "tax"), name="order_line_amounts"),
            models.CheckConstraint(
                condition=Q(bundle__isnull=True, per_bundle__isnull=True) | Q(bundle__isnull=False, per_bundle__isnull=False, per_bundle__gt=0),
                name="order_line_of_a_bundle_counts",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["variant", "order"], name="order_line_backordered", condition=Q(backordered__gt=0)),
            models.Index(fields=["sku", "order"], name="order_line_sku"),
            models.Index(fields=["bundle"], name="order_line_bundle", condition=Q(bundle__isnull=False)),
        ]

    @property
    def to_place(self) -> int:
        """Units that have neither a place nor a back-order nor were cancelled."""
        return self.ordered - self.cancelled - self.allocated - self.backordered

    @property
    def cancellable(self) -> int:
        """Units that have not left and are not picked."""
        return self.ordered - self.cancelled - self.picked

    @property
    def reservation_owner(self) -> str:
        return f"order_line:{self.pk}"


class PaymentRecord(models.Model):
    """Money authorised or captured for an order. A key makes the same payment arrive once."""

    class Kind(models.TextChoices):
        AUTHORIZATION = "authorization", _("Authorization")
        CAPTURE = "capture", _("Capture")

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="payments")
    kind = models.CharField(max_length=14, choices=Kind.choices)
    amount = money()
    method = models.CharField(max_length=60, blank=True)
    reference = models.CharField(max_length=120, blank=True)
    key = models.CharField(max_length=120)
    actor = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "key"], name="payment_arrives_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive"),
            models.CheckConstraint(condition=Q(kind__in=["authorization", "capture"]), name="payment_kind_known"),
        ]


class Refund(models.Model):
    """Money given back, never more than was captured."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="refunds")
    amount = money()
    reason = models.CharField(max_length=200, blank=True)
    cause = models.CharField(max_length=60, blank=True)  # "return:9", "cancel", …
    key = models.CharField(max_length=120)
    actor = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "key"], name="refund_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_positive"),
        ]


class Hold(models.Model):
    """A typed reason why an order must not move on; many at once."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="holds")
    kind = models.CharField(max_length=20, choices=HoldKind.choices)
    reason = models.CharField(max_length=200, blank=True)
    until = models.DateTimeField(null=True)
    whole = models.BooleanField(default=True, db_default=True)  # False: it stops only the lines that HoldLine names
    owner = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    cause = models.CharField(max_length=60, blank=True, default="", db_default="")  # "risk:9" where no person placed it
    actor = models.CharField(max_length=80)
    at = models.DateTimeField()
    released_by = models.CharField(max_length=80, blank=True)
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=HoldKind.values), name="hold_kind_known"),
            models.UniqueConstraint(
                fields=["order", "kind"], name="hold_kind_once_open", condition=Q(released_at__isnull=True, whole=True)
            ),
        ]
        indexes = [
            models.Index(fields=["until"], name="hold_due", condition=Q(released_at__isnull=True, until__isnull=False)),
            models.Index(fields=["-at", "-id"], name="hold_open", condition=Q(released_at__isnull=True)),
        ]


class HoldLine(models.Model):
    """A line that a hold stops, where it does not stop the whole order."""

    hold = models.ForeignKey(Hold, on_delete=models.CASCADE, related_name="lines")
    line = models.ForeignKey(OrderLine, on_delete=models.CASCADE, related_name="holds")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hold", "line"], name="hold_line_once")]


class ChangeOrder(models.Model):
    """An edit after placement, as it was submitted; it never changes (a trigger refuses it).

    changes: what was asked for. effect: what it did to money and stock, as the preview showed it. version: of the order it changed.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="changes")
    position = models.PositiveSmallIntegerField()  # the order's first change is 1
    key = models.CharField(max_length=120)  # names the submission, so that it is done once
    version = models.PositiveIntegerField()
    reason = models.CharField(max_length=200, blank=True)
    changes = models.JSONField()
    effect = models.JSONField()
    total_before = money()
    total_after = money()
    actor = models.CharField(max_length=80)
    actor_label = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="change_order_position"),
            models.UniqueConstraint(fields=["order", "key"], name="change_order_once"),
        ]
        indexes = [models.Index(fields=["at"], name="change_order_at")]


class OrderRate(models.Model):
    """What the order's currency was worth in the shop's when it was placed: fixed then. Orders in the shop's currency have none.

    rate: units of `currency` (the shop's) for one unit of the order's.
    """

    order = models.OneToOneField(Order, primary_key=True, on_delete=models.CASCADE, related_name="rate")
    currency = models.CharField(max_length=3)
    rate = models.DecimalField(max_digits=20, decimal_places=10)
    source = models.CharField(max_length=60)
    quoted_on = models.DateField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(rate__gt=0), name="order_rate_positive")]


class MissingRate(models.Model):
    """An order for whose currency no rate was known when it was placed: it waits for one (`OrderRate`), set once by a person."""

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="missing_rate")
    currency = models.CharField(max_length=3)  # the order's
    placed_on = models.DateField()

    class Meta:
        indexes = [models.Index(fields=["-placed_on", "-id"], name="missing_rate_recent")]


class TaxRate(models.Model):
    """The tax of a country, for orders composed or changed here; orders that come in bring their own. rate: a fraction (0.19)."""

    country = models.CharField(_("country"), max_length=2, unique=True)
    name = models.CharField(_("name"), max_length=40)
    rate = models.DecimalField(_("rate"), max_digits=7, decimal_places=5)
    on_shipping = models.BooleanField(_("shipping is taxed"), default=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(rate__gte=0, rate__lt=1), name="tax_rate_is_a_fraction")]


class Note(models.Model):
    """What people write to each other about an order; never shown to the customer."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    author_label = models.CharField(max_length=120)
    text = models.TextField()
    at = models.DateTimeField()


class Mention(models.Model):
    """A person named in a note ("@anna"), who is to read it."""

    note = models.ForeignKey(Note, on_delete=models.CASCADE, related_name="mentions")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="mentions", db_index=False)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["note", "user"], name="mention_once")]
        indexes = [
            models.Index(fields=["user", "-id"], name="mention_of"),
            models.Index(fields=["user"], name="mention_unseen", condition=Q(seen_at__isnull=True)),
        ]


class BulkChange(models.Model):
    """One act on many orders that can be undone, with what each of them was before. `act` is a name in oms.bulk_orders."""

    act = models.CharField(max_length=20)
    actor = models.CharField(max_length=80)
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["at"], name="bulk_change_at")]


class BulkChangeItem(models.Model):
    """An order of such an act. before, after: what the act changed, in a list of one, as its undoing reads it; it is undone only while `after` holds."""

    change = models.ForeignKey(BulkChange, on_delete=models.CASCADE, related_name="items")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="+", db_index=False)
    before = models.JSONField()
    after = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["change", "order"], name="bulk_change_item_once")]
