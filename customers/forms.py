"""Forms of the customers' pages."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from core.forms import WrittenByOperation
from customers.models import Customer


class CustomerForm(WrittenByOperation):
    """What is known of a customer; their orders keep what was said at purchase."""

    language = forms.ChoiceField(label=_("Language"), required=False, choices=[("", "—"), *settings.LANGUAGES])

    class Meta:
        model = Customer
        fields = ["name", "phone", "language", "accepts_marketing", "note"]
        labels = {
            "name": _("Name"),
            "phone": _("Phone"),
            "accepts_marketing": _("Wants news"),
            "note": _("Note for colleagues"),
        }
        widgets = {"note": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        known = {code for code, _name in self.fields["language"].choices}
        if self.instance.language not in known:
            self.fields["language"].choices.append((self.instance.language, self.instance.language))
