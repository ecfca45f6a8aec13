"""The words of risk: kinds of rules, levels, decisions, what an address is like."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class RuleKind(models.TextChoices):
    AMOUNT = "amount", _("Large amount")
    COUNTRIES_DIFFER = "countries_differ", _("Billed and shipped to different countries")
    ADDRESSES_DIFFER = "addresses_differ", _("Billed and shipped to different addresses")
    VELOCITY = "velocity", _("Many orders in a short time")
    DISPOSABLE_EMAIL = "disposable_email", _("Throw-away e-mail address")
    FIRST_ORDER = "first_order", _("Large first order")
    COUNTRY = "country", _("Risky country")
    MANY_UNITS = "many_units", _("Many units of one SKU")
    VOIDED_BEFORE = "voided_before", _("Payment failed before")


class Level(models.TextChoices):
    LOW = "low", _("Low")
    REVIEW = "review", _("To review")
    HOLD = "hold", _("High")


class Decision(models.TextChoices):
    ACCEPTED = "accepted", _("Accepted")
    REJECTED = "rejected", _("Rejected")


class AddressState(models.TextChoices):
    OK = "ok", _("In order")
    SUGGESTION = "suggestion", _("Could be written better")
    PROBLEM = "problem", _("Something is wrong")


class Settled(models.TextChoices):
    CORRECTED = "corrected", _("Corrected")
    AS_IS = "as_is", _("Shipped as it is")
