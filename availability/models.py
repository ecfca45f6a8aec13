"""What each channel is shown: the rules, what was published last, what must be looked at again, and who is told."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.models import not_negative
from inventory.models import Location, Variant
from orders.models import Channel


class LocationPool(models.Model):
    """Locations whose stock counts for the channels and SKUs of a rule."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    locations = models.ManyToManyField(Location, related_name="+", verbose_name=_("locations"))

    @property
    def subject(self) -> str:
        """Key of this pool in the timeline."""
        return f"availability_pool:{self.pk}"


class Scope(models.TextChoices):
    """What a rule speaks of, from the widest to the most specific."""

    CHANNEL = "channel", _("All SKUs")
    TYPE = "type", _("Product type")
    TAG = "tag", _("Tag")
    SKU = "sku", _("One SKU")


class Buffer(models.TextChoices):
    NONE = "none", _("Nothing")
    UNITS = "units", _("Units")
    PERCENT = "percent", _("Percent")
    DAYS = "days", _("Days of sales")


class AvailabilityRule(models.Model):
    """What a channel is shown of some SKUs. The most specific active rule speaks alone; nothing is inherited from wider ones."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="availability_rules", db_index=False)
    scope = models.CharField(_("applies to"), max_length=8, choices=Scope.choices, default=Scope.CHANNEL)
    target = models.CharField(max_length=120, blank=True, default="")  # the product type or the tag
    variant = models.ForeignKey(Variant, null=True, on_delete=models.CASCADE, related_name="availability_rules")
    buffer = models.CharField(_("keep back"), max_length=8, choices=Buffer.choices, default=Buffer.NONE)
    value = models.DecimalField(_("how much"), max_digits=10, decimal_places=2, default=Decimal(0))
    pool = models.ForeignKey(LocationPool, null=True, blank=True, on_delete=models.PROTECT, related_name="rules", verbose_name=_("location pool"))  # fmt: skip
    maximum = models.PositiveIntegerField(_("show at most"), null=True, blank=True)
    budget = models.PositiveIntegerField(_("oversell budget"), default=0)
    budget_until = models.DateField(_("budget until"), null=True, blank=True)  # its last day, by the channel's clock
    never = models.BooleanField(_("never show"), default=False)
    active = models.BooleanField(_("active"), default=True)
    note = models.CharField(_("note"), max_length=200, blank=True, default="")
    version = models.PositiveIntegerField(default=1)
    budget_over = models.BooleanField(default=False)  # its end has been worked into what is shown
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "scope", "target", "variant"], name="availability_rule_once", nulls_distinct=False
            ),
            models.CheckConstraint(condition=Q(scope__in=Scope.values), name="availability_rule_scope_known"),
            models.CheckConstraint(condition=Q(buffer__in=Buffer.values), name="availability_rule_buffer_known"),
            models.CheckConstraint(
                condition=Q(scope="channel", target="", variant__isnull=True)
                | (Q(scope__in=["type", "tag"], variant__isnull=True) & ~Q(target=""))
                | Q(scope="sku", target="", variant__isnull=False),
                name="availability_rule_has_its_target",
            ),
            models.CheckConstraint(
                condition=Q(value__gte=0) & (~Q(buffer="percent") | Q(value__lte=100)), name="availability_rule_buffer_in_range"
            ),
            models.CheckConstraint(
                condition=Q(budget=0, budget_until__isnull=True) | Q(budget__gt=0, budget_until__isnull=False),
                name="availability_rule_budget_ends",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["budget_until"], name="availability_budget_open", condition=Q(budget__gt=0, budget_over=False)),
        ]  # fmt: skip

    @property
    def subject(self) -> str:
        """Key of this rule in the timeline."""
        return f"availability_rule:{self.pk}"


class ChannelAvailability(models.Model):
    """What a channel was told of a SKU last, and the numbers behind it. version 0: nothing was told yet."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+", db_index=False)
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="+", db_index=False)
    shown = models.IntegerField(default=0, db_default=0)
    version = models.BigIntegerField(default=0, db_default=0)
    published_at = models.DateTimeField(null=True)
    available = models.IntegerField(default=0, db_default=0)
    withheld = models.IntegerField(default=0, db_default=0)
    extra = models.IntegerField(default=0, db_default=0)  # open units of the oversell budget
    reason = models.CharField(max_length=8, default="sold_out", db_default="sold_out")
    rule = models.ForeignKey(AvailabilityRule, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "variant"], name="channel_availability_once"),
            models.CheckConstraint(
                condition=not_negative("shown", "version", "available", "withheld", "extra"), name="channel_availability_not_negative"
            ),
            models.CheckConstraint(condition=Q(shown__lte=F("available") + F("extra")), name="channel_availability_within_stock"),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["variant", "channel"], name="channel_availability_variant"),
            models.Index(fields=["-shown", "-id"], name="channel_availability_shown"),
            models.Index(fields=["channel", "-shown", "-id"], name="channel_availability_of"),
            models.Index(fields=["-id"], name="availability_overselling", condition=Q(extra__gt=0)),
            models.Index(fields=["-id"], name="availability_nothing_shown", condition=Q(shown=0, available__gt=0)),
        ]


class DirtyAvailability(models.Model):
    """A channel's SKU whose number must be worked out again once it is due; however often that is said, it is one row."""

    channel_id = models.BigIntegerField()
    variant_id = models.BigIntegerField()
    due_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel_id", "variant_id"], name="dirty_availability_once")]
        indexes = [models.Index(fields=["due_at"], name="dirty_availability_due")]


class ChannelSales(models.Model):
    """Units of a variant that a channel sold in the 28 days before `ChannelState.sales_day`."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+", db_index=False)
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="+")
    units = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "variant"], name="channel_sales_once")]


class ChannelState(models.Model):
    """What was known of a channel's surroundings when its numbers were worked out; a difference means looking again."""

    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, related_name="+", primary_key=True)
    sales_day = models.DateField(null=True)
    locations = models.JSONField(default=dict)  # "" → ids of the default pool, "<pool id>" → ids of the pool
    seen_at = models.DateTimeField(null=True)  # changes of products and variants up to here are worked in
    reconciled_on = models.DateField(null=True)


class Endpoint(models.Model):
    """Where changes of a channel are posted. The keys lie encrypted (availability.webhooks.keys)."""

    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, related_name="availability_endpoint")
    url = models.CharField(_("address"), max_length=500)
    secret = models.TextField()
    old_secret = models.TextField(blank=True, default="")
    old_secret_until = models.DateTimeField(null=True)
    active = models.BooleanField(_("active"), default=True)
    quiet_until = models.DateTimeField(null=True)  # nothing came back the last time: nobody waits for it again before
    created_at = models.DateTimeField()

    @property
    def subject(self) -> str:
        """Key of this endpoint in the timeline."""
        return f"availability_webhook:{self.channel_id}"


class PostState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    DELIVERED = "delivered", _("Delivered")
    FAILING = "failing", _("Will be tried again")
    SUPERSEDED = "superseded", _("Newer numbers were sent")
    GAVE_UP = "gave_up", _("Given up")


class WebhookPost(models.Model):
    """One message to an endpoint: its body as it is sent each time, and how the last attempt went."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="posts", db_index=False)
    message_id = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=8, default="change")  # change | test
    items = models.PositiveIntegerField(default=0)
    body = models.TextField()
    state = models.CharField(max_length=10, choices=PostState.choices, default=PostState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.CharField(max_length=300, blank=True, default="")
    milliseconds = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField()
    attempted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=PostState.values), name="webhook_post_state_known"),
            models.CheckConstraint(condition=Q(kind__in=["change", "test"]), name="webhook_post_kind_known"),
        ]
        indexes = [
            models.Index(fields=["endpoint", "-id"], name="webhook_post_of_endpoint"),
            models.Index(fields=["created_at"], name="webhook_post_age"),
        ]
