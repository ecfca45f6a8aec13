"""The form of a bundle's components."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import Q
from django.forms import BoundField
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.refusals import Refusal
from inventory.bundles import Component
from inventory.models import Variant
from inventory.operations.bundles import MOST_IN_ONE

#: Empty rows for new components.
BLANKS = 4


class ComponentsForm(forms.Form):
    """Units of each component in one bundle: `component-<variant id>` (empty or 0 takes it out), and `sku-<n>` with `units-<n>` for new ones."""

    def __init__(self, data: Any = None, *, components: Sequence[Component]) -> None:
        super().__init__(data)
        self.components = components
        for component in components:
            self.fields[f"component-{component.variant_id}"] = _units(component.quantity)
        for n in range(BLANKS):
            self.fields[f"sku-{n}"] = forms.CharField(
                label=_("SKU or barcode"),
                required=False,
                max_length=64,
                widget=forms.TextInput(attrs={"autocomplete": "off"}),
            )
            self.fields[f"units-{n}"] = _units(None)
        self.found: dict[int, Variant] = {}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        typed = {n: str(cleaned.get(f"sku-{n}") or "").strip() for n in range(BLANKS)}
        wanted = [text for text in typed.values() if text]
        known = Variant.objects.filter(Q(sku__in=wanted) | Q(barcode__in=wanted)).only("pk", "sku", "barcode")
        by_text = {v.barcode: v for v in known if v.barcode} | {v.sku: v for v in known}
        taken = {component.variant_id for component in self.components}
        for n, text in typed.items():
            variant = by_text.get(text)
            if text and variant is None:
                self.add_error(f"sku-{n}", translate("There is no SKU “{sku}”.").format(sku=text[:64]))
            elif text and not cleaned.get(f"units-{n}") and not self.errors.get(f"units-{n}"):
                self.add_error(f"units-{n}", translate("How many are in one bundle?"))
            elif not text and cleaned.get(f"units-{n}"):
                self.add_error(f"sku-{n}", translate("Of what?"))
            elif variant is not None and variant.pk in taken:
                self.add_error(f"sku-{n}", translate("It is among the components already."))
            elif variant is not None:
                taken.add(variant.pk)
                self.found[n] = variant
        if not self.errors and not self.values():
            raise forms.ValidationError(_("A bundle has at least one component. To end the bundle, undo it."))
        return cleaned

    def values(self) -> dict[int, int]:
        """Variant id → units in one bundle, what is taken out left out."""
        data = self.cleaned_data
        units = {c.variant_id: data.get(f"component-{c.variant_id}") or 0 for c in self.components}
        units |= {variant.pk: data.get(f"units-{n}") or 0 for n, variant in self.found.items()}
        return {pk: n for pk, n in units.items() if n}

    def refuse(self, refusal: Refusal) -> None:
        """Show a refusal at the row of the component that it names, or above the form."""
        field = refusal.field if refusal.field in self.fields else None
        for n, variant in self.found.items():
            if refusal.field == f"component-{variant.pk}":
                field = f"units-{n}" if refusal.code == "bad_quantity" else f"sku-{n}"
        self.add_error(field, forms.ValidationError(refusal.message, code=refusal.code))

    def rows(self) -> list[tuple[Component, BoundField]]:
        """The components with their fields, for the page."""
        return [(component, self[f"component-{component.variant_id}"]) for component in self.components]

    def blanks(self) -> list[tuple[BoundField, BoundField]]:
        """The fields of new components."""
        return [(self[f"sku-{n}"], self[f"units-{n}"]) for n in range(BLANKS)]


def _units(initial: int | None) -> forms.IntegerField:
    return forms.IntegerField(
        label=_("Units in one bundle"), required=False, min_value=0, max_value=MOST_IN_ONE, initial=initial
    )
