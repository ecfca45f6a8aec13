"""The catalogues: what the customer sees is complete in every language, and no translation loses a placeholder."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils import translation
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = [code for code, _name in settings.LANGUAGES if code != "en"]
APPS = [name for app in settings.INSTALLED_APPS if (ROOT / (name := app.partition(".")[0]) / "__init__.py").exists()]

#: What a customer may read: pages, mails, papers, words of tracking, reasons, and the refusals of their acts.
CUSTOMERS = [
    "templates/base_portal.html", "templates/portal/*.html", "templates/mail/*", "templates/documents/*.html", "customers/portal/**/*.py",
    "fulfillment/documents/*.py", "fulfillment/carriers/*.py", "returns/states.py", "returns/operations/*.py", "returns/queries/*.py",
    "returns/forms/*.py", "core/formats.py",
]  # fmt: skip

_KEYWORDS = {
    "_": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None, "translate": None, "ngettext": (1, 2), "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2), "pgettext_lazy": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\{?\w*\}?\}|%%|</?\w+[^>]*>")

MessageKey = tuple[str | None, str]


def read(language: str) -> Catalog:
    with (ROOT / "locale" / language / "LC_MESSAGES" / "django.po").open("rb") as file:
        return read_po(file, locale=language)


@lru_cache(maxsize=8)
def catalogue(language: str) -> Catalog:
    return read(language)


def texts_of(path: Path) -> Iterator[MessageKey]:
    """Context and (singular) text of each marked text of a module or a template."""
    source = path.read_text()
    code = source if path.suffix == ".py" else _code_of(source, str(path))
    for _line, found, _comments, context in extract("python", io.BytesIO(code.encode()), keywords=_KEYWORDS):
        text = found[0] if isinstance(found, tuple) else found
        if text:
            yield context, text


def _code_of(template: str, origin: str) -> str:
    """The template's marked texts as calls, one a line, without the indentation that Python would read something into."""
    return "\n".join(line.strip() for line in templatize(template, origin=origin).splitlines())


def texts_in(*patterns: str) -> set[MessageKey]:
    return {text for pattern in patterns for path in ROOT.glob(pattern) if path.is_file() for text in texts_of(path)}


def forms_of(message: Message) -> list[str]:
    return list(message.string) if isinstance(message.string, list | tuple) else [message.string]


def sources_of(message: Message) -> list[str]:
    return list(message.id) if isinstance(message.id, list | tuple) else [message.id]


def is_translated(language: str, key: MessageKey) -> bool:
    message = catalogue(language).get(key[1], context=key[0])
    return message is not None and not message.fuzzy and all(forms_of(message))


def test_the_customers_texts_are_found() -> None:
    texts = {text for _context, text in texts_in(*CUSTOMERS)}
    assert {"Follow your parcel", "I changed my mind", "Out for delivery"} <= texts
    assert len(texts) > 150


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_that_a_customer_sees_is_translated(language: str) -> None:
    assert sorted(str(key) for key in texts_in(*CUSTOMERS) if not is_translated(language, key)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nearly_all_that_staff_see_is_translated(language: str) -> None:
    texts = texts_in("templates/**/*.html", *(f"{app}/**/*.py" for app in APPS))
    missing = sorted(str(key) for key in texts if not is_translated(language, key))
    assert len(missing) <= len(texts) * 0.1, missing


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_translation_keeps_its_placeholders(language: str) -> None:
    wrong = []
    for message in catalogue(language):
        if not message.id or not all(forms_of(message)):
            continue
        *_singular, plural = sources_of(message)
        wanted = set(_PLACEHOLDER.findall(plural))
        for form in forms_of(message):
            kept = set(_PLACEHOLDER.findall(form))
            if kept != wanted and not (
                message.pluralizable and kept == set(_PLACEHOLDER.findall(sources_of(message)[0]))
            ):
                wrong.append((message.id, form))
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_guessed_left_over_or_half_done(language: str) -> None:
    catalog = read(language)
    assert not catalog.obsolete
    for message in catalog:
        if not message.id:
            continue
        assert not message.fuzzy, message.id
        forms = forms_of(message)
        assert all(forms) or not any(forms), message.id
        if message.pluralizable:
            assert len(forms) == catalog.num_plurals, message.id
        for form in filter(None, forms):
            source = sources_of(message)[0]
            assert form == form.strip() or source != source.strip(), message.id


def test_persian_is_written_with_persian_letters() -> None:
    for message in catalogue("fa"):
        if message.id:
            assert not set("".join(forms_of(message))) & set("يكة"), message.id


@pytest.mark.parametrize(
    ("language", "text"),
    [("tr", "Siparişim nerede?"), ("pl", "Gdzie jest moje zamówienie?"), ("fa", "سفارش من کجاست؟")],
)
def test_the_compiled_catalogues_are_used(language: str, text: str) -> None:
    with translation.override(language):
        assert translation.gettext("Where is my order?") == text


@pytest.mark.parametrize(
    ("n", "text"), [(1, "1 wiersz"), (3, "3 wiersze"), (5, "5 wierszy"), (12, "12 wierszy"), (22, "22 wiersze")]
)
def test_polish_counts_as_poles_do(n: int, text: str) -> None:
    with translation.override("pl"):
        assert translation.ngettext("{n} row", "{n} rows", n).format(n=n) == text
