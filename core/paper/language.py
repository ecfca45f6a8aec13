"""The language of a paper: one that the texts exist in, with numbers and dates as its readers write them."""

from __future__ import annotations

from datetime import date
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal
from django.conf import settings

from core.paper.text import printable

_EASTERN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


def known_language(language: str) -> str:
    """The language if the shop's texts exist in it, without its region (“tr-TR” → “tr”), else the default."""
    known = {code for code, _name in settings.LANGUAGES}
    language = language.lower().replace("_", "-")
    if language in known:
        return language
    base = language.partition("-")[0]
    return base if base in known else settings.LANGUAGE_CODE


@cache
def paper_locale(language: str) -> Locale:
    """The locale of a language; English for one that CLDR does not know."""
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def isolated(text: str) -> str:
    """A value inside a sentence, kept apart from the sentence's direction (FSI … PDI of Unicode Annex 9)."""
    text = printable(text)
    return f"\u2068{text}\u2069" if text else ""


def number(value: int, locale: Locale) -> str:
    """A count with its groups, in the locale's digits."""
    return own_digits(str(format_decimal(value, locale=locale)), locale)


def long_date(day: date, locale: Locale) -> str:
    """A day in words, in the locale's digits."""
    return own_digits(format_date(day, "long", locale=locale), locale)


def own_digits(text: str, locale: Locale) -> str:
    """Numbers in the digits that readers of the locale expect (Persian: ۱۲); Babel writes Western ones for all."""
    return text.translate(_EASTERN_DIGITS) if locale.default_numbering_system == "arabext" else text
