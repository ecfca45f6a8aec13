"""Column types of list pages: django-tables2 columns that can also draw a cell without the library's row machinery.

A list page draws 50 rows × 9 columns; django-tables2 spends more time on that than the database on the query. So each of these
columns answers three questions about a record by itself: `cell` (HTML), `export` (a plain value) and, once per page, how to
begin (`prepare`). As ordinary tables2 columns they also work in `{% render_table %}`.

`cell` is the hot path and answers a plain str of finished HTML: every value in it has gone through `_esc`. Django's own escape and
format_html take three times as long, because they also look for lazy text, which no model field holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from html import escape
from operator import attrgetter
from typing import Any
from urllib.parse import quote

import django_tables2 as tables
from babel.numbers import format_decimal
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from core import badges, formats, money


def _esc(value: object) -> str:
    """The value as text with & < > " and ' escaped."""
    return escape(str(value))


_MARK = "00000000"  # a key that no row has, to find the place of the key in a route's address


class ListColumn(tables.Column):
    """Text, escaped. accessor: attribute path (`channel.name`); soft: second in importance."""

    css = ""
    label_on_phone = False
    is_number = False

    def __init__(self, *args: Any, soft: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("orderable", False)  # sorting is the list page's own, by allow-list
        if isinstance(kwargs.get("accessor"), str):
            kwargs["accessor"] = kwargs["accessor"].replace(".", "__")  # tables2 wants it so; both are accepted here
        super().__init__(*args, **kwargs)
        self.soft = soft
        self._get: Callable[[Any], Any] | None = None

    def bind(self, name: str) -> None:
        """Fix the attribute that is read: the accessor, or the column's own name. Called once, when the page is declared."""
        path = str(self.accessor) if self.accessor else name
        self._get = attrgetter(path.replace("__", "."))

    def prepare(self) -> None:
        """Called once before the rows of a page are drawn."""

    def value_of(self, record: Any) -> Any:
        """The record's value; None where a step of the path is missing."""
        try:
            return self._get(record) if self._get else None
        except AttributeError:
            if self._path_is_open(record):
                return None
            raise

    def _path_is_open(self, record: Any) -> bool:
        """True when the path ends early at a missing related object (as opposed to a misspelt attribute)."""
        path = str(self.accessor).replace("__", ".").split(".") if self.accessor else []
        for step in path[:-1]:
            record = getattr(record, step)
            if record is None:
                return True
        return False

    def cell(self, record: Any) -> str:
        """The inner HTML of the cell, escaped."""
        value = self.value_of(record)
        return "" if value is None else _esc(value)

    def export(self, record: Any) -> Any:
        """The plain value for a file: str, number, date, datetime or None."""
        value = self.value_of(record)
        return value if value is None or isinstance(value, (int, Decimal, datetime)) else str(value)

    def render(self, value: Any, record: Any = None) -> Any:
        # Safe by the contract of `cell`: a finished piece of HTML, every value in it escaped.
        return SafeString(self.cell(record)) if record is not None and self._get else value


class TextColumn(ListColumn):
    """A name, title or code: isolated so that mixed scripts keep their order."""

    def cell(self, record: Any) -> str:
        value = self.value_of(record)
        return "" if value in (None, "") else f"<bdi>{_esc(value)}</bdi>"


class LinkColumn(TextColumn):
    """The record's own name as a link to its page: `LinkColumn("order")` for the route `order` with the record's key.

    arg: attribute path of the key in the address. The address is taken apart once; no row pays for `reverse`.
    """

    def __init__(self, url_name: str, *args: Any, arg: str = "pk", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.url_name = url_name
        self.arg = arg
        self._key = attrgetter(arg.replace("__", "."))
        self._before = self._after = ""

    def prepare(self) -> None:
        if not self._before:
            self._before, self._after = reverse(self.url_name, args=[_MARK]).split(_MARK)

    def href(self, record: Any) -> str:
        """The record's address."""
        return f"{self._before}{_esc(quote(str(self._key(record)), safe=''))}{self._after}"

    def cell(self, record: Any) -> str:
        value = self.value_of(record)
        if value in (None, ""):
            return ""
        return f'<a href="{self.href(record)}"><bdi>{_esc(value)}</bdi></a>'


class BadgeColumn(ListColumn):
    """A status as a badge of the named registry (`core.badges`)."""

    def __init__(self, statuses: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.statuses = statuses
        self._drawn: dict[Any, str] = {}

    def prepare(self) -> None:
        self._drawn = {}  # in the active language

    def cell(self, record: Any) -> str:
        value = self.value_of(record)
        if value not in self._drawn:
            self._drawn[value] = "" if value in (None, "") else badges.status_html(self.statuses, value)
        return self._drawn[value]

    def export(self, record: Any) -> Any:
        value = self.value_of(record)
        return None if value in (None, "") else badges.look_up(self.statuses, value)[1]


class NumberColumn(ListColumn):
    """A count or measure, grouped, at the end of its column; `suffix` such as “kg” follows it."""

    css = "num"
    label_on_phone = True
    is_number = True

    def __init__(self, *args: Any, suffix: Any = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.suffix = suffix
        self._locale = "en"

    def prepare(self) -> None:
        self._locale = formats.active_locale()

    def cell(self, record: Any) -> str:
        value = self.value_of(record)
        if value is None:
            return ""
        text = (
            str(value)
            if self._locale == "en" and isinstance(value, int) and -1000 < value < 1000
            else format_decimal(value, locale=self._locale)
        )
        return f"<bdi>{_esc(text)} {_esc(self.suffix)}</bdi>" if self.suffix else f"<bdi>{_esc(text)}</bdi>"

    def export(self, record: Any) -> Any:
        return self.value_of(record)


class MoneyColumn(ListColumn):
    """An amount with its currency. currency: attribute path on the record, or a callable of the record."""

    css = "num"
    is_number = True

    def __init__(self, *args: Any, currency: str | Callable[[Any], str] = "currency", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._currency = currency if callable(currency) else attrgetter(currency.replace("__", "."))

    def cell(self, record: Any) -> str:
        value = self.value_of(record)
        return "" if value is None else f"<bdi>{_esc(money.format_money(value, self._currency(record)))}</bdi>"

    def export(self, record: Any) -> Any:
        return self.value_of(record)


class TimeColumn(ListColumn):
    """A moment: relative to now, exact on hover. Files get the exact time."""

    css = "soft"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._now = timezone.now()
        self._zone = timezone.get_default_timezone()
        self._locale = "en"

    def prepare(self) -> None:
        self._now = timezone.now()
        self._zone = timezone.get_current_timezone()
        self._locale = formats.active_locale()

    def cell(self, record: Any) -> str:
        value = self.value_of(record)
        if value is None:
            return ""
        moment = value.astimezone(self._zone).isoformat(sep=" ", timespec="minutes")
        words = _esc(formats.relative(value, self._now, locale=self._locale))
        return f'<time datetime="{moment}" title="{moment[:16]} {_esc(self._zone)}">{words}</time>'


class DateColumn(ListColumn):
    """A day."""

    css = "soft"

    def cell(self, record: Any) -> str:
        value = self.value_of(record)
        return "" if value is None else f"<bdi>{_esc(formats.day(value))}</bdi>"

    def export(self, record: Any) -> Any:
        return self.value_of(record)


class TagsColumn(ListColumn):
    """A list of words, as small labels."""

    def cell(self, record: Any) -> str:
        words: Iterable[str] = self.value_of(record) or ()
        inner = " ".join(f'<span class="tag"><bdi>{_esc(word)}</bdi></span>' for word in words)
        return f'<span class="tags">{inner}</span>' if inner else ""

    def export(self, record: Any) -> Any:
        return ", ".join(self.value_of(record) or ())


class BooleanColumn(ListColumn):
    """Yes or nothing: what stands out is what is true."""

    def cell(self, record: Any) -> str:
        return _esc(_("Yes")) if self.value_of(record) else ""

    def export(self, record: Any) -> Any:
        return _("Yes") if self.value_of(record) else _("No")
