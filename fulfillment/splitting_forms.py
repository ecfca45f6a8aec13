"""What a person is asked for before work orders are merged or split."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from fulfillment.models import FulfillmentLine, FulfillmentOrder
from fulfillment.queries import Candidate
from orders.groups import grouped


class ReasonForm(forms.Form):
    """Why a parcel is taken apart, or work orders are put together again."""

    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)


@dataclass(frozen=True, slots=True)
class Portion:
    """One number that is asked for: the field, and how many units of which lines one of it is."""

    field: str
    parts: tuple[tuple[FulfillmentLine, int], ...]


class SplitForm(forms.Form):
    """How many units of each line, or whole bundles, go into a work order of their own; from where, when and why."""

    def __init__(self, data: Any = None, *, found: FulfillmentOrder, places: Sequence[Candidate]) -> None:
        super().__init__(data)
        self.place = found.location
        self.portions = list(self._ask_units(found.lines.all()))
        here = ("", translate("Here, {location}").format(location=found.location.name))
        if places:
            self.fields["location"] = forms.ChoiceField(
                label=_("Sent from"),
                required=False,
                choices=[here, *((str(one.location_id), one.label) for one in places)],
            )
        self.fields["not_before"] = forms.DateField(
            label=_("Not before"), required=False, widget=forms.DateInput(attrs={"type": "date"}),
            help_text=_("It waits until that day and is then ready to pick. Empty: now."),
        )  # fmt: skip
        self.fields["reason"] = forms.CharField(label=_("Reason"), max_length=200, required=False)

    def _ask_units(self, lines: Iterable[FulfillmentLine]) -> Iterable[Portion]:
        for bundle, parts in grouped(lines, lambda line: line.order_line.bundle):
            if bundle is None:
                for line in parts:
                    sold = line.order_line
                    yield self._ask(f"line-{line.pk}", f"{sold.sku} · {sold.title}", line.quantity, ((line, 1),))
            else:
                each = tuple((line, line.order_line.per_bundle or 1) for line in parts)
                sets = min(line.quantity // n for line, n in each)
                yield self._ask(f"line-{parts[0].pk}", f"{bundle.sku} · {bundle.title}", sets, each)

    def _ask(self, name: str, label: str, most: int, parts: tuple[tuple[FulfillmentLine, int], ...]) -> Portion:
        self.fields[name] = forms.IntegerField(
            label=label, min_value=0, max_value=most, required=False, initial=0, help_text=translate("of {most}").format(most=most)
        )  # fmt: skip
        return Portion(name, parts)

    def units(self) -> dict[int, int]:
        """Fulfillment line id → units, of what was filled in."""
        chosen: dict[int, int] = {}
        for portion in self.portions:
            count = self.cleaned_data.get(portion.field) or 0
            chosen |= {line.pk: count * each for line, each in portion.parts if count}
        return chosen

    def location_id(self) -> int | None:
        """The other location, where one was chosen."""
        text = self.cleaned_data.get("location") or ""
        return int(text) if text else None

    def scheduled_for(self) -> datetime | None:
        """The first moment of the day in the zone of the location it lies at; None for today or no day."""
        day = self.cleaned_data.get("not_before")
        if day is None:
            return None
        zone = ZoneInfo(self.place.time_zone)
        return None if day == timezone.now().astimezone(zone).date() else datetime.combine(day, time(), tzinfo=zone)
