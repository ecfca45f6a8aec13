"""Exchange rates, receivables and store credit over the API: reading."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from api.reading import amount_text
from api.schemas import Problem
from core.listing.keyset import Keyset
from core.permissions import require_permission
from core.refusals import Invalid
from core.shop import shop
from currencies.models import ExchangeRate
from currencies.queries import rate_text
from orders.queries import shop_zone
from payments.credit import usable_by_account
from payments.models import CreditAccount
from payments.receivables import BUCKETS, ageing, bucket_of, receivables

router = Router(tags=["Money"])
NEWEST_RATES = Keyset(("day", "id"), desc=True)
LATEST = Keyset(("id",), desc=True)
_CODE = Query("", max_length=3, description="three capital letters")


class RateOut(Schema):
    base: str
    quote: str
    day: date
    rate: str = Field(description="units of `quote` for one `base`")
    source: str = Field(description="“ecb” or “manual”")


class RateList(Schema):
    items: list[RateOut]
    next: str | None


class ReceivableOut(Schema):
    order_id: int
    number: str
    customer_id: int | None
    customer_name: str
    email: str
    currency: str
    owed: str
    owed_in_shop_currency: str | None = Field(description="at the rate fixed for the order; null where it has none")
    due_on: date
    age: str = Field(description="one of " + ", ".join(bucket.name for bucket in BUCKETS))
    placed_at: datetime


class ReceivableList(Schema):
    shop_currency: str
    items: list[ReceivableOut]
    next: str | None


class AgedOut(Schema):
    currency: str
    ages: dict[str, str]
    total: str
    orders: int
    without_rate: int


class AgeingOut(Schema):
    day: date
    by_currency: list[AgedOut]
    total: AgedOut = Field(description="all of it in the shop's currency, without orders that have no rate")


class CreditOut(Schema):
    customer_id: int
    email: str | None
    currency: str
    balance: str
    usable: str = Field(description="the balance without what has expired")


class CreditList(Schema):
    items: list[CreditOut]
    next: str | None


@router.get("/exchange-rates", response={200: RateList, 422: Problem}, summary="Exchange rates, newest first")
def list_rates(
    request: HttpRequest,
    currency: str = _CODE,
    day: date | None = None,
    limit: int = Query(100, ge=1, le=1000),
    cursor: str = Query("", max_length=1000),
) -> dict[str, Any]:
    require_permission(request.api_token, "payments.view")  # type: ignore[attr-defined]
    found = ExchangeRate.objects.all()
    if currency:
        found = found.filter(quote=currency) | found.filter(base=currency)
    if day:
        found = found.filter(day=day)
    page = NEWEST_RATES.page(found, size=limit, after=cursor or None)
    rows = [
        {"base": row.base, "quote": row.quote, "day": row.day, "rate": rate_text(row.rate), "source": row.source}
        for row in page.rows
    ]
    return {"items": rows, "next": page.next}


@router.get("/receivables", response={200: ReceivableList, 422: Problem}, summary="Orders whose customers owe")
def list_receivables(
    request: HttpRequest,
    currency: str = _CODE,
    age: str = Query("", max_length=20, description="one of " + ", ".join(bucket.name for bucket in BUCKETS)),
    limit: int = Query(100, ge=1, le=1000),
    cursor: str = Query("", max_length=1000),
) -> dict[str, Any]:
    require_permission(request.api_token, "payments.view")  # type: ignore[attr-defined]
    own, today = shop().currency, _today()
    found = receivables(own)
    if currency:
        found = found.filter(currency=currency)
    if age:
        bucket = next((one for one in BUCKETS if one.name == age), None)
        if bucket is None:
            raise Invalid("bad_choice", f"There is no age “{age}”.", field="age")
        found = found.filter(bucket.condition(today))
    page = LATEST.page(found, size=limit, after=cursor or None)
    rows = [
        {
            "order_id": order.pk, "number": order.number, "customer_id": order.customer_id, "customer_name": order.customer_name,
            "email": order.email, "currency": order.currency, "owed": amount_text(order.owed, order.currency),
            "owed_in_shop_currency": None if order.owed_own is None else amount_text(order.owed_own, own), "due_on": order.due,
            "age": bucket_of(order.due, today).name, "placed_at": order.placed_at,
        }
        for order in page.rows
    ]  # fmt: skip
    return {"shop_currency": own, "items": rows, "next": page.next}


@router.get("/receivables/ageing", response=AgeingOut, summary="What is owed, by age and currency")
def get_ageing(request: HttpRequest) -> dict[str, Any]:
    require_permission(request.api_token, "payments.view")  # type: ignore[attr-defined]
    today = _today()
    found = ageing(own=shop().currency, today=today)

    def told(aged: Any) -> dict[str, Any]:
        ages = {
            bucket.name: amount_text(amount, aged.currency)
            for bucket, amount in zip(BUCKETS, aged.amounts, strict=True)
        }
        total = amount_text(aged.total, aged.currency)
        return {
            "currency": aged.currency,
            "ages": ages,
            "total": total,
            "orders": aged.orders,
            "without_rate": aged.unrated,
        }

    return {"day": today, "by_currency": [told(one) for one in found.by_currency], "total": told(found.total)}


@router.get("/store-credit", response={200: CreditList, 422: Problem}, summary="Customers' store credit")
def list_credit(
    request: HttpRequest,
    email: str = Query("", max_length=254),
    limit: int = Query(100, ge=1, le=1000),
    cursor: str = Query("", max_length=1000),
) -> dict[str, Any]:
    require_permission(request.api_token, "payments.view")  # type: ignore[attr-defined]
    found = CreditAccount.objects.select_related("customer")
    if email:
        found = found.filter(customer__email=email.strip().lower())
    page = LATEST.page(found, size=limit, after=cursor or None)
    usable = usable_by_account([account.pk for account in page.rows], today=_today())
    rows = [
        {
            "customer_id": account.customer_id, "email": account.customer.email, "currency": account.currency,
            "balance": amount_text(account.balance, account.currency), "usable": amount_text(usable[account.pk], account.currency),
        }
        for account in page.rows
    ]  # fmt: skip
    return {"items": rows, "next": page.next}


def _today() -> date:
    return timezone.now().astimezone(shop_zone()).date()
