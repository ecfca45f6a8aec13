"""The tax rates of countries, for orders composed or changed here."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.addresses import known_country
from core.refusals import Invalid, NotFound
from core.shop import SUBJECT
from core.timeline import record
from orders.models import TaxRate


def save_tax_rate(
    *, rate_id: int | None, country: str, name: str, rate: Decimal, on_shipping: bool, actor: Actor, now: datetime
) -> TaxRate:
    """Set a country's rate (a fraction); drafts take it with their next change. Raises Invalid naming the field, NotFound."""
    if not known_country(country):
        raise Invalid("bad_country", _("Choose a country."), field="country")
    if not 0 <= rate < 1:
        raise Invalid("bad_rate", _("A tax lies between 0 and 99 %."), field="rate")
    try:
        with transaction.atomic():
            found = TaxRate() if rate_id is None else TaxRate.objects.select_for_update().filter(pk=rate_id).first()
            if found is None:
                raise NotFound("no_such_rate", _("There is no such tax rate."))
            before = found.rate if found.pk else None
            found.country, found.name, found.rate, found.on_shipping = country, name.strip()[:40], rate, on_shipping
            found.save()
            record(
                SUBJECT,
                "tax.saved",
                actor=actor,
                at=now,
                country=country,
                name=found.name,
                before=_percent(before),
                rate=_percent(rate),
            )
            return found
    except IntegrityError:
        raise Invalid("country_taken", _("This country has a rate already."), field="country") from None


def delete_tax_rate(*, rate_id: int, actor: Actor, now: datetime) -> None:
    """Forget a country's rate; orders keep what they were charged. Raises NotFound."""
    with transaction.atomic():
        found = TaxRate.objects.select_for_update().filter(pk=rate_id).first()
        if found is None:
            raise NotFound("no_such_rate", _("There is no such tax rate."))
        record(SUBJECT, "tax.deleted", actor=actor, at=now, country=found.country, rate=_percent(found.rate))
        found.delete()


def _percent(rate: Decimal | None) -> str:
    return "" if rate is None else f"{(rate * 100).normalize():f}"
