"""A draft by hand: where from, where to, and its lines by scan, search or paste."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.refusals import Invalid
from core.search import search
from inventory.models import Location, Variant
from transfers.models import TransferLine
from transfers.operations import find_variants
from transfers.operations.drafting import MAX_LINES, MAX_QUANTITY
from transfers.queries import levels_at, own_places

#: So many variants are offered where a text is no SKU.
OFFERED = 8
_PASTED = re.compile(r"^(?P<sku>.*?)(?:[\s,;|×x*]+(?P<quantity>\d{1,9}))?\s*$", re.DOTALL)


class PlaceField(forms.ModelChoiceField):
    """One of our own places, by its name."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


class DraftForm(forms.Form):
    """Places, day and words of a transfer. `key` is made with the form: sent twice it is one transfer."""

    origin = PlaceField(label=_("From"), queryset=Location.objects.none())
    destination = PlaceField(label=_("To"), queryset=Location.objects.none())
    expected_on = forms.DateField(
        label=_("Expected on"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    reference = forms.CharField(
        label=_("Reference"), max_length=60, required=False, help_text=_("A lorry, a job, a number of another system.")
    )
    note = forms.CharField(
        label=_("Note"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}), help_text=_("Printed on the slip.")
    )  # fmt: skip
    key = forms.RegexField(r"^[0-9a-f]{32}$", widget=forms.HiddenInput)
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"key": uuid.uuid4().hex, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        for name in ("origin", "destination"):
            self.fields[name].queryset = own_places()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("origin") and cleaned.get("origin") == cleaned.get("destination"):
            self.add_error("destination", translate("Choose another place than the origin."))
        return cleaned

    def words(self) -> dict[str, Any]:
        """What the operations take besides the lines."""
        data = self.cleaned_data
        return {
            "origin_id": data["origin"].pk,
            "destination_id": data["destination"].pk,
            "reference": data["reference"],
            "expected_on": data["expected_on"],
            "note": data["note"],
        }


@dataclass(slots=True)
class EntryRow:
    """A line as it was typed, what it means, and what is wrong with it."""

    sku: str
    quantity: str
    variant: Variant | None = None
    units: int = 0
    error: str = ""
    available: int | None = None

    @property
    def scarce(self) -> bool:
        """More is asked than the origin can promise."""
        return self.available is not None and self.units > self.available


class LineEntry:
    """The lines of a draft while they are typed: a table of SKU and quantity, a field to add by scan or search, a field to paste.

    Nothing is saved here; each step answers the table as it is then. Three statements at most.
    """

    def __init__(self, rows: list[EntryRow]) -> None:
        self.rows = rows
        self.choices: list[Variant] = []
        self.add = ""
        self.add_error = ""

    @classmethod
    def of(cls, lines: list[TransferLine]) -> LineEntry:
        """The lines of a transfer that exists."""
        return cls([EntryRow(line.variant.sku, str(line.quantity), line.variant, line.quantity) for line in lines])

    @classmethod
    def posted(cls, data: QueryDict) -> LineEntry:
        """What was sent: rows, then what is pasted, then what is to be added or was chosen."""
        rows = [
            EntryRow(sku.strip()[:100], quantity.strip()[:12])
            for sku, quantity in zip(data.getlist("sku"), data.getlist("quantity"), strict=False)
            if sku.strip()
        ]
        gone = data.get("remove", "")
        if gone.isascii() and gone.isdigit() and int(gone) < len(rows):
            del rows[int(gone)]
        entry = cls(rows)
        entry.rows += [row for line in data.get("paste", "").splitlines()[: MAX_LINES * 2] if (row := _pasted(line))]
        if chosen := data.get("choose", ""):
            entry._raise(chosen, 1)
        else:
            entry.add = data.get("add", "").strip()[:100]
        entry._understand()
        return entry

    @property
    def valid(self) -> bool:
        return bool(self.rows) and not self.add_error and not any(row.error for row in self.rows)

    def lines(self) -> list[tuple[int, int]]:
        """(variant id, quantity) of rows without a fault."""
        return [(row.variant.pk, row.units) for row in self.rows if row.variant is not None]

    def show_stock(self, origin_id: int | None) -> None:
        """Put next to each row what the origin can promise of it."""
        levels = levels_at(origin_id, [row.variant.pk for row in self.rows if row.variant])
        for row in self.rows:
            if row.variant and origin_id:
                level = levels.get(row.variant.pk)
                row.available = max(0, level.available) if level else 0

    def _understand(self) -> None:
        code, more = _split(self.add)
        known = find_variants([row.sku for row in self.rows] + [self.add, code])
        if self.add:
            whole, part = known.get(self.add), known.get(code)
            if whole or part:
                self._raise((whole or part).sku, 1 if whole else more)  # type: ignore[union-attr]
                known |= {(whole or part).sku: whole or part}  # type: ignore[union-attr,dict-item]
                self.add = ""
            else:
                self._offer()
        self._merge(known)

    def _raise(self, sku: str, units: int) -> None:
        """One more of a SKU: a scan of what is there already counts up."""
        for row in self.rows:
            if row.sku.casefold() == sku.casefold() and row.quantity.isascii() and row.quantity.isdigit():
                row.quantity = str(int(row.quantity) + units)
                return
        self.rows.append(EntryRow(sku, str(units)))

    def _offer(self) -> None:
        found = search(Variant.objects.filter(is_bundle=False).order_by("sku"), self.add)
        self.choices = list(found.defer("search", "search_text")[:OFFERED])
        if not self.choices:
            self.add_error = translate("Nothing is called “{text}”.").format(text=self.add)
        else:
            self.add_error = translate("Choose which one.")

    def _merge(self, known: Mapping[str, Variant]) -> None:
        """Say what each row means; rows of one variant become one."""
        merged: dict[int, EntryRow] = {}
        rows = []
        for row in self.rows:
            row.variant = known.get(row.sku)
            row.error = _fault(row)
            if row.error or row.variant is None:
                rows.append(row)
                continue
            row.sku, row.units = row.variant.sku, int(row.quantity)
            if first := merged.get(row.variant.pk):
                first.units += row.units
                first.quantity = str(first.units)
            else:
                merged[row.variant.pk] = row
                rows.append(row)
        self.rows = rows


def _fault(row: EntryRow) -> str:
    if row.variant is None:
        return translate("There is no such SKU.")
    if row.variant.is_bundle:
        return translate("{sku} is a bundle: send its components.").format(sku=row.variant.sku)
    text = row.quantity
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MAX_QUANTITY):
        return translate("A quantity lies between 1 and {most}.").format(most=MAX_QUANTITY)
    return ""


def _split(text: str) -> tuple[str, int]:
    """“SKU 5”, “SKU;5”, “SKU<tab>5” or “SKU” → (SKU, 5 or 1)."""
    found = _PASTED.match(text)
    if found is None or not found["sku"].strip():
        return text, 1
    return found["sku"].strip(), int(found["quantity"] or 1)


def _pasted(line: str) -> EntryRow | None:
    if not line.strip():
        return None
    sku, units = _split(line.strip()[:200])
    return EntryRow(sku[:100], str(units))


class UploadForm(forms.Form):
    """A file of transfers."""

    file = forms.FileField(
        label=_("File"), help_text=_("CSV with the columns origin, destination, sku, quantity, reference.")
    )


class SuggestForm(forms.Form):
    """For which places, and what a place without a policy keeps."""

    origin = PlaceField(label=_("From"), queryset=Location.objects.none(), required=False, empty_label=_("Any place"))
    destination = PlaceField(
        label=_("To"), queryset=Location.objects.none(), required=False, empty_label=_("Any place")
    )
    keep = forms.IntegerField(
        label=_("Keep where there is no policy"), min_value=0, max_value=MAX_QUANTITY, required=False, initial=0,
        help_text=_("Units of each SKU that stay at a place without a reorder policy of its own."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("origin", "destination"):
            self.fields[name].queryset = own_places()

    @staticmethod
    def fresh_key() -> str:
        """Of the form with the quantities: sent twice it makes the same drafts."""
        return uuid.uuid4().hex

    @staticmethod
    def checked_key(text: str) -> str:
        """The key of a form that was sent. Raises Invalid for what is none."""
        if not re.fullmatch(r"[0-9a-f]{32}", text):
            raise Invalid("bad_key", translate("Open the page anew and try again."), field="key")
        return text
