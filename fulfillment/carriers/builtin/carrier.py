"""The built-in carrier: answers at once and from its own tables; numbers come from a range that the caller keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.utils.translation import gettext as _

from core.addresses import Address, known_country, postal_key
from fulfillment.carriers.base import (
    Bought,
    BuyOutcome,
    FindOutcome,
    LabelDirection,
    LabelRequest,
    LabelResult,
    NotFound,
    Rate,
    RateRequest,
    Refused,
    TrackingUpdate,
    Voided,
    VoidOutcome,
)
from fulfillment.documents.labels import Label

from .tariff import Price, Tariff, billable_grams, standard_tariff
from .tracking_numbers import NumberRangeFactory, RangeExhausted, serial_of, tracking_number

#: Events of a tracking number, oldest first, or None when it was never seen.
TrackingSource = Callable[[str], list[TrackingUpdate] | None]


class BuiltinCarrier:
    """Implements `carriers.base.Carrier` without any outside party.

    `numbers` gives the number range (usually one in the database), `tracking` where events come from (the simulator in
    a demo; without it parcels have no events but those that people enter).
    """

    code = "builtin"

    def __init__(
        self,
        numbers: NumberRangeFactory,
        *,
        name: str = "Parcel Post",
        tariff: Tariff | None = None,
        tracking: TrackingSource | None = None,
    ) -> None:
        self.name = name
        self._numbers = numbers
        self._tariff = tariff or standard_tariff()
        self._tracking = tracking

    @property
    def services(self) -> dict[str, str]:
        return {service.code: service.name for service in self._tariff.services.values()}

    def rates(self, request: RateRequest) -> list[Rate]:
        grams = billable_grams(request.parcel)
        zone = self._tariff.zone(request.sender.country, request.recipient.country, request.distance_km)
        offers = []
        for service in self._tariff.services.values():
            if price := self._tariff.price(service.code, zone, grams):
                offers.append(
                    Rate(self.code, service.code, service.name, price.amount, self._tariff.currency, price.transit_days)
                )
        return sorted(offers, key=lambda rate: (rate.amount, rate.transit_days))

    def buy(self, request: LabelRequest) -> BuyOutcome:
        if refusal := self._refusal(request):
            return refusal
        try:
            serial = self._numbers().issue(request.reference)
        except RangeExhausted:
            return Refused("numbers_exhausted", _("The carrier's number range is used up."))
        return Bought(self._result(request, serial))

    def find(self, request: LabelRequest) -> FindOutcome:
        serial = self._numbers().issued(request.reference)
        if serial is None or self._price(request) is None:
            return NotFound()
        return Bought(self._result(request, serial))

    def void(self, tracking_number: str) -> VoidOutcome:
        serial = serial_of(tracking_number)
        if serial is None or not self._numbers().void(serial):
            return Refused("no_such_label", _("This carrier has no label with this tracking number."))
        return Voided()

    def track(self, tracking_numbers: Sequence[str]) -> dict[str, list[TrackingUpdate]]:
        if self._tracking is None:
            return {}
        found = {number: self._tracking(number) for number in tracking_numbers if serial_of(number) is not None}
        return {number: updates for number, updates in found.items() if updates is not None}

    def _refusal(self, request: LabelRequest) -> Refused | None:
        """Why this label cannot be sold, or None."""
        if request.service not in self._tariff.services:
            return Refused(
                "no_such_service", _("The carrier has no service “%(service)s”.") % {"service": request.service}
            )
        for address in (request.sender, request.recipient):
            if missing := _missing_part(address):
                return Refused("address_incomplete", missing)
        if self._price(request) is None:
            return Refused("parcel_too_heavy", _("The parcel is too heavy or too large for this service."))
        return None

    def _price(self, request: LabelRequest) -> Price | None:
        zone = self._tariff.zone(request.sender.country, request.recipient.country, request.distance_km)
        return self._tariff.price(request.service, zone, billable_grams(request.parcel))

    def _result(self, request: LabelRequest, serial: int) -> LabelResult:
        service = self._tariff.services[request.service]
        price = self._price(request)
        assert price is not None, "checked before a number is taken"  # noqa: S101
        number = tracking_number(service.indicator, serial)
        label = Label(
            carrier=self.name,
            service=service.name,
            service_code=service.letter,
            routing_code=routing_code(request.recipient, price.zone),
            tracking_number=number,
            sender=label_lines(request.sender),
            recipient=label_lines(request.recipient),
            weight_grams=request.parcel.weight_grams,
            reference=request.reference,
            order_number=request.order_number,
            contents=request.parcel.contents,
            ship_on=request.ship_on,
            parcel=request.parcel_number,
            parcels=request.parcel_count,
            is_return=request.direction == LabelDirection.RETURN,
            qr=request.tracking_url or number,
        )
        return LabelResult(request.reference, number, price.amount, self._tariff.currency, label=label)


def routing_code(recipient: Address, zone: str) -> str:
    """What a depot sorts by: country, first three characters of the postal code, zone (“PL-000 · D2”)."""
    area = postal_key(recipient.postal_code)[:3]
    return f"{recipient.country.upper()}{'-' + area if area else ''} · {zone}"


def label_lines(address: Address) -> tuple[str, ...]:
    """The lines of an address as they stand on a label, with the telephone for the driver."""
    phone = f"Tel. {address.phone}" if address.phone else ""
    return tuple(line for line in (*address.lines(), phone) if line)


def _missing_part(address: Address) -> str:
    """A sentence that names what an address lacks to be delivered to, or an empty text."""
    if not (address.name.strip() or address.company.strip()):
        return _("The address has no name.")
    if not address.line1.strip():
        return _("The address has no street.")
    if not address.city.strip():
        return _("The address has no city.")
    if not known_country(address.country):
        return _("The address has no valid country.")
    return ""
