"""How the history of a nonconformance reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from core.timeline_text import fill, register
from quality.states import CaseKind, Resolution

_KINDS = {"kind": dict(CaseKind.choices)}


def _opened(data: Mapping[str, Any]) -> str:
    text = fill(translate("{quantity} set aside as {kind}: {reason}."), data, _KINDS)
    if data.get("adopted"):
        text += " " + translate("They were in the bucket already; nothing moved.")
    return text


def _resolved(data: Mapping[str, Any]) -> str:
    words = {"resolution": dict(Resolution.choices), **_KINDS}
    if data.get("resolution") == Resolution.MOVE:
        text = fill(translate("{quantity} set aside as {kind} instead."), data, words)
    else:
        text = fill(translate("{quantity}: {resolution}."), data, words)
    return f"{text} “{data['note']}”" if data.get("note") else text


def _photos(data: Mapping[str, Any]) -> str:
    number = data.get("photos", 0)
    return ngettext("{n} photo added.", "{n} photos added.", number).format(n=number)


register("nonconformance.opened", _opened, tone="key")
register("nonconformance.split_off", _("{quantity} of {number} set aside as {kind}."), words=_KINDS, tone="key")
register("nonconformance.resolved", _resolved)
register("nonconformance.photos", _photos)
register("nonconformance.finished", _("All units are decided."), tone="key")
register("nonconformance.reason_saved", _("Reason “{name}” saved."))
