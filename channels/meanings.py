"""What the columns of a file are read as, in words for people."""

from __future__ import annotations

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

_PARTS = {
    "to": _("name"), "street": _("street"), "line1": _("address line 1"), "line2": _("address line 2"), "company": _("company"), "city": _("city"),
    "zip": _("postal code"), "province": _("province"), "country": _("country"), "phone": _("phone"),
}  # fmt: skip

MEANINGS = {
    "name": _("Name or number"), "id": _("Channel's id"), "email": _("E-mail"), "phone": _("Phone"), "financial": _("Payment status"),
    "paid_at": _("Paid at"), "fulfillment": _("Fulfillment status"), "fulfilled_at": _("Shipped at"), "cancelled_at": _("Cancelled at"),
    "currency": _("Currency"), "subtotal": _("Subtotal"), "shipping": _("Shipping"), "taxes": _("Tax"), "total": _("Total"),
    "discount": _("Discount"), "refunded": _("Refunded"), "outstanding": _("Still owed"), "shipping_method": _("Shipping method"),
    "created_at": _("Placed at"), "payment_method": _("Payment method"), "payment_reference": _("Payment reference"), "notes": _("Note"),
    "tags": _("Tags"), "line_quantity": _("Line: quantity"), "line_name": _("Line: title"), "line_price": _("Line: price"),
    "line_sku": _("Line: SKU"), "line_discount": _("Line: discount"), "line_requires_shipping": _("Line: needs shipping"),
    "line_fulfillment": _("Line: fulfillment"),
    "handle": _("Handle"), "title": _("Title"), "vendor": _("Vendor"), "type": _("Type"), "status": _("Active or not"), "sku": _("SKU"),
    "option1": _("Option 1"), "option2": _("Option 2"), "option3": _("Option 3"), "option1_name": _("Option 1: name"),
    "option2_name": _("Option 2: name"), "option3_name": _("Option 3: name"), "price": _("Price"), "cost": _("Cost"), "barcode": _("Barcode"),
    "grams": _("Weight (g)"), "hs_code": _("HS code"), "origin": _("Country of origin"), "requires_shipping": _("Needs shipping"),
    "image": _("Image (not kept)"), "tracking": _("Followed by lot or serial number"),
    "code": _("Code"), "kind": _("Kind"), "company": _("Company"), "line1": _("Address line 1"), "line2": _("Address line 2"), "city": _("City"),
    "province": _("Province"), "zip": _("Postal code"), "country": _("Country"), "latitude": _("Latitude"), "longitude": _("Longitude"),
    "time_zone": _("Time zone"), "ships_online": _("Ships online orders"), "offers_pickup": _("Offers pickup"),
    "accepts_returns": _("Accepts returns"), "daily_capacity": _("Orders a day"), "cutoff": _("Cut-off"), "rank": _("Rank"), "active": _("Active"),
    "bundle": _("Bundle: SKU"), "component": _("Component: SKU"), "quantity": _("Units"),
    "location": _("Location"), "bin": _("Bin"), "on_hand_new": _("On hand, new"), "on_hand": _("On hand"), "available": _("Available"),
    "committed": _("Committed"), "unavailable": _("Not for sale"), "incoming": _("Incoming"),
    "safety_stock": _("Safety stock"), "damaged": _("Damaged"), "quality_control": _("Quality control"), "lot": _("Lot"),
    "expires_on": _("Expires on"), "serial": _("Serial number"), "number": _("Number"), "supplier": _("Supplier"),
    "expected_on": _("Expected on"), "note": _("Note"), "state": _("State (not read)"), "unit_cost": _("Unit cost"),
    "received": _("Received (not read)"), "count": _("Stock count"), "counted": _("Counted"),
    **{f"shipping_{part}": format_lazy("{}: {}", _("Ship to"), label) for part, label in _PARTS.items()},
    **{f"billing_{part}": format_lazy("{}: {}", _("Bill to"), label) for part, label in _PARTS.items()},
}  # fmt: skip
