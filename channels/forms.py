"""Forms of channels and imports."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from channels.formats import reader
from channels.formats.encodings import ENCODINGS
from channels.models import ALSO_NEEDS, OF_CHANNEL, ImportKind
from channels.operations.channel_settings import FIELDS
from core.forms import WrittenByOperation, time_zone_choices
from core.models import User
from orders.models import Channel


class ChannelForm(WrittenByOperation):
    """Where orders come from."""

    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=time_zone_choices,
        help_text=_("Of times that this channel's files give without an offset."),
    )
    language = forms.ChoiceField(
        label=_("Customers' language"),
        choices=settings.LANGUAGES,
        help_text=_("Of mail and tracking pages, unless an order says another."),
    )

    class Meta:
        model = Channel
        fields = FIELDS
        help_texts = {
            "currency": _("Of amounts that come without one; three letters, e.g. EUR."),
            "hold_unpaid": _("An order that is not paid is routed and keeps its stock, but nobody picks it."),
            "active": _("A channel that is switched off takes no new orders."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance.pk:
            del self.fields["active"]

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).strip().upper()


class ChannelField(forms.ModelChoiceField):
    """A channel by its name."""

    def label_from_instance(self, obj: Channel) -> str:
        return obj.name


class UploadForm(forms.Form):
    """A file and what it is."""

    kind = forms.ChoiceField(
        label=_("What the file holds"), choices=ImportKind.choices, widget=forms.RadioSelect, initial=ImportKind.ORDERS
    )
    format = forms.ChoiceField(
        label=_("Format"),
        choices=[("shopify", _("Shopify")), ("plain", _("Plain CSV"))],
        required=False,
        help_text=_("Lots, serial numbers, purchase orders, counted numbers and bundles are always plain."),
    )
    channel = ChannelField(
        label=_("Channel"), queryset=Channel.objects.none(), required=False, help_text=_("Orders belong to one.")
    )
    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "An export of Shopify, or a plain file with the columns that “Import and export” explains, as CSV or XLSX. Nothing is changed yet: you see first how it is read."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [
            (kind.value, kind.label) for kind in ImportKind if kind not in ALSO_NEEDS or user.can(ALSO_NEEDS[kind])
        ]
        active = Channel.objects.filter(active=True).order_by("name")
        self.fields["channel"].queryset = active
        if len(active) == 1 and not self.is_bound:
            self.initial.setdefault("channel", active[0].pk)

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        kind = told.get("kind")
        told["format"] = told.get("format") or "shopify"
        if kind in OF_CHANNEL and not told.get("channel"):
            self.add_error("channel", translate("Say which channel the file comes from."))
        try:
            if kind:
                reader(kind, told["format"])
        except LookupError:
            self.add_error("format", translate("Files of this kind are read in Shopify's format only."))
        return told


class ReadingForm(forms.Form):
    """How to read the file, where it does not say so itself."""

    encoding = forms.ChoiceField(label=_("Encoding"), required=False)
    delimiter = forms.ChoiceField(label=_("Delimiter"), required=False)
    decimal_mark = forms.ChoiceField(label=_("Decimal mark"), required=False)
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False, choices=time_zone_choices)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = ("", translate("As found"))
        self.fields["encoding"].choices = [found, *((name, name) for name in ENCODINGS)]
        self.fields["delimiter"].choices = [
            found, ("comma", translate("Comma")), ("semicolon", translate("Semicolon")), ("tab", translate("Tab")), ("pipe", translate("Vertical bar")),
        ]  # fmt: skip
        self.fields["decimal_mark"].choices = [
            found,
            (".", translate("Point: 1,234.56")),
            (",", translate("Comma: 1.234,56")),
        ]
