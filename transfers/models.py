"""Transfers between own locations: what is to go, what left, what arrived, and how each difference was settled."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from inventory.models import Location, SerialNumber, Variant
from transfers.states import DamageReason, FoundPlace, MissingReason, OverReason, TransferState

#: Longest note that the ledger keeps whole.
LONGEST_NOTE = 200


class Transfer(models.Model):
    """Goods on their way from one own location to another. The counts are sums over its lines, written with them."""

    number = models.CharField(max_length=24, unique=True)  # "TR-12"
    origin = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    destination = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=TransferState.choices, default=TransferState.DRAFT)
    reference = models.CharField(_("reference"), max_length=60, blank=True)  # another system's, a lorry's, a file's
    expected_on = models.DateField(_("expected on"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    units = models.PositiveIntegerField(default=0)
    shipped = models.PositiveIntegerField(default=0)
    received = models.PositiveIntegerField(default=0)
    damaged = models.PositiveIntegerField(default=0)
    over = models.PositiveIntegerField(default=0)
    lost = models.PositiveIntegerField(default=0)
    returned = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(default=0)
    # Of the form, file row or request that made it: the same one makes one transfer.
    request_key = models.CharField(max_length=200, blank=True)
    actor = models.CharField(max_length=80)
    created_at = models.DateTimeField(db_default=Now())
    ready_at = models.DateTimeField(null=True)
    dispatched_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(null=True)  # the first arrival
    closed_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request_key"], name="transfer_once", condition=~Q(request_key="")),
            models.CheckConstraint(condition=Q(state__in=TransferState.values), name="transfer_state_known"),
            models.CheckConstraint(condition=~Q(origin=F("destination")), name="transfer_goes_elsewhere"),
            models.CheckConstraint(
                condition=Q(shipped__lte=F("units"), shipped__gte=F("received") + F("lost") + F("returned"))
                & Q(lost__gte=F("found"), damaged__lte=F("received") + F("over")),
                name="transfer_funnel",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["in_transit", "received"]) | Q(shipped=0), name="transfer_ships_when_dispatched"
            ),
            models.CheckConstraint(
                condition=~Q(state="received") | Q(shipped=F("received") + F("lost") + F("returned")),
                name="transfer_closed_when_settled",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="transfer_recent"),
            models.Index(
                fields=["-created_at", "-id"],
                name="transfer_open",
                condition=~Q(state__in=["received", "cancelled"]),
            ),
        ]

    @property
    def subject(self) -> str:
        """Key of this transfer in the timeline, and cause of its ledger rows."""
        return f"transfer:{self.pk}"

    @property
    def outstanding(self) -> int:
        """Units that left and are neither received nor settled."""
        return self.shipped - self.received - self.lost - self.returned


class TransferLine(models.Model):
    """Units of one variant in a transfer.

    shipped left the origin; of these received arrived, lost were given up, returned are back at the origin: the rest is on its way.
    over arrived beyond what was shipped. damaged are among received and over. found are lost units that turned up after all.
    """

    transfer = models.ForeignKey(Transfer, on_delete=models.CASCADE, related_name="lines", db_index=False)
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    quantity = models.PositiveIntegerField()
    shipped = models.PositiveIntegerField(default=0)
    received = models.PositiveIntegerField(default=0)
    damaged = models.PositiveIntegerField(default=0)
    over = models.PositiveIntegerField(default=0)
    lost = models.PositiveIntegerField(default=0)
    returned = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(default=0)
    # Counted at the dock and not yet put into stock.
    counted = models.PositiveIntegerField(default=0)
    counted_damaged = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["transfer", "variant"], name="transfer_line_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="transfer_line_moves_something"),
            models.CheckConstraint(
                condition=Q(shipped__lte=F("quantity"), shipped__gte=F("received") + F("lost") + F("returned"))
                & Q(lost__gte=F("found"), damaged__lte=F("received") + F("over")),
                name="transfer_line_funnel",
            ),
            models.CheckConstraint(
                condition=Q(counted_damaged__lte=F("counted")), name="transfer_line_damaged_is_counted"
            ),
        ]

    @property
    def owner(self) -> str:
        """What its reservation at the origin is held by."""
        return f"transfer_line:{self.pk}"

    @property
    def outstanding(self) -> int:
        """Units that left and are neither received nor settled."""
        return self.shipped - self.received - self.lost - self.returned

    @property
    def given_up(self) -> int:
        """Units that were lost and have not turned up."""
        return self.lost - self.found


class Arrival(models.Model):
    """Units of a line that were received at once. `key` is of the form or request: the same one arrives once."""

    line = models.ForeignKey(TransferLine, on_delete=models.CASCADE, related_name="arrivals", db_index=False)
    key = models.CharField(max_length=80)
    quantity = models.PositiveIntegerField()  # all that arrived, over and damaged among them
    over = models.PositiveIntegerField(default=0)
    over_reason = models.CharField(max_length=12, choices=OverReason.choices, blank=True)
    damaged = models.PositiveIntegerField(default=0)
    damage_reason = models.CharField(max_length=12, choices=DamageReason.choices, blank=True)
    note = models.CharField(max_length=LONGEST_NOTE, blank=True)
    actor = models.CharField(max_length=80)
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line", "key"], name="arrival_once"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, over__lte=F("quantity"), damaged__lte=F("quantity")), name="arrival_adds_up"
            ),
            models.CheckConstraint(
                condition=Q(over=0, over_reason="") | Q(over__gt=0, over_reason__in=OverReason.values),
                name="arrival_over_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(damaged=0, damage_reason="") | Q(damaged__gt=0, damage_reason__in=DamageReason.values),
                name="arrival_damage_has_a_reason",
            ),
        ]


class Settlement(models.Model):
    """What became of units that did not arrive: given up or back at the origin (reason), or found after that (place)."""

    line = models.ForeignKey(TransferLine, on_delete=models.CASCADE, related_name="settlements")
    quantity = models.PositiveIntegerField()
    reason = models.CharField(max_length=12, choices=MissingReason.choices, blank=True)
    found_at = models.CharField(max_length=12, choices=FoundPlace.choices, blank=True)
    note = models.CharField(max_length=LONGEST_NOTE, blank=True)
    actor = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="settlement_of_something"),
            models.CheckConstraint(
                condition=Q(reason__in=MissingReason.values, found_at="")
                | Q(reason="", found_at__in=FoundPlace.values),
                name="settlement_says_what",
            ),
        ]


class SerialWay(models.TextChoices):
    """Where a unit of a line is that left with a serial number."""

    ON_THE_WAY = "on_the_way", _("On the way")
    ARRIVED = "arrived", _("Arrived")
    GIVEN_UP = "given_up", _("Given up")
    BACK = "back", _("Back at the origin")


class LineSerial(models.Model):
    """A unit with a serial number that left with a line, or (`over`) arrived with it without being noted. On its way with one transfer."""

    line = models.ForeignKey(TransferLine, on_delete=models.CASCADE, related_name="serials")
    serial = models.ForeignKey(SerialNumber, on_delete=models.PROTECT, related_name="+")
    way = models.CharField(max_length=10, choices=SerialWay.choices, default=SerialWay.ON_THE_WAY)
    arrival = models.ForeignKey(Arrival, null=True, on_delete=models.PROTECT, related_name="serials")
    over = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(way__in=SerialWay.values), name="transfer_serial_way_known"),
            models.UniqueConstraint(
                fields=["serial"], name="transfer_serial_on_one_way", condition=Q(way=SerialWay.ON_THE_WAY)
            ),
        ]
