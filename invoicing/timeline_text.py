"""How the history of documents and of invoicing reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.timeline_text import differences_of, fill, register
from invoicing.models import Settings
from invoicing.states import DocumentKind

_WORDS = {"kind": dict(DocumentKind.choices)}


def _issued(data: Mapping[str, Any]) -> str:
    text = fill(translate("{kind} {number} issued: {amount}."), data, _WORDS)
    return f"{text} {fill(translate('“{reason}”'), data)}" if data.get("reason") else text


register("document.issued", _issued, tone="key")
register("document.mailed", _("{kind} {number} mailed to {to}."), words=_WORDS)
register("series.saved", _("Numbers of “{kind}” are written with {prefix}."), words=_WORDS)
register("invoicing.changed", _("Settings changed."), changes=differences_of(Settings))
register("billing.changed", _("Tax number for documents: {tax_number}."))
