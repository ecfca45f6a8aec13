"""Forms of lanes and calendars."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext_lazy as _

from fulfillment.carriers import registered
from fulfillment.models import Lane
from fulfillment.operations.assignment import SERVICES
from inventory.models import Location
from orders.queries import country_choices

_DAYS = list(WEEKDAYS_ABBR.items())


def carrier_choices() -> list[tuple[str, str]]:
    """(code, name) of the carriers in use."""
    return [(code, carrier.name) for code, carrier in registered().items()]


class LaneForm(forms.Form):
    """From where to where, by whom, in how many working days."""

    from_country = forms.ChoiceField(label=_("From"), choices=country_choices)
    to_country = forms.ChoiceField(label=_("To"), choices=country_choices)
    postal_prefix = forms.CharField(
        label=_("Postal codes that begin with"), required=False, max_length=20, help_text=_("Empty: the whole country.")
    )
    carrier = forms.ChoiceField(
        label=_("Carrier"), required=False, choices=lambda: [("", _("All")), *carrier_choices()]
    )
    service = forms.ChoiceField(
        label=_("Service"), required=False, choices=[("", _("All")), *((s, s) for s in SERVICES)]
    )
    min_days = forms.IntegerField(label=_("Working days, at least"), min_value=0, max_value=90)
    max_days = forms.IntegerField(label=_("Working days, at most"), min_value=0, max_value=90)

    def __init__(self, *args: Any, lane: Lane | None = None, **kwargs: Any) -> None:
        if lane is not None:
            kwargs["initial"] = {name: getattr(lane, name) for name in self.base_fields}
        super().__init__(*args, **kwargs)


class LaneFileForm(forms.Form):
    """A file of lanes."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV with a header: from_country, to_country, min_days, max_days; carrier, service and postal_prefix may be left out or empty."),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )  # fmt: skip


class DaysField(forms.TypedMultipleChoiceField):
    """Weekdays, Monday is 0."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            choices=_DAYS, coerce=int, widget=forms.CheckboxSelectMultiple(attrs={"class": "inline"}),
            error_messages={"required": _("At least one day of the week.")}, **kwargs,
        )  # fmt: skip


class LocationDaysForm(forms.Form):
    """The weekdays on which each location packs."""

    def __init__(self, *args: Any, places: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for pk, name in places:
            self.fields[f"days-{pk}"] = DaysField(label=name)

    def days(self) -> dict[int, list[int]]:
        """Location id → its weekdays."""
        return {int(name.partition("-")[2]): days for name, days in self.cleaned_data.items()}


class CarrierDaysForm(forms.Form):
    """The weekdays on which each carrier picks up and brings."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code, name in carrier_choices():
            self.fields[f"pickup-{code}"] = DaysField(label=_("{name} picks up").format(name=name))
            self.fields[f"delivery-{code}"] = DaysField(label=_("{name} brings").format(name=name))

    def days(self) -> dict[str, tuple[list[int], list[int]]]:
        """Carrier → the weekdays of both."""
        found = self.cleaned_data
        return {code: (found[f"pickup-{code}"], found[f"delivery-{code}"]) for code, _name in carrier_choices()}


_LINES = forms.Textarea(attrs={"rows": 3, "placeholder": "2026-12-25 Christmas\n2026-12-26", "dir": "ltr"})


class ClosedForm(forms.Form):
    """Days on which nobody packs."""

    location = forms.TypedChoiceField(label=_("Location"), required=False, coerce=int, empty_value=None)
    days = forms.CharField(label=_("Days"), max_length=20_000, widget=_LINES, help_text=_("One on a line, with a name if you like."))  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Location.objects.filter(active=True).order_by("name").values_list("pk", "name")
        self.fields["location"].choices = [("", _("All locations")), *rows]


class HolidayForm(forms.Form):
    """Days on which a carrier does nothing."""

    carrier = forms.ChoiceField(label=_("Carrier"), required=False, choices=lambda: [("", _("All carriers")), *carrier_choices()])  # fmt: skip
    country = forms.ChoiceField(label=_("Country"), required=False, choices=lambda: [("", _("All countries")), *country_choices()])  # fmt: skip
    days = forms.CharField(label=_("Days"), max_length=20_000, widget=_LINES, help_text=_("One on a line, with a name if you like."))  # fmt: skip
