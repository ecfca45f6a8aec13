"""The portal's own form; that of a return is the one the dashboard has too (returns.forms)."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class LookUpForm(forms.Form):
    """Order number and e-mail address."""

    number = forms.CharField(
        label=_("Order number"),
        max_length=60,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "dir": "ltr"}
        ),
    )
    email = forms.EmailField(
        label=_("E-mail address of the order"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "dir": "ltr"}),
    )
