"""Yes or no to a return."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from inventory.models import Location
from orders.forms import NamedChoiceField
from returns.operations.deciding import LONGEST_ANSWER


class ApproveForm(forms.Form):
    """Approve: where it goes, or that the customer keeps it, and what the customer is told."""

    location = NamedChoiceField(
        label=_("Goes to"),
        queryset=Location.objects.filter(active=True, accepts_returns=True).order_by("rank", "name"),
        required=False,
        empty_label=_("The nearest location"),
    )
    keep = forms.BooleanField(label=_("The customer keeps the goods: no label, on to the refund"), required=False)
    answer = forms.CharField(
        label=_("Message to the customer"),
        required=False,
        max_length=LONGEST_ANSWER,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class DeclineForm(forms.Form):
    """Decline: why, in words for the customer."""

    answer = forms.CharField(
        label=_("Why not, for the customer"), max_length=LONGEST_ANSWER, widget=forms.Textarea(attrs={"rows": 2})
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class BulkApproveForm(forms.Form):
    """The same message to all customers."""

    answer = forms.CharField(
        label=_("Message to the customers"),
        required=False,
        max_length=LONGEST_ANSWER,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class BulkDeclineForm(forms.Form):
    """The same reason to all customers."""

    answer = forms.CharField(
        label=_("Why not, for the customers"), max_length=LONGEST_ANSWER, widget=forms.Textarea(attrs={"rows": 2})
    )
