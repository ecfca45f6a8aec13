"""How the history of a count reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from core.timeline_text import fill, register


def _created(data: Mapping[str, Any]) -> str:
    return ngettext("Made with {n} line.", "Made with {n} lines.", data.get("lines", 0)).format(n=data.get("lines", 0))


def _finished(data: Mapping[str, Any]) -> str:
    text = translate("Counting is finished.")
    if waiting := data.get("not_recounted"):
        text += " " + ngettext("{n} line was not counted again.", "{n} lines were not counted again.", waiting).format(
            n=waiting
        )
    return text


def _reopened(data: Mapping[str, Any]) -> str:
    return ngettext("{n} line is counted again.", "{n} lines are counted again.", data.get("lines", 0)).format(
        n=data.get("lines", 0)
    )


def _explained(data: Mapping[str, Any]) -> str:
    return ngettext("Reason of {n} line noted.", "Reasons of {n} lines noted.", data.get("lines", 0)).format(
        n=data.get("lines", 0)
    )


def _posted(data: Mapping[str, Any]) -> str:
    text = fill(translate("Posted: {adjusted} adjusted, {exact} exact, {left} left as they are."), data)
    if refused := data.get("refused"):
        text += " " + ngettext("{n} was refused.", "{n} were refused.", refused).format(n=refused)
    return text


register("count.created", _created, tone="key")
register("count.unknown_code", _("A code that no SKU has was scanned: {code} (bin {bin})."), tone="bad")
register("count.finished", _finished)
register("count.reopened", _reopened)
register("count.explained", _explained)
register("count.posted", _posted, tone="key")
register("count.abandoned", _("Abandoned; stock stays as it is."), tone="bad")
register("count.scheduled", _("Counting every {every} days was set up."))
register("count.not_scheduled", _("A scheduled count was not made: {why}"), tone="bad")
