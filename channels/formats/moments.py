"""Times out of cells: always an instant in UTC, from the offset that is written or from the channel's named zone.

A local hour that a zone has twice or not at all is refused, and so is a date that can be read in two ways (11/2/2026). Solar Hijri
(Jalali) dates are converted where the year leaves no doubt.
"""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from channels.formats import jalali
from channels.formats.errors import FieldError
from channels.formats.values import ascii_digits, unguard

_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
_ZONE = r"(?P<zone>Z|UTC|GMT|(?:UTC|GMT)?[+-]\d{2}:?(?:\d{2})?)"
_MOMENT = re.compile(rf"(?P<date>[\d./-]+)(?:(?:[T\s]+|,\s*){_TIME}(?:\s*{_ZONE})?)?", re.IGNORECASE)
_DATE_YMD = re.compile(r"(\d{4})([./-])(\d{1,2})\2(\d{1,2})")
_DATE_END_YEAR = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")
_YEARS = range(1990, 2100)


def moment(cell: str, field: str, *, zone: ZoneInfo | None = None) -> dt.datetime:
    """An aware datetime in UTC. A time without an offset is one of `zone`; a date alone is its midnight there.

    Raises FieldError for what cannot be read in exactly one way.
    """
    written = ascii_digits(unguard(cell)).strip()
    match = _MOMENT.fullmatch(written)
    if not match:
        raise FieldError(
            field,
            _("“%(cell)s” is no date and time known here; write it as 2026-11-22 14:05:00 +0100.")
            % {"cell": cell[:40]},
        )
    day = _date(match["date"], field)
    try:
        local = dt.datetime.combine(day, _clock(match))
    except ValueError:
        raise FieldError(field, _("“%(cell)s” is no time of day.") % {"cell": cell[:40]}) from None
    if match["zone"]:
        return local.replace(tzinfo=dt.timezone(_offset(match["zone"], field))).astimezone(dt.UTC)
    if zone is None:
        raise FieldError(field, _("“%(cell)s” has no offset; name the time zone it is in.") % {"cell": cell[:40]})
    return _settled(local, zone, field).replace(tzinfo=zone).astimezone(dt.UTC)


def day(cell: str, field: str) -> dt.date:
    """A date without a time (a midnight that a spreadsheet has added is taken off). Raises FieldError as `moment` does."""
    written = re.sub(r"[T ]00:00(:00)?$", "", ascii_digits(unguard(cell)).strip())
    return _date(written, field)


def _date(written: str, field: str) -> dt.date:
    if match := _DATE_YMD.fullmatch(written):
        year, month, day = int(match[1]), int(match[3]), int(match[4])
    elif match := _DATE_END_YEAR.fullmatch(written):
        year = int(match[4])
        day, month = _day_and_month(int(match[1]), int(match[3]), match[2], written, field)
    else:
        raise FieldError(field, _("“%(cell)s” is no date with a year of four digits.") % {"cell": written[:40]})
    try:
        if year in jalali.YEARS:
            return jalali.to_gregorian(year, month, day)
        if 1300 <= year < 1500:
            raise FieldError(
                field,
                _("The year of “%(cell)s” is not one of the Gregorian calendar; write the date as 2026-11-22.")
                % {"cell": written},
            )
        if year not in _YEARS:
            raise ValueError
        return dt.date(year, month, day)
    except ValueError:
        raise FieldError(field, _("“%(cell)s” is no day of the calendar.") % {"cell": written}) from None


def _day_and_month(first: int, second: int, mark: str, written: str, field: str) -> tuple[int, int]:
    """Dots are written day first everywhere; with slashes and dashes only a number above 12 tells the day."""
    if mark == "." or first > 12 or first == second:
        return first, second
    if second > 12:
        return second, first
    message = _(
        "“%(cell)s” may be the %(first)d. of month %(second)d or the %(second)d. of month %(first)d; write it as 2026-11-22."
    )
    raise FieldError(field, message % {"cell": written, "first": first, "second": second})


def _clock(match: re.Match[str]) -> dt.time:
    if match["hour"] is None:
        return dt.time()
    hour = int(match["hour"])
    if match["half"]:
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if match["half"] in "Pp" else 0)
    return dt.time(hour, int(match["minute"]), int(match["second"] or 0))


def _offset(written: str, field: str) -> dt.timedelta:
    digits = re.sub(r"[^\d+-]", "", written)
    if not digits:
        return dt.timedelta()
    sign = -1 if digits[0] == "-" else 1
    offset = dt.timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5] or 0))
    if offset > dt.timedelta(hours=14):
        raise FieldError(field, _("“%(zone)s” is no offset from UTC.") % {"zone": written})
    return sign * offset


def _settled(local: dt.datetime, zone: ZoneInfo, field: str) -> dt.datetime:
    """The local time, if the zone's clocks show it exactly once."""
    early, late = (
        local.replace(tzinfo=zone).utcoffset(),
        local.replace(tzinfo=zone, fold=1).utcoffset(),
    )
    if early == late:
        return local
    values = {"time": local.strftime("%Y-%m-%d %H:%M"), "zone": zone.key}
    if (early or dt.timedelta()) > (late or dt.timedelta()):
        raise FieldError(
            field,
            _("%(time)s comes twice in %(zone)s, as clocks are set back then; give the offset.") % values,
        )
    raise FieldError(field, _("%(time)s does not exist in %(zone)s, as clocks are set forward then.") % values)
