"""How people and the shop want to hear of low stock."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.models import User
from core.refusals import Invalid
from core.timeline import record
from inventory.models import Location
from replenishment.models import SETTINGS_SUBJECT, AlertPreference, ReplenishmentSettings
from replenishment.states import Frequency

_SETTINGS = ("mail_pause_minutes", "digest_hour", "automatic_orders", "automatic_hour")


def save_preference(*, user: User, frequency: str, location_ids: Sequence[int], back_in_stock: bool) -> AlertPreference:
    """Save what a person wants for themselves. Raises Invalid for a frequency or a location that does not exist."""
    if frequency not in Frequency.values:
        raise Invalid("bad_frequency", _("Choose how often."), field="frequency")
    wanted = sorted(set(location_ids))
    if Location.objects.filter(pk__in=wanted).count() < len(wanted):
        raise Invalid("no_such_location", _("There is no such location."), field="locations")
    values = {"frequency": frequency, "location_ids": wanted, "back_in_stock": back_in_stock}
    return AlertPreference.objects.update_or_create(user=user, defaults=values)[0]


def save_settings(*, values: dict[str, Any], actor: Actor, now: datetime) -> ReplenishmentSettings:
    """Save what the shop decided; the difference goes into the history."""
    with transaction.atomic():
        ReplenishmentSettings.objects.get_or_create(id=1)
        found = ReplenishmentSettings.objects.select_for_update().get(id=1)
        changes = {
            name: [getattr(found, name), values[name]]
            for name in _SETTINGS
            if name in values and getattr(found, name) != values[name]
        }
        for name, (_before, after) in changes.items():
            setattr(found, name, after)
        if changes:
            _check(found, changes)
            found.save(update_fields=list(changes))
            record(SETTINGS_SUBJECT, "replenishment.changed", actor=actor, at=now, changes=changes)
    return found


def _check(found: ReplenishmentSettings, names: Collection[str]) -> None:
    try:
        found.clean_fields(exclude=[field.name for field in found._meta.fields if field.name not in names])
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise Invalid("bad_setting", messages[0], field=name) from error
