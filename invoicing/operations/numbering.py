"""Numbers without a gap: taken from the counter of a series under the lock of its row, in the transaction that issues the document.

A transaction that is rolled back gives its number back with everything else, and whoever waited for the lock takes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Invalid, NotFound, Refusal
from core.timeline import record
from invoicing.models import Document, Series, SeriesCounter
from invoicing.states import DocumentKind

SUBJECT = "invoicing:1"
YEAR = "{year}"
_DEFAULTS = {
    DocumentKind.INVOICE: "INV-{year}-",
    DocumentKind.CREDIT_NOTE: "CN-{year}-",
    DocumentKind.PRO_FORMA: "PF-{year}-",
}
_MARKS = frozenset("-/._ ")


@dataclass(frozen=True, slots=True)
class Number:
    """A number that belongs to the document that is being issued, and the day that stands on it."""

    series: Series
    period: str
    sequence: int
    text: str
    day: date


def lock_series(kinds: Iterable[str], channel_id: int | None) -> dict[str, Series]:
    """The series of some kinds under lock, by their ids: the channel's own where it has one, else the shop's."""
    found = {kind: _series(kind, channel_id) for kind in dict.fromkeys(kinds)}
    locked = Series.objects.select_for_update(no_key=True).filter(pk__in={one.pk for one in found.values()})
    rows = {one.pk: one for one in locked.order_by("pk")}
    return {kind: rows[one.pk] for kind, one in found.items()}


def _series(kind: str, channel_id: int | None) -> Series:
    rows = {one.channel_id: one for one in Series.objects.filter(kind=kind, channel_id__isnull=True)}
    if channel_id is not None:
        rows |= {one.channel_id: one for one in Series.objects.filter(kind=kind, channel_id=channel_id)}
    if found := rows.get(channel_id) or rows.get(None):
        return found
    return Series.objects.get_or_create(kind=kind, channel=None, defaults={"prefix": _DEFAULTS[DocumentKind(kind)]})[0]


def take_number(series: Series, *, day: date) -> Number:
    """The next number of a locked series. The day is never before that of the number before it."""
    period = f"{day.year:04}" if YEAR in series.prefix else ""
    counter = SeriesCounter.objects.filter(series=series, period=period).first()
    if counter is None:
        counter = SeriesCounter(series=series, period=period, first=series.first, next=series.first, last_on=day)
    sequence, counter.next = counter.next, counter.next + 1
    counter.last_on = max(counter.last_on, day)
    counter.save()
    return Number(series, period, sequence, number_text(series, period, sequence), counter.last_on)


def number_text(series: Series, period: str, sequence: int) -> str:
    """The number as it is written: INV-2026-00042."""
    return f"{series.prefix.replace(YEAR, period)}{sequence:0{series.digits}}"


def save_series(*, series_id: int | None, values: dict[str, Any], actor: Actor, now: Any) -> Series:
    """Make a series or change how its numbers are written. Its kind, channel and first number stay once it has issued.

    Raises Invalid naming the field, NotFound, Refusal `series_in_use`.
    """
    with transaction.atomic():
        series = Series()
        if series_id is not None:
            found = Series.objects.select_for_update().filter(pk=series_id).first()
            if found is None:
                raise NotFound("no_such_series", _("There is no such series."))
            series = found
            fixed = [
                name
                for name in ("kind", "channel", "first")
                if values.get(name, getattr(series, name)) != getattr(series, name)
            ]
            if fixed and Document.objects.filter(series=series).exists():
                raise Refusal(
                    "series_in_use", _("It has issued documents: only prefix and digits can change."), field=fixed[0]
                )
        for name, value in values.items():
            setattr(series, name, value)
        _check(series)
        series.save()
        record(SUBJECT, "series.saved", actor=actor, at=now, kind=series.kind, prefix=series.prefix, first=series.first)
        return series


def _check(series: Series) -> None:
    literal = series.prefix.replace(YEAR, "")
    if "{" in literal or "}" in literal or not all(char.isalnum() or char in _MARKS for char in literal):
        raise Invalid("bad_prefix", _("Letters, digits, - / . _ and {year}."), field="prefix")
    if not series.prefix or series.prefix[-1].isdigit() or series.prefix.endswith(YEAR):
        raise Invalid(
            "bad_prefix", _("A prefix ends in a letter or a mark, so that the number can be read."), field="prefix"
        )
    others = Series.objects.exclude(pk=series.pk)
    if others.filter(kind=series.kind, channel=series.channel).exists():
        raise Invalid("series_exists", _("There is such a series already."), field="channel")
    if any(_clash(series.prefix, other) for other in others.values_list("prefix", flat=True)):
        raise Invalid("prefix_taken", _("Another series writes such numbers."), field="prefix")


def _clash(one: str, other: str) -> bool:
    """True when two prefixes may come out the same: a year stands for any four digits."""
    if YEAR not in one and YEAR not in other:
        return one == other
    parts, text = (one.split(YEAR), other) if YEAR in one else (other.split(YEAR), one)
    years = [f"{year}" for year in range(2000, 2200)] if YEAR not in text else [YEAR]
    return any(year.join(parts) == text for year in years)
