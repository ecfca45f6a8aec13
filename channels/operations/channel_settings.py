"""Sales channels: added and changed by people, or by the first file that names one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from django.utils.translation import gettext as _

from channels.formats.errors import FieldError
from channels.formats.values import currency as currency_code
from core.actors import Actor
from core.models import Shop
from core.refusals import Invalid
from core.timeline import record
from orders.models import Channel, ChannelKind

FIELDS = ("name", "kind", "currency", "time_zone", "language", "hold_unpaid", "active")


def subject_of(channel: Channel) -> str:
    """Key of a channel in the timeline."""
    return f"channel:{channel.pk}"


def save_channel(*, channel_id: int | None, values: dict[str, Any], actor: Actor, now: datetime) -> Channel:
    """Add a channel (channel_id None) or change one; the difference goes into its history.

    Raises Invalid naming the field: a name that another has, a currency or time zone that is none.
    """
    values = {name: values[name] for name in FIELDS if name in values}
    _check(values, channel_id)
    with transaction.atomic():
        if channel_id is None:
            channel = Channel.objects.create(**values)
            record(subject_of(channel), "channel.added", actor=actor, at=now, name=channel.name)
            return channel
        channel = Channel.objects.select_for_update(of=("self",)).get(pk=channel_id)
        changes = {
            name: [getattr(channel, name), value] for name, value in values.items() if getattr(channel, name) != value
        }
        for name, (_old, new) in changes.items():
            setattr(channel, name, new)
        if changes:
            channel.save(update_fields=list(changes))
            record(subject_of(channel), "channel.changed", actor=actor, at=now, changes=changes)
        return channel


def ensure_channel(
    *, name: str, currency: str = "", time_zone: str = "", actor: Actor, now: datetime
) -> tuple[Channel, bool]:
    """The channel of this name, and whether it was added now. What is not given comes from the shop's settings."""
    found = Channel.objects.filter(name=name).first()
    if found:
        return found, False
    shop = Shop.objects.first() or Shop()
    values = {
        "name": name,
        "kind": ChannelKind.WEB,
        "currency": currency or shop.currency,
        "time_zone": time_zone or shop.time_zone,
        "language": shop.language,
    }
    return save_channel(channel_id=None, values=values, actor=actor, now=now), True


def check_zone(name: str, field: str = "time_zone") -> str:
    """The zone's name, or Invalid."""
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(
            "bad_time_zone",
            _("“{name}” is no time zone; write it as Europe/Warsaw.").format(name=name[:60]),
            field=field,
        ) from None


def _check(values: dict[str, Any], channel_id: int | None) -> None:
    if "name" in values:
        values["name"] = " ".join(values["name"].split())
        if not values["name"] or len(values["name"]) > 80:
            raise Invalid("bad_name", _("A channel's name has 1 to 80 characters."), field="name")
        if Channel.objects.exclude(pk=channel_id).filter(name=values["name"]).exists():
            raise Invalid("name_taken", _("Another channel has this name."), field="name")
    if "currency" in values:
        try:
            values["currency"] = currency_code(values["currency"], "currency")
        except FieldError as error:
            raise Invalid("bad_currency", error.message, field="currency") from None
    if "time_zone" in values:
        values["time_zone"] = check_zone(values["time_zone"])
