"""Forms of the orders' pages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.models import User
from core.money import MAX_DECIMALS
from orders.groups import grouped
from orders.models import OrderBundle, OrderLine
from orders.states import HoldKind
from payments.owed.methods import method_names

#: Kinds of hold that a person places; the others follow from what happened.
_PLACED_BY_PEOPLE = [kind for kind in HoldKind if kind not in (HoldKind.PAYMENT, HoldKind.STOCK)]


class LocalDateTimeInput(forms.DateTimeInput):
    """A moment in the person's zone, picked by the browser."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class PersonField(forms.ModelChoiceField):
    """One of the people who work here."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=User.objects.filter(is_active=True).order_by("first_name", "username"), **kwargs)

    def label_from_instance(self, obj: Any) -> str:
        return Actor.user(obj).label


class HoldForm(forms.Form):
    """Why an order must wait."""

    kind = forms.ChoiceField(
        label=_("Why"), choices=[(kind.value, kind.label) for kind in _PLACED_BY_PEOPLE], initial=HoldKind.OPERATOR
    )
    reason = forms.CharField(label=_("In your words"), max_length=200, required=False)
    until = forms.DateTimeField(
        label=_("Until"),
        required=False,
        widget=LocalDateTimeInput(),
        help_text=_("It is released by itself then. Empty: until somebody releases it."),
    )
    owner = PersonField(label=_("Who sees to it"), required=False)


class LineHoldForm(HoldForm):
    """A hold on an order, or on some of its lines."""

    lines = forms.MultipleChoiceField(
        label=_("Only these lines"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None: the whole order. The lines of a bundle are held together."),
    )

    def __init__(self, *args: Any, lines: list[OrderLine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["lines"].choices = [
            (str(line.pk), f"{line.ordered - line.cancelled - line.shipped} × {line.sku} {line.title}")
            for line in lines
            if line.requires_shipping and line.ordered - line.cancelled > line.shipped
        ]

    def clean_lines(self) -> list[int] | None:
        return [int(pk) for pk in self.cleaned_data["lines"]] or None


class ReleaseForm(forms.Form):
    """Which holds end."""

    kinds = forms.MultipleChoiceField(
        label=_("Holds for"),
        required=False,
        choices=HoldKind.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: all of them."),
    )


class OwnerForm(forms.Form):
    """The person who sees to holds."""

    owner = PersonField(label=_("Who sees to it"), required=False)


class TagForm(forms.Form):
    """Tags to add and to take away, divided by commas."""

    add = forms.CharField(label=_("Add tags"), required=False, max_length=400, help_text=_("Divided by commas."))
    remove = forms.CharField(label=_("Remove tags"), required=False, max_length=400)

    def clean_add(self) -> list[str]:
        return _words(self.cleaned_data["add"])

    def clean_remove(self) -> list[str]:
        return _words(self.cleaned_data["remove"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("add") and not cleaned.get("remove") and not self.errors:
            raise forms.ValidationError(_("Say which tags to add or to remove."))
        return cleaned


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


class CancelReasonForm(forms.Form):
    """Why orders are cancelled; kept in their history."""

    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)


class BulkNoteForm(forms.Form):
    """The same note on each order."""

    text = forms.CharField(
        label=_("Note"), max_length=4000, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("@name tells a colleague of it.")
    )  # fmt: skip


class AssignForm(forms.Form):
    """Who works on the orders."""

    person = PersonField(label=_("Who works on it"), required=False, empty_label=_("nobody in particular"))


class EditForm(forms.Form):
    """What is set on many orders at once; what is left empty stays."""

    method = forms.CharField(
        label=_("Shipping method"), max_length=80, required=False, help_text=_("The price of shipping stays.")
    )
    due = forms.DateField(
        label=_("To be paid by"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and bool(cleaned.get("method")) == bool(cleaned.get("due")):
            raise forms.ValidationError(_("Fill in one of them; the other is another act."))
        return cleaned


class InvoiceForm(forms.Form):
    """Whether the customers get their invoices by mail."""

    mail = forms.BooleanField(label=_("Mail them to the customers"), required=False)


class RouteForm(forms.Form):
    """How much of the orders is routed."""

    again = forms.TypedChoiceField(
        label=_("What is routed"), coerce=lambda value: value == "yes", widget=forms.RadioSelect, initial="no",
        choices=[("no", _("Units without a place")), ("yes", _("Everything that is not picked, anew"))],
    )  # fmt: skip


class BulkRefundForm(forms.Form):
    """How much of what was paid goes back."""

    everything = forms.TypedChoiceField(
        label=_("How much"), coerce=lambda value: value == "all", widget=forms.RadioSelect, initial="owed",
        choices=[("owed", _("What the customers have paid too much")), ("all", _("Everything that they have paid"))],
    )  # fmt: skip
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)


class VersionForm(forms.Form):
    """A form that knows which version of the order the person was looking at."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)


class CancelForm(VersionForm):
    """How many units of each line to cancel. Lines of a bundle are cancelled as whole bundles, or beyond that by the unit."""

    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)

    def __init__(self, *args: Any, lines: list[OrderLine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = [line for line in lines if line.cancellable > 0]
        self.bundles: list[tuple[OrderBundle, list[OrderLine], int]] = []
        for bundle, members in grouped(lines, lambda line: line.bundle):
            sets = min(line.cancellable // (line.per_bundle or 1) for line in members) if bundle else 0
            if bundle and sets:
                self.bundles.append((bundle, members, sets))
                self.fields[f"bundle-{bundle.pk}"] = self._count(bundle.title, sets, sets)
            for line in members:
                if line.cancellable > 0:
                    alone = line.cancellable - sets * (line.per_bundle or 1)
                    self.fields[f"line-{line.pk}"] = self._count(line.title, line.cancellable, alone)

    def _count(self, label: str, most: int, initial: int) -> forms.IntegerField:
        return forms.IntegerField(label=label, min_value=0, max_value=most, initial=initial, required=False)

    def units(self) -> dict[int, int]:
        """Line id → units to cancel, those of whole bundles among them, without the lines left alone."""
        data = self.cleaned_data
        units = {line.pk: data.get(f"line-{line.pk}") or 0 for line in self.lines}
        for bundle, members, _most in self.bundles:
            for line in members:
                units[line.pk] += (data.get(f"bundle-{bundle.pk}") or 0) * (line.per_bundle or 1)
        return {pk: n for pk, n in units.items() if n}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        units = self.units()
        for line in self.lines:
            if units.get(line.pk, 0) > line.cancellable and not self.errors.get(f"line-{line.pk}"):
                message = translate("With the whole bundles that are more than {most}.").format(most=line.cancellable)
                self.add_error(f"line-{line.pk}", message)
        if not self.errors and not units:
            raise forms.ValidationError(_("Say how many units to cancel."))
        return cleaned

    def rows(self) -> list[tuple[OrderBundle | None, OrderLine | None, int, forms.BoundField]]:
        """Each bundle, and each line, with what of it can be cancelled and its field, for the page's table."""
        most = {bundle.pk: sets for bundle, _members, sets in self.bundles}
        rows: list[tuple[OrderBundle | None, OrderLine | None, int, forms.BoundField]] = []
        for bundle, members in grouped(self.lines, lambda line: line.bundle):
            if bundle and bundle.pk in most:
                rows.append((bundle, None, most[bundle.pk], self[f"bundle-{bundle.pk}"]))
            rows += [(bundle, line, line.cancellable, self[f"line-{line.pk}"]) for line in members]
        return rows


def _amount(label: Any, **kwargs: Any) -> forms.DecimalField:
    return forms.DecimalField(label=label, max_digits=16, decimal_places=MAX_DECIMALS, **kwargs)


class PaymentForm(forms.Form):
    """Money that came in. `key` is made with the form: sending it twice records it once."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=60)
    amount = _amount(_("Amount"), min_value=Decimal("0.0001"))
    method = forms.ChoiceField(label=_("How it was paid"))
    reference = forms.CharField(label=_("Reference"), max_length=120, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["method"].choices = [(name, name) for name in method_names()]


class RefundForm(forms.Form):
    """Money that goes back: an amount, or what the chosen units cost when the amount is left empty."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=60)
    amount = _amount(
        _("Amount"), min_value=Decimal("0.0001"), required=False, help_text=_("Empty: what the chosen units cost.")
    )
    reason = forms.CharField(label=_("Reason"), max_length=200)

    def __init__(self, *args: Any, lines: list[OrderLine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = [line for line in lines if line.ordered > line.refunded]
        for line in self.lines:
            most = line.ordered - line.refunded
            self.fields[f"line-{line.pk}"] = forms.IntegerField(
                label=line.title, min_value=0, max_value=most, required=False
            )

    def units(self) -> dict[int, int]:
        """Line id → units that the money is for, without the lines left alone."""
        return {line.pk: units for line in self.lines if (units := self.cleaned_data.get(f"line-{line.pk}") or 0)}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not cleaned.get("amount") and not self.units():
            raise forms.ValidationError(_("Choose units, or give an amount."))
        return cleaned

    def rows(self) -> list[tuple[OrderLine, forms.BoundField]]:
        """Each line with its field, for the page's table."""
        return [(line, self[f"line-{line.pk}"]) for line in self.lines]


class NoteForm(forms.Form):
    """What people tell each other about an order."""

    text = forms.CharField(
        label=_("Note"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("For your colleagues; the customer never sees it. @name tells one of them."),
    )


class NamedChoiceField(forms.ModelChoiceField):
    """One of some rows, shown by their names."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)
