"""Forms of the kernel's pages."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.models import Shop, User
from core.refusals import Refusal


def add_refusal(form: forms.Form, refusal: Refusal) -> None:
    """Show a refusal at the field it names, or above the form."""
    field = refusal.field if refusal.field in form.fields else None
    form.add_error(field, ValidationError(refusal.message, code=refusal.code))


class WrittenByOperation(forms.ModelForm):
    """A model form that reads, checks and shows; an operation writes. To save it is a mistake in the code, and said so."""

    def save(self, commit: bool = True) -> Any:
        raise TypeError(f"{type(self).__name__} is written by an operation")


class MomentInput(forms.DateTimeInput):
    """The browser's field for a day and a time, in the person's own zone."""

    input_type = "datetime-local"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs={"step": "60", **(attrs or {})}, format="%Y-%m-%dT%H:%M")


class SignInForm(AuthenticationForm):
    """User name and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("User name")
        self.fields["password"].widget.attrs["autocomplete"] = "current-password"


def time_zone_choices() -> list[tuple[str, str]]:
    """Every named zone, without the historical aliases that have no region."""
    names = sorted(
        name
        for name in zoneinfo.available_timezones()
        if "/" in name and not name.startswith(("Etc/", "posix/", "right/"))
    )
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in names)]


class PreferencesForm(WrittenByOperation):
    """What a person chooses for themselves."""

    language = forms.ChoiceField(label=_("Language"), required=False)
    time_zone = forms.ChoiceField(
        label=_("Time zone"), choices=time_zone_choices, help_text=_("Times on every page are shown in this zone.")
    )
    theme = forms.ChoiceField(
        label=_("Look"),
        choices=[("auto", _("As the system says")), ("light", _("Light")), ("dark", _("Dark"))],
        help_text=_("Kept in this browser."),
    )

    class Meta:
        model = User
        fields = ["language", "time_zone"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"].choices = [("", translate("As the browser says")), *settings.LANGUAGES]


class PersonForm(WrittenByOperation):
    """A person with a login and a role. On an existing person the password may stay empty."""

    password = forms.CharField(
        label=_("Password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email", "role", "is_active", "password"]
        labels = {"is_active": _("May sign in")}
        help_texts = {"username": "", "is_active": ""}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["is_active"].help_text = ""
        if self.instance.pk:
            self.fields["username"].disabled = True
            self.fields["password"].label = _("New password")
            self.fields["password"].help_text = _("Leave it empty to keep the present one.")
        else:
            self.fields["password"].required = True
            self.fields["password"].help_text = _("At least 10 characters, not only digits, not a common one.")
            del self.fields["is_active"]

    def clean_password(self) -> str:
        password = self.cleaned_data["password"]
        if password:
            validate_password(password, self.instance)
        return password


class ShopForm(WrittenByOperation):
    """The shop's own settings."""

    time_zone = forms.ChoiceField(
        label=_("Time zone"), choices=time_zone_choices, help_text=_("Days of reports are counted in it.")
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    currency = forms.RegexField(
        r"^[A-Z]{3}$", label=_("Reporting currency"), help_text=_("Three capital letters, such as EUR.")
    )
    return_window_days = forms.IntegerField(label=_("Days to return"), min_value=0, max_value=3650)
    logo_file = forms.FileField(
        label=_("Logo"), required=False, help_text=_("PNG or JPEG, at most 500 kB; printed on packing slips.")
    )
    drop_logo = forms.BooleanField(label=_("Print without a logo"), required=False)

    class Meta:
        model = Shop
        fields = [
            "name", "support_email", "currency", "time_zone", "language", "order_prefix", "return_window_days", "auto_approve_returns", "slip_paper",
        ]  # fmt: skip
        labels = {"slip_paper": _("Paper of packing slips")}
