"""The words of invoicing: kinds of documents, and when they are issued by themselves."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class DocumentKind(models.TextChoices):
    """A pro forma is no fiscal document: it has numbers of its own and changes nothing that is owed or taxed."""

    INVOICE = "invoice", _("Invoice")
    CREDIT_NOTE = "credit_note", _("Credit note")
    PRO_FORMA = "pro_forma", _("Pro forma invoice")


class Automatic(models.TextChoices):
    """When an invoice is issued without a person."""

    NEVER = "never", _("Never: people issue them")
    PAYMENT = "payment", _("When an order is paid")
    SHIPMENT = "shipment", _("When goods leave, for what left")


#: The kinds that count towards what was billed.
FISCAL = (DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE)
