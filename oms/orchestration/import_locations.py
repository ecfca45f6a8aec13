"""Locations from a file: each by its name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from decimal import Decimal
from itertools import count
from typing import Any, Protocol

from django.db import transaction
from django.utils.translation import gettext as _

from core.addresses import Address
from core.text import fold
from inventory.models import Location
from oms.orchestration.import_outcomes import CREATED, Outcome, changed, refused, take_turn

_CODE_LENGTH = 8


class LocationData(Protocol):
    """A location as a file tells it; None: it does not say, and what is stored stays."""

    @property
    def name(self) -> str: ...
    @property
    def code(self) -> str | None: ...
    @property
    def kind(self) -> str | None: ...
    @property
    def address(self) -> Address: ...
    @property
    def latitude(self) -> Decimal | None: ...
    @property
    def longitude(self) -> Decimal | None: ...
    @property
    def time_zone(self) -> str | None: ...
    @property
    def ships_online(self) -> bool | None: ...
    @property
    def offers_pickup(self) -> bool | None: ...
    @property
    def accepts_returns(self) -> bool | None: ...
    @property
    def daily_capacity(self) -> int | None: ...
    @property
    def cutoff(self) -> time | None: ...
    @property
    def rank(self) -> int | None: ...
    @property
    def active(self) -> bool | None: ...


_PLAIN = (
    "code", "kind", "time_zone", "ships_online", "offers_pickup", "accepts_returns", "daily_capacity", "cutoff", "rank", "active",
)  # fmt: skip


def import_locations(records: Sequence[LocationData], *, time_zone: str) -> list[Outcome]:
    """Bring locations in line with the records; new ones without a zone of their own get `time_zone`. Outcomes in their order."""
    with transaction.atomic():
        take_turn("locations")
        locations = {
            location.name: location for location in Location.objects.select_for_update(of=("self",)).order_by("pk")
        }
        owners = {location.code: location.name for location in locations.values()}
        return [_take(record, locations, owners, time_zone) for record in records]


def _take(record: LocationData, locations: dict[str, Location], owners: dict[str, str], time_zone: str) -> Outcome:
    if record.code and owners.get(record.code, record.name) != record.name:
        message = _("The code “{code}” is that of “{name}”.").format(code=record.code, name=owners[record.code])
        return refused(message, field="code")
    values = _values(record)
    location = locations.get(record.name)
    if location is None:
        values.setdefault("code", _free_code(record.name, owners))
        values.setdefault("time_zone", time_zone)
        locations[record.name] = Location.objects.create(name=record.name, **values)
        owners[values["code"]] = record.name
        return Outcome(CREATED)
    differing = {name: value for name, value in values.items() if getattr(location, name) != value}
    for name, value in differing.items():
        setattr(location, name, value)
    if differing:
        location.save(update_fields=list(differing))
        owners[location.code] = location.name
    return changed(bool(differing))


def _values(record: LocationData) -> dict[str, Any]:
    values: dict[str, Any] = {name: value for name in _PLAIN if (value := getattr(record, name)) is not None}
    address = record.address.to_json()
    if set(address) - {"name"}:
        values["address"] = address
        values["country"] = record.address.country
    if record.latitude is not None and record.longitude is not None:
        # Columns are double precision; as floats here too, a second import finds them equal.
        values["latitude"], values["longitude"] = float(record.latitude), float(record.longitude)
    return values


def _free_code(name: str, taken: dict[str, str]) -> str:
    """A short code out of the name that no other location has: “São Paulo” → SAOPAULO, SAOPAUL2, …"""
    letters = "".join(char for char in fold(name).upper() if char.isascii() and char.isalnum())[:_CODE_LENGTH] or "LOC"
    if letters not in taken:
        return letters
    tries = (f"{letters[: _CODE_LENGTH - len(str(n))]}{n}" for n in count(2))
    return next(code for code in tries if code not in taken)
