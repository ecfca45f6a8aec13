"""How the history of work orders and parcels reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from core.timeline_text import Change, fill, register


def _short(data: Mapping[str, Any]) -> str:
    units = int(data.get("units") or 1)
    sentence = ngettext(
        "{n} unit of {{sku}} was not found at {{location}} for {{fulfillment_order}}; it looks for another place.",
        "{n} units of {{sku}} were not found at {{location}} for {{fulfillment_order}}; they look for another place.",
        units,
    )
    return fill(sentence.format(n=units), data)


def _delivered(data: Mapping[str, Any]) -> str:
    text = fill(translate("{fulfillment_order} was delivered."), data)
    return f"{text} {fill(translate('At the door: {delivered_at}.'), data)}" if data.get("delivered_at") else text


def _with_others(sentence: Any) -> Callable[[Mapping[str, Any]], str]:
    """A sentence, and with which orders it shares its parcel."""

    def told(data: Mapping[str, Any]) -> str:
        text = fill(str(sentence), data)
        if not data.get("together_with"):
            return text
        return f"{text} {fill(translate('In one parcel with {together_with}.'), data)}"

    return told


def _because(sentence: Any, name: str = "reason") -> Callable[[Mapping[str, Any]], str]:
    """A sentence with the reason, where one was given."""

    def told(data: Mapping[str, Any]) -> str:
        text = fill(str(sentence), data)
        return f"{text} {data[name]}" if data.get(name) else text

    return told


def _split(data: Mapping[str, Any]) -> str:
    text = fill(translate("{units} of {fulfillment_order} are sent as {into} from {to}, by hand."), data)
    if data.get("scheduled_for"):
        text = f"{text} {fill(translate('Not before {scheduled_for}.'), data)}"
    return f"{text} {data['reason']}" if data.get("reason") else text


register("fulfillment.merged", _("{fulfillment_order} travels as one parcel with {together_with}."), tone="key")
register("fulfillment.left_parcel", _because(_("{fulfillment_order} travels by itself again."), "why"))
register("fulfillment.split", _split, tone="key")
register("fulfillment.split_off", _("{fulfillment_order} was split off {of}."))
register("fulfillment.joined", _because(_("{fulfillment_order} was put back into {into}.")), tone="key")
register("fulfillment.opened", _("{fulfillment_order} can be picked now."))
register("fulfillment.picking", _("Picking of {fulfillment_order} began at {location}."))
register("fulfillment.picked", _("{fulfillment_order} is picked."))
register("fulfillment.packed", _with_others(_("{fulfillment_order} is packed.")))
register("fulfillment.shipped", _with_others(_("{fulfillment_order} left {location}: {tracking_numbers}.")), tone="key")
register("fulfillment.delivered", _delivered, tone="key")
register("fulfillment.exception", _("The carrier has trouble with {fulfillment_order}: {problem}."), tone="bad")
register("fulfillment.short", _short, tone="bad")
register("fulfillment.printed", _("Papers of {fulfillment_order} printed."))
register("label.bought", _("Label {tracking_number} bought for {fulfillment_order}."))
register("label.voided", _("Label {tracking_number} of {fulfillment_order} voided: it was not used."))
register(
    "label.duplicate",
    _("The carrier sold a second label for {fulfillment_order}: {tracking_number}. Void it with the carrier."),
    tone="bad",
)


def _days(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], list):
        return " / ".join(map(_days, value))
    names = dict(WEEKDAYS_ABBR)
    return ", ".join(str(names.get(day, day)) for day in value or ())


def _calendar_changes(data: Mapping[str, Any]) -> list[Change]:
    return [
        Change(str(name), _days(before), _days(after)) for name, (before, after) in (data.get("changes") or {}).items()
    ]


def _lane_changes(data: Mapping[str, Any]) -> list[Change]:
    return [Change(name, str(before), str(after)) for name, (before, after) in (data.get("changes") or {}).items()]


register("lane.added", _("Lane added: {lane}"), tone="key")
register("lane.changed", _("Lane changed: {lane}"), changes=_lane_changes)
register("lane.deleted", _("Lanes deleted: {lanes}"), tone="bad")
register("lane.imported", _("{count} lanes came in by a file."))
register("delivery.working_days", _("Locations pack on other days."), changes=_calendar_changes)
register("delivery.carrier_days", _("Carriers work on other days (pick-up / delivery)."), changes=_calendar_changes)
register("delivery.closed", _("Days on which nobody packs: {days}"))
register("delivery.holidays", _("Carriers' holidays: {days}"))
register("delivery.day_removed", _("Taken back: {day}"))
