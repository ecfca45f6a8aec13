"""Who issues, and when: one row, with a history."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.addresses import known_country
from core.refusals import Invalid
from core.timeline import record
from invoicing.models import Settings
from invoicing.operations.numbering import SUBJECT


def save_settings(*, values: dict[str, Any], actor: Actor, now: datetime) -> Settings:
    """Save the settings. Documents that were issued keep what they show. Raises Invalid naming the field."""
    if values.get("country") and not known_country(values["country"]):
        raise Invalid(
            "bad_country", _("“{code}” is not a country code.").format(code=values["country"]), field="country"
        )
    with transaction.atomic():
        found = Settings.objects.select_for_update().first() or Settings()
        changed = {
            name: [_plain(getattr(found, name)), _plain(value)]
            for name, value in values.items()
            if getattr(found, name) != value
        }
        for name, value in values.items():
            setattr(found, name, value)
        found.save()
        if changed:
            record(SUBJECT, "invoicing.changed", actor=actor, at=now, changes=changed)
        return found


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool) else str(value)
