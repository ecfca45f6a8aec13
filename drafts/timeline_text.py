"""How the histories of drafts read, and what orders say of the draft they came from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.formats import exact
from core.timeline_text import Change, fill, register
from drafts.models import DraftOrder
from drafts.states import Scenario, Terms

_NAMES = {"discount": _("discount")}


def _changes(data: Mapping[str, Any]) -> list[Change]:
    """Fields by their names; lines by their SKU."""
    return [
        Change(_name(name), _in_words(name, before), _in_words(name, after))
        for name, (before, after) in (data.get("changes") or {}).items()
    ]


def _name(name: str) -> str:
    if found := re.fullmatch(r"line \d+ ?(.*)", name):
        return found[1] or translate("Line")
    if name in _NAMES:
        return str(_NAMES[name])
    return str(DraftOrder._meta.get_field(name).verbose_name) if name != "location" else translate("handed over at")


def _in_words(name: str, value: Any) -> str:
    if value in (None, ""):
        return "—"
    if value in ("True", "False"):
        return translate("yes") if value == "True" else translate("no")
    if name == "terms":
        return str(dict(Terms.choices).get(value, value))
    if name == "expires_at" and (at := parse_datetime(str(value))):
        return exact(at)
    return str(value)


def _held(data: Mapping[str, Any]) -> str:
    until = parse_datetime(str(data.get("until") or ""))
    text = translate("Holds {units} of {wanted} units until {until}.")
    return text.format(units=data.get("units"), wanted=data.get("wanted"), until=exact(until) if until else "—")


def _released(data: Mapping[str, Any]) -> str:
    due = translate("The hold has ended: {units} units are free again.")
    return fill(due if data.get("due") else translate("{units} held units are free again."), data)


def _customer(data: Mapping[str, Any]) -> str:
    return fill(translate("Customer: {name}.") if data.get("name") else translate("No customer chosen any more."), data)


def _completed(data: Mapping[str, Any]) -> str:
    told = {
        "accept": translate("Accepted by the customer: order {order}."),
        "paid": translate("Paid in person: order {order}."),
        "terms": translate("Placed on terms: order {order}."),
    }
    return fill(told.get(str(data.get("action")), translate("Placed: order {order}.")), data)


register("draft.begun", _("{number} begun ({scenario})."), tone="key", words={"scenario": dict(Scenario.choices)})
register("draft.edited", _("Changed."), changes=_changes)
register("draft.customer", _customer)
register("draft.duplicated", _("{number} copied from {source}."), tone="key")
register("draft.held", _held)
register("draft.released", _released)
register("draft.sent", _("Sent to {to}."), tone="key")
register("draft.marked_sent", _("Marked as sent."), tone="key")
register("draft.completed", _completed, tone="key")
register("draft.expired", _("Expired."), tone="bad")
register("draft.cancelled", _("Cancelled."), tone="bad")
register("draft.reopened", _("Opened again."), tone="key")
register("order.from_draft", _("Composed as draft {draft}."))
register("order.handed_over", _("Handed over at {location}: {units} units."), tone="key")
register("tax.saved", _("Tax of {country}: {rate} % ({name})."))
register("tax.deleted", _("Tax of {country} deleted ({rate} %)."), tone="bad")
