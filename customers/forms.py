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

    priority = forms.IntegerField(
        label=_("Priority"),
        required=False,
        min_value=0,
        max_value=9,
        help_text=_("0 to 9. Where goods are short and the shop fills by priority, the higher is served first."),
    )

    class Meta:
        model = Customer
        fields = ["name", "phone", "language", "accepts_marketing", "priority", "note"]
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

    def clean_priority(self) -> int:
        value = self.cleaned_data["priority"]
        return self.initial.get("priority", 0) if value is None else value
