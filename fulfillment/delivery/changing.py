"""Who changes calendars and lanes, and how: each change has its actor in the history and makes every process read the book anew."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.addresses import known_country
from core.formulas import plain_text
from core.refusals import Invalid, NotFound
from core.timeline import record
from fulfillment.carriers import registered
from fulfillment.delivery.book import note_change
from fulfillment.models import CarrierCalendar, CarrierHoliday, ClosedDay, Lane, LocationCalendar
from fulfillment.operations.assignment import SERVICES
from inventory.models import Location

SUBJECT = "delivery:1"
LANE_COLUMNS = ("carrier", "service", "from_country", "to_country", "postal_prefix", "min_days", "max_days")
MOST_DAYS, MOST_ROWS, MOST_FILE = 90, 20_000, 4 << 20
_PREFIX = re.compile(r"[0-9A-Z]{0,12}")


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file came to: rows that are there now, and the ones refused with their line and reason."""

    saved: int
    refused: list[tuple[int, str]]


def save_lane(*, lane_id: int | None, values: Mapping[str, Any], actor: Actor, now: datetime) -> Lane:
    """Add a lane (lane_id None) or change one. Raises Invalid naming the field, NotFound."""
    cleaned = _clean_lane(values)
    with transaction.atomic():
        lane = Lane.objects.select_for_update().filter(pk=lane_id).first() if lane_id else Lane()
        if lane is None:
            raise NotFound("no_such_lane", _("There is no such lane any more."))
        key = {name: cleaned[name] for name in LANE_COLUMNS[:5]}
        if Lane.objects.filter(**key).exclude(pk=lane.pk).exists():
            raise Invalid("lane_exists", _("There is such a lane already."), field="to_country")
        changes = {n: [getattr(lane, n), v] for n, v in cleaned.items() if getattr(lane, n) != v}
        for name, value in cleaned.items():
            setattr(lane, name, value)
        if lane_id and not changes:
            return lane
        lane.save()
        kind = "lane.changed" if lane_id else "lane.added"
        record(SUBJECT, kind, actor=actor, at=now, lane=lane_text(lane), changes=changes if lane_id else {})
        note_change(actor=actor.ref, now=now)
        return lane


def delete_lanes(*, lane_ids: Iterable[int], actor: Actor, now: datetime) -> list[str]:
    """Take lanes away; the service's usual days count again. Answers what they were."""
    with transaction.atomic():
        lanes = list(Lane.objects.select_for_update().filter(pk__in=list(lane_ids)).order_by("pk"))
        gone = [lane_text(lane) for lane in lanes]
        Lane.objects.filter(pk__in=[lane.pk for lane in lanes]).delete()
        if gone:
            record(SUBJECT, "lane.deleted", actor=actor, at=now, lanes=", ".join(gone[:20]), count=len(gone))
            note_change(actor=actor.ref, now=now)
        return gone


def import_lanes(*, data: bytes, actor: Actor, now: datetime) -> Imported:
    """Add or change the lanes of a CSV with LANE_COLUMNS; rows that are wrong are refused and stop no others.

    Raises Invalid (field ``file``) for a file that cannot be read.
    """
    saved: dict[tuple[str, ...], dict[str, Any]] = {}
    refused: list[tuple[int, str]] = []
    for number, row in enumerate(_rows(data), start=2):
        try:
            cleaned = _clean_lane({name: plain_text((row.get(name) or "").strip()) for name in LANE_COLUMNS})
            saved[tuple(cleaned[name] for name in LANE_COLUMNS[:5])] = cleaned
        except Invalid as error:
            refused.append((number, error.message))
    with transaction.atomic():
        Lane.objects.bulk_create(
            [Lane(**cleaned) for cleaned in saved.values()],
            update_conflicts=True,
            unique_fields=list(LANE_COLUMNS[:5]),
            update_fields=["min_days", "max_days"],
        )
        if saved:
            record(SUBJECT, "lane.imported", actor=actor, at=now, count=len(saved))
            note_change(actor=actor.ref, now=now)
    return Imported(len(saved), refused)


def _rows(data: bytes) -> list[dict[str, str]]:
    if len(data) > MOST_FILE:
        raise Invalid("too_large", _("The file is larger than {size} MB.").format(size=MOST_FILE >> 20), field="file")
    text = data.decode("utf-8-sig", "replace").replace("\x00", "")
    head = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if head.count(";") > head.count(",") else ",")
    names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    for needed in ("from_country", "to_country", "min_days", "max_days"):
        if needed not in names:
            raise Invalid("bad_file", _("The file has no column “{name}”.").format(name=needed), field="file")
    reader.fieldnames = names
    try:
        rows = [row for _n, row in zip(range(MOST_ROWS + 1), reader, strict=False)]
    except csv.Error:
        raise Invalid("bad_file", _("This is no CSV file."), field="file") from None
    if len(rows) > MOST_ROWS:
        raise Invalid("too_many", _("At most {most} rows at once.").format(most=MOST_ROWS), field="file")
    return rows


def _clean_lane(values: Mapping[str, Any]) -> dict[str, Any]:
    cleaned: dict[str, Any] = {name: str(values.get(name) or "").strip() for name in ("carrier", "service")}
    if cleaned["carrier"] and cleaned["carrier"] not in registered():
        raise Invalid("no_such_carrier", _("There is no carrier “{code}”.").format(code=cleaned["carrier"][:30]), field="carrier")  # fmt: skip
    if cleaned["service"] and cleaned["service"] not in SERVICES:
        raise Invalid("no_such_service", _("There is no service “{code}”.").format(code=cleaned["service"][:20]), field="service")  # fmt: skip
    for name in ("from_country", "to_country"):
        code = cleaned[name] = str(values.get(name) or "").strip().upper()
        if not known_country(code):
            raise Invalid("bad_country", _("“{code}” is not a country code.").format(code=code[:20]), field=name)
    prefix = re.sub(r"[\s-]", "", str(values.get("postal_prefix") or "").upper())
    if not _PREFIX.fullmatch(prefix):
        raise Invalid("bad_prefix", _("Letters and digits, at most 12."), field="postal_prefix")
    cleaned["postal_prefix"] = prefix
    for name in ("min_days", "max_days"):
        cleaned[name] = _days(values.get(name), name)
    if cleaned["min_days"] > cleaned["max_days"]:
        raise Invalid("bad_range", _("The most is not less than the least."), field="max_days")
    return cleaned


def _days(value: Any, field: str) -> int:
    text = str(value if value is not None else "").strip()
    if not (text.isascii() and text.isdigit() and int(text[:9]) <= MOST_DAYS):
        raise Invalid("bad_days", _("Between 0 and {most} days.").format(most=MOST_DAYS), field=field)
    return int(text)


def lane_text(lane: Lane) -> str:
    """A lane in one line."""
    parts = [lane.carrier, lane.service, f"{lane.from_country} → {lane.to_country}", lane.postal_prefix]
    return " ".join(filter(None, parts))


def set_working_days(*, days: Mapping[int, Sequence[int]], actor: Actor, now: datetime) -> int:
    """Location id → the weekdays on which it packs (Monday is 0). Raises Invalid (field ``days-<id>``); answers how many changed."""
    names = dict(Location.objects.filter(pk__in=list(days)).values_list("pk", "name"))
    with transaction.atomic():
        known = {
            row.location_id: row for row in LocationCalendar.objects.select_for_update().filter(location__in=names)
        }
        changed = {}
        for pk in sorted(names):
            wanted = _weekdays(days[pk], f"days-{pk}")
            before = known[pk].working_days if pk in known else list(range(7))
            if wanted != before:
                LocationCalendar.objects.update_or_create(location_id=pk, defaults={"working_days": wanted})
                changed[names[pk]] = [before, wanted]
        _note(changed, "delivery.working_days", actor=actor, now=now)
    return len(changed)


def set_carrier_days(*, days: Mapping[str, tuple[Sequence[int], Sequence[int]]], actor: Actor, now: datetime) -> int:
    """Carrier → the weekdays on which it picks up, and brings. Raises Invalid (field ``pickup-<code>``, ``delivery-<code>``)."""
    with transaction.atomic():
        known = {row.carrier: row for row in CarrierCalendar.objects.select_for_update()}
        changed = {}
        for code in sorted(set(days) & set(registered())):
            pickup = _weekdays(days[code][0], f"pickup-{code}")
            delivery = _weekdays(days[code][1], f"delivery-{code}")
            row = known.get(code)
            before = [row.pickup_days, row.delivery_days] if row else [list(range(7)), list(range(7))]
            if before != [pickup, delivery]:
                CarrierCalendar.objects.update_or_create(
                    carrier=code, defaults={"pickup_days": pickup, "delivery_days": delivery}
                )
                changed[code] = [before, [pickup, delivery]]
        _note(changed, "delivery.carrier_days", actor=actor, now=now)
    return len(changed)


def _weekdays(days: Sequence[int], field: str) -> list[int]:
    wanted = sorted(set(days))
    if not wanted or not set(wanted) <= set(range(7)):
        raise Invalid("no_days", _("At least one day of the week."), field=field)
    return wanted


def add_closed_days(*, location_id: int | None, days: Mapping[date, str], actor: Actor, now: datetime) -> int:
    """Days on which a location (None: every one) does not pack, with their names; the number that is new."""
    with transaction.atomic():
        before = ClosedDay.objects.count()
        rows = [ClosedDay(location_id=location_id, day=day, name=name[:80]) for day, name in sorted(days.items())]
        ClosedDay.objects.bulk_create(rows, ignore_conflicts=True)
        return _added(ClosedDay.objects.count() - before, days, "delivery.closed", actor=actor, now=now)


def add_carrier_holidays(*, carrier: str, country: str, days: Mapping[date, str], actor: Actor, now: datetime) -> int:
    """Days on which a carrier ('': all) does nothing in a country ('': all); the number that is new."""
    with transaction.atomic():
        before = CarrierHoliday.objects.count()
        rows = [CarrierHoliday(carrier=carrier, country=country, day=d, name=n[:80]) for d, n in sorted(days.items())]
        CarrierHoliday.objects.bulk_create(rows, ignore_conflicts=True)
        return _added(CarrierHoliday.objects.count() - before, days, "delivery.holidays", actor=actor, now=now)


def _added(count: int, days: Mapping[date, str], kind: str, *, actor: Actor, now: datetime) -> int:
    if count:
        record(SUBJECT, kind, actor=actor, at=now, days=", ".join(day.isoformat() for day in sorted(days)[:30]))
        note_change(actor=actor.ref, now=now)
    return count


def remove_day(*, kind: str, pk: int, actor: Actor, now: datetime) -> None:
    """Take back a closed day (kind "closed") or a carrier's holiday ("holiday"); one that is gone already is no error."""
    model = {"closed": ClosedDay, "holiday": CarrierHoliday}[kind]
    with transaction.atomic():
        found = model.objects.select_for_update().filter(pk=pk).first()
        if found is None:
            return
        record(SUBJECT, "delivery.day_removed", actor=actor, at=now, day=found.day.isoformat())
        found.delete()
        note_change(actor=actor.ref, now=now)


def _note(changed: Mapping[str, Any], kind: str, *, actor: Actor, now: datetime) -> None:
    if changed:
        record(SUBJECT, kind, actor=actor, at=now, changes=changed)
        note_change(actor=actor.ref, now=now)


def parse_days(text: str) -> dict[date, str]:
    """Lines like “2026-12-25 Christmas” → day and name. Raises Invalid (field ``days``)."""
    days: dict[date, str] = {}
    for line in text.splitlines():
        word, _space, name = line.strip().partition(" ")
        if not word:
            continue
        try:
            days[date.fromisoformat(word)] = name.strip()
        except ValueError:
            raise Invalid("bad_day", _("“{line}”: write a day as 2026-12-31.").format(line=line[:40]), field="days") from None  # fmt: skip
    if not days:
        raise Invalid("no_days", _("Name at least one day."), field="days")
    if len(days) > 400:
        raise Invalid("too_many", _("At most {most} days at once.").format(most=400), field="days")
    return days
