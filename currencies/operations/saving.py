"""Rates into their table: by hand, and many at once from a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Invalid, NotFound
from core.timeline import record
from currencies.ecb import Quoted
from currencies.models import PIVOT, RATE_DECIMALS, ExchangeRate, Source

SUBJECT = "rates:1"
OLDEST = date(1999, 1, 4)  # the first day of the euro's reference rates

# In the order of the key, so that two imports never wait for each other in a circle. What a person put in stays.
_TAKE = """
    INSERT INTO currencies_exchangerate (base, quote, day, rate, source)
    SELECT 'EUR', q.currency, q.day, q.rate, 'ecb'
      FROM unnest(%s::text[], %s::date[], %s::numeric[]) AS q (currency, day, rate)
     ORDER BY q.currency, q.day
        ON CONFLICT (base, quote, day) DO UPDATE SET rate = excluded.rate
     WHERE currencies_exchangerate.source = excluded.source AND currencies_exchangerate.rate <> excluded.rate
"""


def take_rates(rates: Sequence[Quoted]) -> int:
    """Keep rates of the European Central Bank in the caller's transaction; the number that were new or different."""
    unique = {(one.currency, one.day): one.rate for one in rates if one.currency != PIVOT and one.day >= OLDEST}
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [[c for c, _d in unique], [d for _c, d in unique], list(unique.values())])
        return cursor.rowcount


def save_rate(*, base: str, quote: str, day: date, rate: Decimal, actor: Actor, now: datetime) -> ExchangeRate:
    """Write a rate by hand, over what was known of that day. Raises Invalid naming the field.

    Orders keep the rate that was fixed when they were placed.
    """
    for name, currency in (("base", base), ("quote", quote)):
        if len(currency) != 3 or not (currency.isascii() and currency.isalpha() and currency.isupper()):
            raise Invalid("bad_currency", _("A currency is three capital letters."), field=name)
    if base == quote:
        raise Invalid("same_currency", _("Give two different currencies."), field="quote")
    if not OLDEST <= day <= (now + timedelta(days=1)).date():
        raise Invalid("bad_day", _("Give a day that is not in the future."), field="day")
    check_rate(rate)
    with transaction.atomic():
        ExchangeRate.objects.bulk_create(
            [ExchangeRate(base=base, quote=quote, day=day, rate=rate, source=Source.MANUAL)],
            update_conflicts=True, unique_fields=["base", "quote", "day"], update_fields=["rate", "source"],
        )  # fmt: skip
        record(SUBJECT, "rate.saved", actor=actor, at=now, base=base, quote=quote, day=day.isoformat(), rate=str(rate))
        return ExchangeRate.objects.get(base=base, quote=quote, day=day)


def check_rate(rate: Decimal) -> None:
    """Raises Invalid (field ``rate``) for one that is not above zero or finer than what is kept."""
    if not rate.is_finite() or rate <= 0 or rate >= Decimal(10) ** 10:
        raise Invalid("bad_rate", _("Give a rate above zero."), field="rate")
    if rate != round(rate, RATE_DECIMALS):
        raise Invalid("bad_rate", _("A rate has at most {n} decimals.").format(n=RATE_DECIMALS), field="rate")


def delete_rate(*, rate_id: int, actor: Actor, now: datetime) -> None:
    """Take away a rate that was put in by hand. Raises NotFound, or Invalid for one of the bank's."""
    with transaction.atomic():
        found = ExchangeRate.objects.select_for_update().filter(pk=rate_id).first()
        if found is None:
            raise NotFound("no_such_rate", _("There is no such rate."))
        if found.source != Source.MANUAL:
            raise Invalid("not_by_hand", _("Only a rate that was put in by hand can be taken away."))
        found.delete()
        record(
            SUBJECT, "rate.deleted", actor=actor, at=now, base=found.base, quote=found.quote,
            day=found.day.isoformat(), rate=str(found.rate),
        )  # fmt: skip
