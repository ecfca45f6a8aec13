"""Forms of nonconformances."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.refusals import Refusal
from inventory.codes import variant_of_code
from inventory.models import Location, Lot, Variant
from quality.operations.opening import LONGEST_NOTE, MOST_UNITS
from quality.operations.photos import MOST_PHOTOS, Picture, check_picture
from quality.operations.reasons import reason_choices
from quality.states import CaseKind, CaseSource, Resolution


class PlaceChoice(forms.ModelChoiceField):
    """A location by name."""

    def label_from_instance(self, obj: Any) -> str:
        return obj.name


class _ManyFiles(forms.ClearableFileInput):
    """A camera or several files."""

    allow_multiple_selected = True


class PhotosField(forms.FileField):
    """Photos from the camera or from files; each is checked and drawn anew. Cleans to a list of `Picture`."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"accept": "image/jpeg,image/png,image/webp", "capture": "environment", "multiple": True}
        kwargs.setdefault("widget", _ManyFiles(attrs=attrs))
        super().__init__(**kwargs)

    def clean(self, data: Any, initial: Any = None) -> list[Picture]:
        uploads: list[UploadedFile] = [one for one in (data if isinstance(data, (list, tuple)) else [data]) if one]
        if self.required and not uploads:
            raise ValidationError(self.error_messages["required"], code="required")
        if len(uploads) > MOST_PHOTOS:
            raise ValidationError(translate("At most {most} photos at once.").format(most=MOST_PHOTOS))
        try:
            return [check_picture(one.read()) for one in uploads]
        except Refusal as refusal:
            raise ValidationError(refusal.message, code=refusal.code) from None


class CaseForm(forms.Form):
    """Set units aside. `key` is made with the form: sending it twice opens one case."""

    sku = forms.CharField(
        label=_("SKU or barcode"), max_length=64, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    location = PlaceChoice(label=_("Location"), queryset=Location.objects.none())
    kind = forms.ChoiceField(label=_("Set aside as"), choices=CaseKind.choices, widget=forms.RadioSelect)
    quantity = forms.IntegerField(label=_("Units"), min_value=1, max_value=MOST_UNITS)
    reason = forms.ChoiceField(label=_("Reason"), choices=reason_choices)
    source = forms.ChoiceField(label=_("Found at"), choices=CaseSource.choices)
    lot = forms.CharField(label=_("Lot"), max_length=40, required=False, help_text=_("Where the SKU has lots."))
    note = forms.CharField(
        label=_("Note"), required=False, max_length=LONGEST_NOTE, widget=forms.Textarea(attrs={"rows": 3})
    )
    photos = PhotosField(label=_("Photos"), required=False, help_text=_("JPEG, PNG or WebP, at most 15 MB each."))
    adopt = forms.BooleanField(
        label=_("They are counted as set aside already: only the case is missing"), required=False
    )
    key = forms.CharField(widget=forms.HiddenInput, max_length=32, min_length=32)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"key": uuid.uuid4().hex, "kind": CaseKind.DAMAGED, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.fields["location"].queryset = Location.objects.filter(active=True).order_by("name")

    def clean_sku(self) -> Variant:
        variant = variant_of_code(self.cleaned_data["sku"])
        if variant is None:
            raise ValidationError(translate("There is no such SKU."))
        return variant

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        cleaned["lot_id"] = None
        if cleaned.get("lot") and cleaned.get("sku"):
            lot = Lot.objects.filter(variant=cleaned["sku"], code=cleaned["lot"].strip()).first()
            if lot is None:
                self.add_error("lot", translate("This SKU has no such lot."))
            else:
                cleaned["lot_id"] = lot.pk
        return cleaned


class ResolveForm(forms.Form):
    """What happens to some units of a case."""

    resolution = forms.ChoiceField(
        label=_("What happens to them"), choices=Resolution.choices, widget=forms.RadioSelect
    )
    quantity = forms.IntegerField(label=_("Units"), min_value=1, max_value=MOST_UNITS)
    kind = forms.ChoiceField(
        label=_("Set aside as"), required=False, choices=[("", "—"), *CaseKind.choices], help_text=_("For “set aside otherwise”."),
    )  # fmt: skip
    note = forms.CharField(label=_("Note"), required=False, max_length=200)
    key = forms.CharField(widget=forms.HiddenInput, max_length=32, min_length=32)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"key": uuid.uuid4().hex, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)


class PhotosForm(forms.Form):
    """More photos of a case."""

    photos = PhotosField(label=_("Photos"), help_text=_("JPEG, PNG or WebP, at most 15 MB each."))


class ReasonForm(forms.Form):
    """A reason of the merchant's list."""

    code = forms.RegexField(
        r"^[a-z0-9_]{1,30}$", label=_("Code"), help_text=_("Small letters, digits and _; for programs, never changed.")
    )
    name = forms.CharField(label=_("Name"), max_length=80)
