"""The vocabulary of tracking: five codes that every carrier's own events are translated into."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

LABEL_PURCHASED = "label_purchased"
IN_TRANSIT = "in_transit"
OUT_FOR_DELIVERY = "out_for_delivery"
DELIVERED = "delivered"
EXCEPTION = "exception"

#: (code, label) in the order of a parcel's life, as Django's `choices` and TextChoices take them.
TRACKING_CODES = (
    (LABEL_PURCHASED, _("Label bought")),
    (IN_TRANSIT, _("In transit")),
    (OUT_FOR_DELIVERY, _("Out for delivery")),
    (DELIVERED, _("Delivered")),
    (EXCEPTION, _("Exception")),
)
