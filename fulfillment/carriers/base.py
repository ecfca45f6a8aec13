"""What every carrier can do, whatever its own interface looks like.

Buying a label has three outcomes, not two: bought, refused, and *unknown*, when the answer was lost on the way. An
unknown purchase is settled with `find`, by our own reference, before anything else; it is never bought again blindly.
Carriers do not raise for what carriers do every day (refuse, time out): they answer with the outcome. Whatever else is
raised is a programming error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, runtime_checkable

from core.addresses import Address
from fulfillment.documents.labels import Label


class LabelDirection(StrEnum):
    """Which way a parcel goes, seen from the merchant."""

    OUTBOUND = "outbound"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class Parcel:
    """One box: weight in grams, size in millimetres (0: unknown), what is in it and its value for customs."""

    weight_grams: int
    length_mm: int = 0
    width_mm: int = 0
    height_mm: int = 0
    contents: str = ""
    value: Decimal | None = None
    currency: str = ""

    def __post_init__(self) -> None:
        if min(self.weight_grams, self.length_mm, self.width_mm, self.height_mm) < 0:
            raise ValueError("A parcel's weight and size cannot be negative.")


@dataclass(frozen=True, slots=True)
class RateRequest:
    """What would it cost? `distance_km` as the crow flies, when both places are known."""

    sender: Address
    recipient: Address
    parcel: Parcel
    ship_on: date
    distance_km: int | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """One offer: a price in its own currency, never converted, and days in transit from hand-over (at least, at most)."""

    carrier: str
    service: str
    name: str
    amount: Decimal
    currency: str
    transit_days: tuple[int, int]


@dataclass(frozen=True, slots=True)
class LabelRequest:
    """A label for one parcel. `reference` is ours: the same reference never buys a second label.

    For a return, `sender` is the customer and `recipient` the merchant's location.
    """

    reference: str
    service: str
    sender: Address
    recipient: Address
    parcel: Parcel
    ship_on: date
    direction: LabelDirection = LabelDirection.OUTBOUND
    order_number: str = ""
    tracking_url: str = ""
    parcel_number: int = 1
    parcel_count: int = 1
    distance_km: int | None = None


@dataclass(frozen=True, slots=True)
class CarrierDocument:
    """A file that the carrier gave us: its label or a customs form, ready to print."""

    kind: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class LabelResult:
    """What was bought. Either the carrier drew the label (`documents`) or we draw it from `label`."""

    reference: str
    tracking_number: str
    amount: Decimal
    currency: str
    documents: tuple[CarrierDocument, ...] = ()
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class Bought:
    """The label exists and is ours."""

    result: LabelResult


@dataclass(frozen=True, slots=True)
class Refused:
    """The carrier said no, and nothing was bought or changed. `code` is stable, `reason` a sentence for people."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer, or none that can be understood: it may have happened or not. `detail` is for the log."""

    detail: str


@dataclass(frozen=True, slots=True)
class NotFound:
    """The carrier has no label for this reference: nothing was bought, buying is safe."""


@dataclass(frozen=True, slots=True)
class Voided:
    """The label is cancelled and will not be charged."""


@dataclass(frozen=True, slots=True)
class TrackingUpdate:
    """One event in a parcel's life; `code` is of `carriers.tracking`, `at` an aware time."""

    code: str
    at: datetime
    description: str = ""
    place: str = ""


BuyOutcome = Bought | Refused | Unknown
FindOutcome = Bought | NotFound | Unknown
VoidOutcome = Voided | Refused | Unknown


@runtime_checkable
class Carrier(Protocol):
    """A carrier. Its calls may be slow: never make one inside a transaction."""

    code: str
    name: str

    @property
    def services(self) -> dict[str, str]:
        """Service code → its name for people, the cheapest first."""

    def rates(self, request: RateRequest) -> list[Rate]:
        """Offers for a parcel, cheapest first; empty when the carrier does not serve it."""

    def buy(self, request: LabelRequest) -> BuyOutcome:
        """Buy one label. Asked again with the same reference, a carrier that can tell answers with the first label."""

    def find(self, request: LabelRequest) -> FindOutcome:
        """Settle an unknown purchase: is there a label for `request.reference`? Changes nothing.

        Takes the whole request, because some carriers answer with a number only and the label is drawn again from it.
        """

    def void(self, tracking_number: str) -> VoidOutcome:
        """Cancel a label that was not used. Asked again for the same label, the answer is Voided again."""

    def track(self, tracking_numbers: Sequence[str]) -> dict[str, list[TrackingUpdate]]:
        """Events of each known number, oldest first; unknown numbers are left out."""
