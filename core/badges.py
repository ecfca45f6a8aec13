"""How each status is shown: a registry of status value → (tone, word), filled by the apps' `badges` modules.

A tone is one of neutral, info, ok, warn, bad, accent; the style sheet gives each its own colour and its own shape, so that
neither is the only carrier of the meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.utils.html import format_html
from django.utils.module_loading import autodiscover_modules
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

TONES = frozenset({"neutral", "info", "ok", "warn", "bad", "accent"})
_REGISTRY: dict[str, dict[str, tuple[str, Any]]] = {}


def register(name: str, statuses: Mapping[Any, tuple[str, Any]]) -> None:
    """Add the statuses of one axis, e.g. ``register("order.payment", {"paid": ("ok", _("Paid"))})``.

    Raises ValueError for an unknown tone or a name that is already taken with other content.
    """
    entries = {str(value): (tone, word) for value, (tone, word) in statuses.items()}
    unknown = {tone for tone, _word in entries.values()} - TONES
    if unknown:
        raise ValueError(f"{name}: unknown tones {sorted(unknown)}")
    if name in _REGISTRY and _REGISTRY[name] != entries:
        raise ValueError(f"badges {name!r} are registered twice")
    _REGISTRY[name] = entries


def look_up(name: str, value: object) -> tuple[str, str]:
    """(tone, translated word) of a status; a value without an entry is shown as it is, in a neutral tone.

    Raises LookupError for a name that no app has registered.
    """
    statuses = _REGISTRY.get(name)
    if statuses is None:
        autodiscover_modules("badges")
        statuses = _REGISTRY.get(name)
        if statuses is None:
            raise LookupError(f"no badges are registered as {name!r}")
    tone, word = statuses.get(str(value), ("neutral", value))
    return tone, str(word)


def badge_html(tone: str, word: object) -> SafeString:
    """The badge's markup; the word is escaped."""
    return format_html('<span class="badge badge-{}">{}</span>', tone, word)


def status_html(name: str, value: object) -> SafeString:
    """The badge of a registered status in the active language."""
    return _cached_status(name, str(value), get_language())


@lru_cache(maxsize=2048)
def _cached_status(name: str, value: str, language: str | None) -> SafeString:
    return badge_html(*look_up(name, value))


register(
    "job",
    {
        "queued": ("neutral", _("Queued")),
        "running": ("info", _("Running")),
        "done": ("ok", _("Done")),
        "done_with_errors": ("warn", _("Done with errors")),
        "failed": ("bad", _("Failed")),
        "cancelled": ("neutral", _("Cancelled")),
    },
)
