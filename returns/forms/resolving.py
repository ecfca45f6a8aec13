"""Money back for a return."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from returns.queries import LineWorth


class ResolveForm(forms.Form):
    """Accepted units of each line (`units-<return line id>`) and the amount. Zero closes the return without a refund."""

    amount = forms.DecimalField(label=_("Refund"), min_value=Decimal(0), max_digits=16, decimal_places=4)
    reason = forms.CharField(label=_("Reason, for the books"), required=False, max_length=200)
    to_credit = forms.BooleanField(label=_("As store credit"), required=False)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, worths: Sequence[LineWorth], initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self.worths = worths
        for worth in worths:
            self.fields[f"units-{worth.line.pk}"] = forms.IntegerField(
                label=_("Units"), min_value=0, max_value=worth.most, initial=worth.units, widget=forms.NumberInput(attrs={"inputmode": "numeric"})
            )  # fmt: skip

    def units(self) -> dict[int, int]:
        """Return line id → accepted units, as far as they are valid."""
        data = getattr(self, "cleaned_data", {})
        return {worth.line.pk: data.get(f"units-{worth.line.pk}") or 0 for worth in self.worths}

    def rows(self) -> list[tuple[LineWorth, forms.BoundField]]:
        return [(worth, self[f"units-{worth.line.pk}"]) for worth in self.worths]
