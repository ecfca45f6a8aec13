"""The number range of a carrier that numbers its own labels: one number per reference, for ever, taken under a row lock."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models.functions import Coalesce, Now

from fulfillment.carriers.builtin.tracking_numbers import RangeExhausted
from fulfillment.models import CarrierNumberRange, IssuedNumber


@dataclass(frozen=True, slots=True)
class DatabaseNumbers:
    """Implements carriers.builtin.tracking_numbers.NumberRange for one carrier, in its own short transactions."""

    carrier: str

    def issue(self, reference: str) -> int:
        """The number of a reference: the one it has, else the next of the range. Raises RangeExhausted."""
        with transaction.atomic():
            numbers = CarrierNumberRange.objects.select_for_update().filter(carrier=self.carrier).first()
            if numbers is None:
                CarrierNumberRange.objects.bulk_create(
                    [CarrierNumberRange(carrier=self.carrier)], ignore_conflicts=True
                )
                numbers = CarrierNumberRange.objects.select_for_update().get(carrier=self.carrier)
            known = IssuedNumber.objects.filter(carrier=self.carrier, reference=reference).first()
            if known is not None:
                return known.number
            if numbers.next_number > numbers.last_number:
                raise RangeExhausted(self.carrier)
            number = numbers.next_number
            CarrierNumberRange.objects.filter(pk=numbers.pk).update(next_number=number + 1)
            IssuedNumber.objects.create(carrier=self.carrier, reference=reference, number=number)
            return number

    def issued(self, reference: str) -> int | None:
        """The number of a reference that has one and is not void."""
        rows = IssuedNumber.objects.filter(carrier=self.carrier, reference=reference, voided_at__isnull=True)
        return rows.values_list("number", flat=True).first()

    def void(self, serial: int) -> bool:
        """Mark a number void; True when it exists, also when it was void before. It is never issued again."""
        rows = IssuedNumber.objects.filter(carrier=self.carrier, number=serial)
        return bool(rows.update(voided_at=Coalesce("voided_at", Now())))
