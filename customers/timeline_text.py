"""How the history of a customer reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.timeline_text import Change, register
from customers.models import Customer


def _differences(data: Mapping[str, Any]) -> list[Change]:
    return [
        Change(str(Customer._meta.get_field(name).verbose_name), _word(before), _word(after))
        for name, (before, after) in (data.get("changes") or {}).items()
    ]


def _word(value: object) -> str:
    if isinstance(value, bool):
        return translate("yes") if value else translate("no")
    return str(value)


register("customer.changed", _("Details changed."), changes=_differences)
