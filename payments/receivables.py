"""Who owes what, since when. Worked out from the orders alone; partial indexes (order_owing, order_overpaid) hold the few that matter.

An amount is due on the day its order says, else on the day it was placed (days of the shop's zone). Its age is counted from the day
after. In the shop's currency an amount counts at the rate fixed for its order, rounded half up order by order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import Case, DateField, DecimalField, ExpressionWrapper, F, Q, QuerySet, Value, When
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce, Round, TruncDate
from django.utils.translation import gettext_lazy as _

from core.money import exponent
from orders.models import OVERPAID, OWING, Order
from orders.queries import shop_zone

MONEY = DecimalField(max_digits=20, decimal_places=4)
OWED = F("total") - F("cancelled_total") - F("captured_total") + F("overpayment_refunded")
OVER = F("captured_total") - F("refunded_total") - F("total") + F("cancelled_total")


@dataclass(frozen=True, slots=True)
class Bucket:
    """An age: days since the amount was due, both ends among them; None is open."""

    name: str
    label: object
    first: int | None
    last: int | None

    def condition(self, today: date) -> Q:
        """Orders of this age, among those that `receivables` annotates."""
        found = Q()
        if self.first is not None:
            found &= Q(due__lte=today - timedelta(days=self.first))
        if self.last is not None:
            found &= Q(due__gte=today - timedelta(days=self.last))
        return found


BUCKETS = (
    Bucket("current", _("Not due yet"), None, 0),
    Bucket("days-30", _("1–30 days"), 1, 30),
    Bucket("days-60", _("31–60 days"), 31, 60),
    Bucket("days-90", _("61–90 days"), 61, 90),
    Bucket("older", _("Over 90 days"), 91, None),
)


def bucket_of(due: date, today: date) -> Bucket:
    """The age of an amount that is due on a day."""
    days = (today - due).days
    return next(one for one in BUCKETS if one.last is None or days <= one.last)


def receivables(own: str) -> QuerySet[Order]:
    """Orders whose customers owe: with `owed`, `due` (day) and `owed_own` (in the shop's currency; None without a rate)."""
    return _annotated(Order.objects.filter(OWING).exclude(lifecycle="draft"), OWED, own)


def overpayments(own: str) -> QuerySet[Order]:
    """Orders that were paid beyond what they cost: `owed` is what customers are to get back."""
    return _annotated(Order.objects.filter(OVERPAID), OVER, own)


def _annotated(orders: QuerySet[Order], amount: CombinedExpression, own: str) -> QuerySet[Order]:
    placed = TruncDate("placed_at", tzinfo=shop_zone())
    return orders.annotate(
        owed=_as_money(amount),
        due=Coalesce("payment_due_on", placed, output_field=DateField()),
        owed_own=Case(
            When(currency=own, then=_as_money(amount)),
            When(rate__currency=own, then=Round(_as_money(amount) * F("rate__rate"), precision=exponent(own), output_field=MONEY)),
            default=None,
            output_field=MONEY,
        ),
        own_currency=Value(own),
    )  # fmt: skip


def _as_money(amount: CombinedExpression) -> ExpressionWrapper:
    return ExpressionWrapper(amount, output_field=MONEY)


@dataclass(slots=True)
class Aged:
    """Amounts by age, in the order of BUCKETS, of one currency or one customer. unrated: orders that have no rate."""

    currency: str
    amounts: list[Decimal] = field(default_factory=lambda: [Decimal(0)] * len(BUCKETS))
    orders: int = 0
    unrated: int = 0

    @property
    def total(self) -> Decimal:
        return sum(self.amounts, Decimal(0))


@dataclass(frozen=True, slots=True)
class Ageing:
    """What is owed by age: in each currency, and all of it in the shop's."""

    by_currency: list[Aged]
    total: Aged


@dataclass(frozen=True, slots=True)
class Debtor:
    """A customer who owes: in the shop's currency by age, and since when."""

    customer_id: int | None
    name: str
    email: str
    aged: Aged
    oldest: date
    by_currency: dict[str, Decimal]


# The condition is that of the partial index order_owing, word for word.
_OWING = """
    WITH owing AS (
        SELECT o.currency, o.customer_id, coalesce(o.payment_due_on, (o.placed_at AT TIME ZONE %(zone)s)::date) AS due,
               o.total - o.cancelled_total - o.captured_total + o.overpayment_refunded AS owed,
               CASE WHEN o.currency = %(own)s THEN 1 ELSE r.rate END AS rate
          FROM orders_order o
          LEFT JOIN orders_orderrate r ON r.order_id = o.id AND r.currency = %(own)s AND o.currency <> %(own)s
         WHERE o.total > ((o.cancelled_total + o.captured_total) - o.overpayment_refunded) AND o.lifecycle <> 'draft'
    )
"""
_BY_AGE = """
    SELECT currency, least(greatest((%(today)s - due + 29) / 30, 0), 4) AS bucket, sum(owed), sum(round(owed * rate, %(decimals)s)),
           count(*), count(*) FILTER (WHERE rate IS NULL)
      FROM owing
     GROUP BY 1, 2
"""
_BY_CUSTOMER = """
    , ranked AS (
        SELECT customer_id, min(due) AS oldest, coalesce(sum(round(owed * rate, %(decimals)s)), 0) AS own
          FROM owing GROUP BY customer_id ORDER BY 3 DESC, 1 LIMIT %(most)s
    )
    SELECT w.customer_id, coalesce(nullif(c.name, ''), c.email, ''), coalesce(c.email, ''), k.oldest, w.currency,
           least(greatest((%(today)s - w.due + 29) / 30, 0), 4) AS bucket, sum(w.owed), sum(round(w.owed * w.rate, %(decimals)s)),
           count(*), count(*) FILTER (WHERE w.rate IS NULL)
      FROM owing w JOIN ranked k ON k.customer_id IS NOT DISTINCT FROM w.customer_id
      LEFT JOIN customers_customer c ON c.id = w.customer_id
     GROUP BY 1, 2, 3, 4, 5, 6, k.own ORDER BY k.own DESC, 1
"""
_AGES, _DEBTORS = f"{_OWING}{_BY_AGE}", f"{_OWING}{_BY_CUSTOMER}"
#: So many customers are shown at most, those who owe most first.
MOST_DEBTORS = 200


def ageing(*, own: str, today: date) -> Ageing:
    """All that is owed, by age. One statement over the orders that owe."""
    found: dict[str, Aged] = {}
    total = Aged(own)
    for currency, bucket, owed, in_own, orders, unrated in _rows(_AGES, own=own, today=today):
        _count(found.setdefault(currency, Aged(currency)), bucket, owed, orders, unrated)
        _count(total, bucket, in_own or Decimal(0), orders, unrated)
    return Ageing(sorted(found.values(), key=lambda one: (one.currency != own, one.currency)), total)


def debtors(*, own: str, today: date) -> list[Debtor]:
    """Customers who owe, the largest sum in the shop's currency first; orders without a customer are one row. One statement."""
    found: dict[int | None, Debtor] = {}
    for customer_id, name, email, oldest, currency, bucket, owed, in_own, orders, unrated in _rows(
        _DEBTORS, own=own, today=today
    ):
        one = found.setdefault(customer_id, Debtor(customer_id, name, email, Aged(own), oldest, {}))
        _count(one.aged, bucket, in_own or Decimal(0), orders, unrated)
        one.by_currency[currency] = one.by_currency.get(currency, Decimal(0)) + owed
    return list(found.values())


def _rows(statement: str, *, own: str, today: date) -> Iterable[tuple]:
    values = {"own": own, "today": today, "zone": shop_zone().key, "decimals": exponent(own), "most": MOST_DEBTORS}
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def _count(aged: Aged, bucket: int, amount: Decimal, orders: int, unrated: int) -> None:
    aged.amounts[bucket] += amount
    aged.orders += orders
    aged.unrated += unrated
