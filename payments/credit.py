"""What a customer can spend now."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from decimal import Decimal

from django.db.models import Q, Sum

from payments.models import CreditGrant


def usable_credit(customer_id: int | None, currency: str, *, today: date) -> Decimal:
    """What a customer can spend in a currency on a day; what has expired is not in it, though the ledger may say so a little later."""
    if customer_id is None:
        return Decimal(0)
    grants = CreditGrant.objects.filter(account__customer=customer_id, account__currency=currency, left__gt=0)
    left = grants.filter(Q(expires_on__isnull=True) | Q(expires_on__gte=today)).aggregate(left=Sum("left"))["left"]
    return left or Decimal(0)


def usable_by_account(account_ids: Collection[int], *, today: date) -> dict[int, Decimal]:
    """The same for many accounts, by their ids. One statement."""
    grants = CreditGrant.objects.filter(account__in=list(account_ids), left__gt=0).order_by()
    usable = grants.filter(Q(expires_on__isnull=True) | Q(expires_on__gte=today))
    sums = dict(usable.values_list("account").annotate(left_over=Sum("left")))
    return {account_id: sums.get(account_id, Decimal(0)) for account_id in account_ids}
