"""How it leaves: fulfillment orders, their lines, shipments with packages, documents and tracking."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from fulfillment.states import FulfillmentState, ShipmentState
from inventory.models import Location, Lot, SerialNumber
from orders.models import Order, OrderLine, money


class Consolidation(models.Model):
    """Work orders of one customer to one address that travel as one parcel; orders, invoices and returns stay separate.

    One label is bought, for `lead`, with the weight of all. Who belongs to it changes only under the locks of all its orders
    (`operations.groups`); what is cancelled or held before the parcel is closed stays behind.
    """

    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    lead = models.ForeignKey("FulfillmentOrder", on_delete=models.PROTECT, related_name="+")
    address_key = models.CharField(max_length=32)  # fulfillment_ship_to_key() of the address they share
    actor = models.CharField(max_length=80)
    actor_label = models.CharField(max_length=120, blank=True, default="")
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=80, blank=True, default="")
    reason = models.CharField(max_length=200, blank=True, default="")  # why it was undone


class FulfillmentOrder(models.Model):
    """The work order for one location: what it must ship, by when, by what method."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fulfillment_orders")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="fulfillment_orders", db_index=False)
    number = models.CharField(max_length=70, unique=True)  # order number, channel-safe, with a running part: "1001-F1"
    state = models.CharField(max_length=12, choices=FulfillmentState.choices, default=FulfillmentState.OPEN)
    service = models.CharField(max_length=20, default="standard")
    units = models.PositiveIntegerField()
    first_bin = models.CharField(max_length=40, blank=True, default="")
    ship_by = models.DateTimeField()
    expected_from = models.DateField(null=True)  # with expected_on the days between which the parcel should arrive
    expected_on = models.DateField(null=True)
    created_at = models.DateTimeField()
    has_label = models.BooleanField(default=False)
    assigned_to = models.CharField(max_length=80, blank=True, default="")
    state_by = models.CharField(max_length=80, blank=True, default="")  # who made the last move
    state_by_label = models.CharField(max_length=120, blank=True, default="")
    state_at = models.DateTimeField()
    printed_at = models.DateTimeField(null=True)
    shipped_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)
    # The parcel it shares with work orders of other orders, and the moment before which a scheduled one is not picked.
    consolidation = models.ForeignKey(
        Consolidation, null=True, on_delete=models.PROTECT, related_name="members", db_index=False
    )
    scheduled_for = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="scheduled") | Q(scheduled_for__isnull=False), name="fulfillment_scheduled_when"
            ),
            models.CheckConstraint(condition=Q(state__in=FulfillmentState.values), name="fulfillment_state_known"),
            models.CheckConstraint(
                condition=~Q(state__in=["shipped", "delivered"]) | Q(shipped_at__isnull=False),
                name="fulfillment_shipped_when",
            ),
        ]
        indexes = [
            models.Index(
                fields=["location", "ship_by", "id"],
                name="fulfillment_queue",
                condition=Q(state__in=["scheduled", "open", "on_hold", "picking", "picked", "packed"]),
            ),
            models.Index(
                fields=["ship_by", "id"],
                name="fulfillment_active",
                condition=Q(state__in=["scheduled", "open", "on_hold", "picking", "picked", "packed"]),
            ),
            models.Index(fields=["-created_at", "-id"], name="fulfillment_recent"),
            models.Index(fields=["order"], name="fulfillment_to_pick", condition=Q(state__in=["open", "picking"])),
            models.Index(fields=["location", "order"], name="fulfillment_of_location"),
            models.Index(fields=["shipped_at"], name="fulfillment_left", condition=Q(shipped_at__isnull=False)),
            models.Index(
                fields=["consolidation"], name="fulfillment_together", condition=Q(consolidation__isnull=False)
            ),
            models.Index(fields=["scheduled_for"], name="fulfillment_scheduled", condition=Q(state="scheduled")),
        ]

    @property
    def subject(self) -> str:
        return f"fulfillment:{self.pk}"


class ShipTogether(models.Model):
    """Open work orders that could travel as one parcel: a view over what is open, unpicked, unlabelled and not held.

    Same location, service, customer (or e-mail address) and normalised address, one work order of each order. `id` is the work
    order that would lead, `ids` are all, the most urgent first.
    """

    location = models.ForeignKey(Location, on_delete=models.DO_NOTHING, related_name="+")
    number = models.CharField(max_length=70)
    service = models.CharField(max_length=20)
    customer_name = models.CharField(max_length=200)
    order_numbers = ArrayField(models.CharField(max_length=60))
    ids = ArrayField(models.BigIntegerField())
    parcels = models.IntegerField()
    saved = models.IntegerField()
    units = models.IntegerField()
    ship_by = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "fulfillment_ship_together"


class FulfillmentLine(models.Model):
    """Units of one order line that this fulfillment order must ship."""

    fulfillment_order = models.ForeignKey(FulfillmentOrder, on_delete=models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="fulfillment_lines")
    quantity = models.PositiveIntegerField()
    picked = models.PositiveIntegerField(default=0)
    packed = models.PositiveIntegerField(default=0)
    shipped = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["fulfillment_order", "order_line"], name="fulfillment_line_once"),
            models.CheckConstraint(
                condition=Q(quantity__gte=F("picked"), picked__gte=F("packed"), packed__gte=F("shipped")),
                name="fulfillment_line_funnel",
            ),
        ]


class Direction(models.TextChoices):
    OUTBOUND = "outbound"
    RETURN = "return"


class Shipment(models.Model):
    """One consignment by one carrier service.

    `reference` is our idempotency key towards the carrier: it is stored before the label is asked for, so that a crash between
    purchase and saving is settled by asking the carrier, never by buying again.
    """

    fulfillment_order = models.ForeignKey(
        FulfillmentOrder, null=True, on_delete=models.PROTECT, related_name="shipments"
    )
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="shipments")
    # In a shared parcel: the shipment whose label it is. The facts are kept with each order, the cost with the lead alone.
    rides_with = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="riders", db_index=False)
    direction = models.CharField(max_length=10, choices=Direction.choices, default=Direction.OUTBOUND)
    reference = models.CharField(max_length=60, unique=True)
    carrier = models.CharField(max_length=30)
    service = models.CharField(max_length=20)
    state = models.CharField(max_length=20, choices=ShipmentState.choices, default=ShipmentState.LABEL_REQUESTED)
    ship_from = models.JSONField(default=dict)
    ship_to = models.JSONField(default=dict)
    cost = money(null=True, default=None)
    currency = models.CharField(max_length=3, blank=True)
    created_at = models.DateTimeField()
    handed_over_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    expected_from = models.DateField(null=True)
    expected_on = models.DateField(null=True)
    problem = models.CharField(max_length=250, blank=True)
    label = models.JSONField(
        default=dict
    )  # what the label says (documents.labels.Label.to_json), as the carrier answered
    # Who is talking to the carrier about this label now, and until when that is believed without an answer.
    claim = models.CharField(max_length=120, blank=True, default="")
    claim_until = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)  # when the carrier was last asked where it is

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ShipmentState.values), name="shipment_state_known"),
            models.UniqueConstraint(
                fields=["fulfillment_order"],
                name="shipment_one_live_per_fulfillment",
                condition=Q(direction="outbound") & ~Q(state__in=["void_requested", "voided"]),
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                name="shipment_moving",
                condition=Q(state__in=["in_transit", "out_for_delivery", "exception"]),
            ),
            models.Index(fields=["rides_with"], name="shipment_riders", condition=Q(rides_with__isnull=False)),
            models.Index(fields=["delivered_at"], name="shipment_arrived", condition=Q(delivered_at__isnull=False)),
        ]


class Package(models.Model):
    """One parcel of a shipment, with its tracking number.

    rides: the same parcel as another shipment's; it is asked about and weighed once, with the one whose label it is.
    """

    shipment = models.ForeignKey(Shipment, on_delete=models.CASCADE, related_name="packages")
    tracking_number = models.CharField(max_length=60)
    weight_grams = models.PositiveIntegerField(default=0)
    rides = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tracking_number"], name="package_tracking_number_once", condition=Q(rides=False)
            ),
            models.UniqueConstraint(fields=["tracking_number", "shipment"], name="package_once_a_shipment"),
        ]


class TrackingEvent(models.Model):
    """What a carrier reported about a parcel, once each."""

    shipment = models.ForeignKey(Shipment, on_delete=models.CASCADE, related_name="tracking")
    code = models.CharField(max_length=20)
    description = models.CharField(max_length=250, blank=True)
    place = models.CharField(max_length=120, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shipment", "code", "at"], name="tracking_event_once")]


class DocumentKind(models.TextChoices):
    LABEL_PDF = "label_pdf"
    LABEL_ZPL = "label_zpl"
    SLIP_A4 = "slip_a4"
    SLIP_4X6 = "slip_4x6"
    RETURN_LABEL_PDF = "return_label_pdf"


class Document(models.Model):
    """A rendered label or slip, kept under the hash of what it shows: a reprint is a read."""

    shipment = models.ForeignKey(Shipment, null=True, on_delete=models.CASCADE, related_name="documents")
    fulfillment_order = models.ForeignKey(
        FulfillmentOrder, null=True, on_delete=models.CASCADE, related_name="documents"
    )
    kind = models.CharField(max_length=20, choices=DocumentKind.choices)
    content_hash = models.CharField(max_length=64)
    data = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["fulfillment_order", "shipment", "kind"], name="document_once", nulls_distinct=False
            ),
        ]


class CarrierNumberRange(models.Model):
    """The next number of a carrier that numbers its own labels (the built-in one)."""

    carrier = models.CharField(max_length=30, unique=True)
    next_number = models.BigIntegerField(default=1)
    last_number = models.BigIntegerField(default=99_999_999)


class IssuedNumber(models.Model):
    """A number of a range and the reference it was issued for: asking again for the same reference finds the same number."""

    carrier = models.CharField(max_length=30)
    reference = models.CharField(max_length=60)
    number = models.BigIntegerField()
    issued_at = models.DateTimeField(db_default=Now())
    voided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["carrier", "reference"], name="issued_number_once"),
            models.UniqueConstraint(fields=["carrier", "number"], name="issued_number_unique"),
        ]


class LineLot(models.Model):
    """Units of a fulfillment line that were taken from a lot: in the tote, then in the parcel, then gone with it."""

    line = models.ForeignKey(FulfillmentLine, on_delete=models.CASCADE, related_name="lots", db_index=False)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField()
    packed = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line", "lot"], name="line_lot_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0, quantity__gte=F("packed")), name="line_lot_funnel"),
        ]


class LineSerial(models.Model):
    """A unit with a serial number in the parcel of a fulfillment line. It lies in one parcel that has not left, and in no two."""

    line = models.ForeignKey(FulfillmentLine, on_delete=models.CASCADE, related_name="serials")
    serial = models.ForeignKey(SerialNumber, on_delete=models.PROTECT, related_name="+")
    left = models.BooleanField(default=False)
    came_back = models.CharField(max_length=60, blank=True, default="", db_default="")  # "return_line:7"

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["serial"], name="line_serial_in_one_parcel", condition=Q(left=False)),
            models.CheckConstraint(condition=Q(left=True) | Q(came_back=""), name="line_serial_left_first"),
        ]


def every_day() -> list[int]:
    """All weekdays, Monday is 0."""
    return list(range(7))


def _weekdays(name: str) -> Q:
    """One to seven weekdays."""
    return Q(**{f"{name}__len__gte": 1, f"{name}__contained_by": every_day()})


class LocationCalendar(models.Model):
    """On which weekdays a location packs. One without a row packs every day."""

    location = models.OneToOneField(Location, primary_key=True, on_delete=models.CASCADE, related_name="+")
    working_days = ArrayField(models.PositiveSmallIntegerField(), default=every_day)

    class Meta:
        constraints = [models.CheckConstraint(condition=_weekdays("working_days"), name="location_calendar_works")]


class ClosedDay(models.Model):
    """A day on which a location does not pack; without a location none does."""

    location = models.ForeignKey(Location, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    day = models.DateField(_("day"))
    name = models.CharField(_("name"), max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["location", "day"], name="closed_day_once", nulls_distinct=False)
        ]


class CarrierCalendar(models.Model):
    """On which weekdays a carrier picks up and brings. One without a row does both every day, unless a lane counts working days."""

    carrier = models.CharField(max_length=30, unique=True)
    pickup_days = ArrayField(models.PositiveSmallIntegerField(), default=every_day)
    delivery_days = ArrayField(models.PositiveSmallIntegerField(), default=every_day)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=_weekdays("pickup_days"), name="carrier_calendar_picks_up"),
            models.CheckConstraint(condition=_weekdays("delivery_days"), name="carrier_calendar_brings"),
        ]


class CarrierHoliday(models.Model):
    """A day on which a carrier (empty: none of them) neither picks up nor brings in a country (empty: in all)."""

    carrier = models.CharField(_("carrier"), max_length=30, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    day = models.DateField(_("day"))
    name = models.CharField(_("name"), max_length=80, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["carrier", "country", "day"], name="carrier_holiday_once")]


class Lane(models.Model):
    """How many working days a carrier's service takes from one country to another, or to a part of it.

    carrier, service: empty for all. postal_prefix: with it the lane goes to the postal codes that begin so; the longest one counts.
    """

    carrier = models.CharField(_("carrier"), max_length=30, blank=True)
    service = models.CharField(_("service"), max_length=20, blank=True)
    from_country = models.CharField(_("from"), max_length=2)
    to_country = models.CharField(_("to"), max_length=2)
    postal_prefix = models.CharField(_("postal codes from"), max_length=12, blank=True)
    min_days = models.PositiveSmallIntegerField(_("working days, least"))
    max_days = models.PositiveSmallIntegerField(_("working days, most"))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["carrier", "service", "from_country", "to_country", "postal_prefix"], name="lane_once"
            ),
            models.CheckConstraint(
                condition=Q(min_days__lte=F("max_days"), max_days__lte=90), name="lane_days_are_a_range"
            ),
        ]
        indexes = [models.Index(fields=["from_country", "to_country", "id"], name="lane_ends")]

    @property
    def subject(self) -> str:
        """Key of this lane in the timeline."""
        return f"lane:{self.pk}"


class DeliveryChange(models.Model):
    """One row for each change of calendars or lanes. The newest id tells a process whether what it has compiled is still true."""

    actor = models.CharField(max_length=80)
    at = models.DateTimeField()


class LanePerformance(models.Model):
    """How many working days parcels of a lane really took, over the last months; counted anew each night.

    carrier, service: as in `Lane`, empty for all. half, nine_tenths: so many of ten parcels arrived within these days.
    """

    carrier = models.CharField(max_length=30, blank=True)
    service = models.CharField(max_length=20, blank=True)
    from_country = models.CharField(max_length=2)
    to_country = models.CharField(max_length=2)
    parcels = models.PositiveIntegerField()
    half = models.PositiveSmallIntegerField()
    nine_tenths = models.PositiveSmallIntegerField()
    counted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["carrier", "service", "from_country", "to_country"], name="lane_performance_once"
            )
        ]
