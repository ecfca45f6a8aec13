"""Forms of counts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.forms import WrittenByOperation
from core.models import User
from core.permissions import MATRIX
from counts.models import CountSchedule
from counts.operations.counting import MOST_UNITS
from counts.operations.creating import MOST_TOLERATED, CountScope, CountSettings
from counts.states import CountKind, Unlisted
from inventory.models import Location, Variant

_CLASSES = [("A", "A"), ("B", "B"), ("C", "C")]
_MOST_SKUS = 2000


class PersonChoice(forms.ModelChoiceField):
    """A person by name."""

    def label_from_instance(self, obj: Any) -> str:
        return obj.get_full_name() or obj.get_username()


class PlaceChoice(forms.ModelChoiceField):
    """A location by name."""

    def label_from_instance(self, obj: Any) -> str:
        return obj.name


def _counters() -> Any:
    return User.objects.filter(is_active=True, role__in=sorted(MATRIX["counts.count"])).order_by(
        "first_name", "username"
    )


class SettingsForm(forms.Form):
    """How a count is made, whatever it is of."""

    blind = forms.BooleanField(
        label=_("Blind: who counts is not shown what should be there"), required=False, initial=True
    )
    tolerance_units = forms.IntegerField(
        label=_("Tolerance in units"), min_value=0, max_value=MOST_TOLERATED, initial=0, required=False,
        help_text=_("A line that is off by more is counted again."),
    )  # fmt: skip
    tolerance_percent = forms.IntegerField(
        label=_("Tolerance in percent"), min_value=0, max_value=100, initial=0, required=False,
        help_text=_("Of what should be there; the larger of the two counts."),
    )  # fmt: skip
    second_person = forms.BooleanField(label=_("Another person must count again"), required=False, initial=True)
    assigned_to = PersonChoice(label=_("Assigned to"), queryset=User.objects.none(), required=False)
    note = forms.CharField(label=_("Note"), required=False, max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["assigned_to"].queryset = _counters()

    def settings(self) -> CountSettings:
        """What `create_count` wants."""
        chosen = self.cleaned_data
        person = chosen["assigned_to"]
        return CountSettings(
            chosen["blind"], chosen["tolerance_units"] or 0, chosen["tolerance_percent"] or 0, chosen["second_person"],
            person.pk if person else None, chosen["note"],
        )  # fmt: skip


class CountForm(SettingsForm):
    """A new count."""

    location = PlaceChoice(label=_("Location"), queryset=Location.objects.none())
    kind = forms.ChoiceField(label=_("What is counted"), choices=CountKind.choices, widget=forms.RadioSelect)
    bins = forms.CharField(
        label=_("Bins"), required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One a line. For bins."),
    )  # fmt: skip
    abc = forms.ChoiceField(
        label=_("Class"), required=False, choices=[("", "—"), *_CLASSES],
        help_text=_("By the value shipped from there in 90 days. For an ABC class."),
    )  # fmt: skip
    skus = forms.CharField(
        label=_("SKUs"), required=False, max_length=100_000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One a line, SKU or barcode. For chosen SKUs."),
    )  # fmt: skip
    field_order = ("location", "kind", "bins", "abc", "skus", "assigned_to", "blind", "tolerance_units", "tolerance_percent", "second_person", "note")  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["location"].queryset = Location.objects.filter(active=True).order_by("name")

    def clean_skus(self) -> list[int]:
        """The ids of the variants; an unknown code is named."""
        if self.data.get("kind") != CountKind.SKUS:
            return []
        codes = list(dict.fromkeys(line.strip() for line in self.cleaned_data["skus"].splitlines() if line.strip()))
        if len(codes) > _MOST_SKUS:
            raise ValidationError(translate("At most {most} SKUs at once.").format(most=_MOST_SKUS))
        known: dict[str, int] = {}
        for pk, sku, barcode in Variant.objects.filter(Q(sku__in=codes) | Q(barcode__in=codes)).values_list(
            "pk", "sku", "barcode"
        ):
            known.setdefault(barcode, pk)
            known[sku] = pk
        unknown = [code for code in codes if code not in known]
        if unknown:
            raise ValidationError(translate("There is no SKU {skus}.").format(skus=", ".join(unknown[:5])))
        return [known[code] for code in codes]

    def scope(self) -> CountScope:
        """What `create_count` wants."""
        chosen = self.cleaned_data
        bins = tuple(dict.fromkeys(name.strip() for name in chosen["bins"].splitlines() if name.strip()))
        return CountScope(chosen["kind"], bins, chosen["abc"], tuple(chosen["skus"]))


class FoundForm(forms.Form):
    """Something that is not on the list."""

    sku = forms.CharField(label=_("SKU or barcode"), max_length=64)
    bin_name = forms.CharField(label=_("Bin"), required=False, max_length=40)
    quantity = forms.IntegerField(label=_("Units"), min_value=0, max_value=MOST_UNITS)


class PostForm(forms.Form):
    """What becomes of expected units that nobody found."""

    unlisted = forms.ChoiceField(
        label=_("Expected, and nobody found any"), choices=Unlisted.choices, initial=Unlisted.LEAVE, widget=forms.RadioSelect,
    )  # fmt: skip


class ScheduleForm(WrittenByOperation):
    """Counts that are made by themselves."""

    class Meta:
        model = CountSchedule
        fields = ["location", "kind", "abc", "bins", "every_days", "blind", "assigned_to", "next_on", "active"]
        field_classes = {"location": PlaceChoice, "assigned_to": PersonChoice}
        widgets = {"next_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}
        help_texts = {
            "abc": _("For an ABC class."),
            "bins": _("For bins: so many of those that are due, the longest not counted first."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["location"].queryset = Location.objects.filter(active=True).order_by("name")
        self.fields["assigned_to"].queryset = _counters()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("kind") == CountKind.BINS:
            cleaned["abc"] = ""
        elif cleaned.get("kind") == CountKind.ABC and not cleaned.get("abc"):
            self.add_error("abc", translate("Choose a class: A, B or C."))
        return cleaned
