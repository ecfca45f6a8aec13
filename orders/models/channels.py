"""Where orders come from."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class ChannelKind(models.TextChoices):
    WEB = "web", _("Web store")
    MARKETPLACE = "marketplace", _("Marketplace")
    POS = "pos", _("Point of sale")
    B2B = "b2b", _("B2B")
    PHONE = "phone", _("Phone")
    FILE = "file", _("File")
    API = "api", _("API")


class Channel(models.Model):
    """Where orders come from."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=12, choices=ChannelKind.choices, default=ChannelKind.WEB)
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    language = models.CharField(_("customers' language"), max_length=8, default="en")
    hold_unpaid = models.BooleanField(_("hold orders until they are paid"), default=True)
    active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(kind__in=ChannelKind.values), name="channel_kind_known")]
