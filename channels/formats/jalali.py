"""Solar Hijri (Jalali) dates to Gregorian ones.

The 33-year cycle with eight leap years gives the official calendar of Iran exactly for the years 1206 to 1497 (Gregorian 1827 to 2118);
days are counted from 1 Farvardin 1399 = 20 March 2020 (leap years of the cycle: year mod 33 in 1, 5, 9, 13, 17, 22, 26, 30).
Source: K. M. Borkowski, "The Persian calendar for 3000 years", Earth, Moon, and Planets 74 (1996); Calendrical Calculations, ch. 15.
"""

from __future__ import annotations

import datetime as dt

_LEAP = frozenset({1, 5, 9, 13, 17, 22, 26, 30})
_EPOCH_YEAR, _EPOCH_DAY = 1399, dt.date(2020, 3, 20)
#: Years taken as Solar Hijri (2001 to 2051). Later ones may be lunar Hijri years, which today stand near 1448.
YEARS = range(1380, 1431)


def is_leap(year: int) -> bool:
    """True for a Solar Hijri year of 366 days (1206 to 1497)."""
    return year % 33 in _LEAP


def to_gregorian(year: int, month: int, day: int) -> dt.date:
    """The Gregorian date; raises ValueError for a day that the calendar does not have."""
    last = 31 if month <= 6 else 30 if month <= 11 or is_leap(year) else 29
    if not (1 <= month <= 12 and 1 <= day <= last):
        raise ValueError("no such day in the Solar Hijri calendar")
    years = range(_EPOCH_YEAR, year) if year >= _EPOCH_YEAR else range(year, _EPOCH_YEAR)
    days = sum(366 if is_leap(y) else 365 for y in years)
    first = _EPOCH_DAY + dt.timedelta(days=days if year >= _EPOCH_YEAR else -days)
    return first + dt.timedelta(days=31 * min(month - 1, 6) + 30 * max(0, month - 7) + day - 1)
