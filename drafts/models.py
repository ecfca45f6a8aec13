"""Orders being composed: the draft, its lines, and the stock that is held for it until a day."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.addresses import Address
from core.models import User, not_negative
from core.search import search_column
from customers.models import Customer
from drafts.states import DiscountKind, DraftState, Scenario, Terms
from drafts.totals import Discount
from inventory.models import Location, Variant
from orders.models import Channel, Order, money

_LIVE = ["open", "sent"]


def _rate() -> models.DecimalField:
    return models.DecimalField(max_digits=7, decimal_places=5, null=True)


def _discount_holds(name: str) -> models.CheckConstraint:
    """A discount has a value exactly when it has a kind, and a percentage ends at a hundred."""
    return models.CheckConstraint(
        condition=Q(discount_kind="none", discount_value=0)
        | Q(discount_kind="amount", discount_value__gt=0)
        | Q(discount_kind="percent", discount_value__gt=0, discount_value__lte=100),
        name=name,
    )


class DraftOrder(models.Model):
    """An order being composed. The sums are those of drafts.totals, kept for lists; `order` is what it became."""

    number = models.CharField(_("number"), max_length=20, unique=True)
    token = models.CharField(max_length=43, unique=True)  # the customer's link
    scenario = models.CharField(max_length=10, choices=Scenario.choices, default=Scenario.PHONE)
    state = models.CharField(max_length=10, choices=DraftState.choices, default=DraftState.OPEN)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+", verbose_name=_("channel"))
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="drafts")
    customer_name = models.CharField(_("customer"), max_length=200, blank=True)
    email = models.CharField(_("e-mail"), max_length=254, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    language = models.CharField(_("language"), max_length=8, default="en")
    shipping_address = models.JSONField(_("shipping address"), default=dict)
    billing_address = models.JSONField(_("billing address"), default=dict)
    currency = models.CharField(_("currency"), max_length=3)
    discount_kind = models.CharField(max_length=8, choices=DiscountKind.choices, default=DiscountKind.NONE)
    discount_value = money()
    shipping_method = models.CharField(_("shipping method"), max_length=80, blank=True)
    shipping_total = money()
    tax_included = models.BooleanField(_("prices include tax"), default=False)
    tax_exempt = models.BooleanField(_("no tax"), default=False)
    # The country's rate when it was last saved, and what shipping is taxed with; null where none is set up.
    tax_rate = _rate()
    shipping_tax_rate = _rate()
    note = models.TextField(_("note"), blank=True)
    tags = ArrayField(models.CharField(max_length=40), default=list)
    po_number = models.CharField(_("purchase-order number"), max_length=60, blank=True)
    terms = models.CharField(_("payment terms"), max_length=8, choices=Terms.choices, default=Terms.ADVANCE)
    # Goods that are handed over at once leave from here; null where they are shipped.
    location = models.ForeignKey(
        Location, null=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("handed over at")
    )
    expires_at = models.DateTimeField(_("expires"), null=True)
    hold_until = models.DateTimeField(_("stock held until"), null=True)  # null: no stock is held
    sent_at = models.DateTimeField(null=True)
    sent_version = models.PositiveIntegerField(null=True)
    order = models.OneToOneField(Order, null=True, on_delete=models.PROTECT, related_name="draft")
    closed_at = models.DateTimeField(null=True)
    subtotal = money()
    discount_total = money()
    tax_total = money()
    total = money()
    units = models.PositiveIntegerField(default=0)
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    author_label = models.CharField(max_length=120)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    search_text = models.TextField(default="", blank=True)
    search = search_column()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=DraftState.values), name="draft_state_known"),
            models.CheckConstraint(condition=Q(scenario__in=Scenario.values), name="draft_scenario_known"),
            models.CheckConstraint(condition=Q(terms__in=Terms.values), name="draft_terms_known"),
            _discount_holds("draft_discount_holds"),
            models.CheckConstraint(
                condition=not_negative("shipping_total", "subtotal", "discount_total", "tax_total", "total"),
                name="draft_amounts_not_negative",
            ),
            # It is completed exactly when there is an order.
            models.CheckConstraint(
                condition=Q(state="completed", order__isnull=False) | ~Q(state="completed") & Q(order__isnull=True),
                name="draft_completed_is_an_order",
            ),
            # What cannot become an order any more holds no stock.
            models.CheckConstraint(
                condition=Q(state__in=_LIVE) | Q(hold_until__isnull=True), name="draft_closed_holds_nothing"
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="draft_recent"),
            models.Index(fields=["state", "-created_at", "-id"], name="draft_by_state"),
            models.Index(fields=["expires_at"], name="draft_expires", condition=Q(state__in=_LIVE, expires_at__isnull=False)),
            models.Index(fields=["hold_until"], name="draft_hold_ends", condition=Q(hold_until__isnull=False)),
            GinIndex(fields=["search"], name="draft_search"),
        ]  # fmt: skip

    @property
    def subject(self) -> str:
        """Key of this draft in the timeline, and the cause of what its hold moves in the ledger."""
        return f"draft:{self.pk}"

    @property
    def ship_to(self) -> Address:
        return Address.from_json(self.shipping_address)

    @property
    def bill_to(self) -> Address:
        return Address.from_json(self.billing_address)

    @property
    def discount(self) -> Discount:
        return Discount(self.discount_kind, self.discount_value)

    @property
    def changed_since_sent(self) -> bool:
        return self.sent_version is not None and self.version != self.sent_version


class DraftLine(models.Model):
    """A variant, or words and a price, with its quantity. tax_rate: a fraction of its own; null: the country's."""

    draft = models.ForeignKey(DraftOrder, on_delete=models.CASCADE, related_name="lines", db_index=False)
    position = models.PositiveSmallIntegerField()
    variant = models.ForeignKey(Variant, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    title = models.CharField(_("title"), max_length=255)
    quantity = models.PositiveIntegerField(_("quantity"))
    unit_price = money()
    discount_kind = models.CharField(max_length=8, choices=DiscountKind.choices, default=DiscountKind.NONE)
    discount_value = money()
    tax_rate = _rate()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["draft", "position"], name="draft_line_position", deferrable=models.Deferrable.DEFERRED),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="draft_line_counts"),
            models.CheckConstraint(condition=not_negative("unit_price"), name="draft_line_price_not_negative"),
            models.CheckConstraint(condition=Q(tax_rate__isnull=True) | Q(tax_rate__gte=0, tax_rate__lt=1), name="draft_line_tax_is_a_fraction"),
            _discount_holds("draft_line_discount_holds"),
        ]  # fmt: skip

    @property
    def discount(self) -> Discount:
        return Discount(self.discount_kind, self.discount_value)

    @property
    def custom(self) -> bool:
        return self.variant_id is None

    def rate_in(self, draft: DraftOrder) -> Decimal | None:
        """The rate that holds for this line, None where nobody set one."""
        if draft.tax_exempt:
            return Decimal(0)
        return draft.tax_rate if self.tax_rate is None else self.tax_rate


class HeldStock(models.Model):
    """Units that a line holds at a location until the draft's date: of its variant, or of a component of its bundle.

    It is the owner of its reservation, and the reason why that is needed. It goes when the units are given back.
    """

    line = models.ForeignKey(DraftLine, on_delete=models.CASCADE, related_name="held", db_index=False)
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    quantity = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line", "variant", "location"], name="held_stock_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="held_stock_counts"),
        ]

    @property
    def owner(self) -> str:
        """Owner of its reservation."""
        return f"draft_hold:{self.pk}"
