"""Store credit: granted, given for money back, spent, taken back, expired. Each is a row of a ledger, and none takes more than there is.

Locks: the order first, where there is one, then the account.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from core.actors import Actor
from core.money import format_money, is_exact
from core.refusals import Invalid, NotFound, Refusal
from core.timeline import record
from customers.models import Customer
from orders.models import Order, PaymentRecord, Refund
from orders.operations import lock_order, record_payment, record_refund
from orders.queries import shop_zone
from payments.models import CreditAccount, CreditEntry, CreditGrant, CreditKind

#: What payments with store credit say of how they were paid; screens translate it.
METHOD = "Store credit"
_EXPIRER = Actor.system("store credit")

_OPEN = """
    INSERT INTO payments_creditaccount (customer_id, currency, balance, changed_at) VALUES (%s, %s, 0, %s)
        ON CONFLICT (customer_id, currency) DO NOTHING
"""


def grant_credit(
    *,
    customer_id: int,
    currency: str,
    amount: Decimal,
    reason: str,
    expires_on: date | None = None,
    key: str,
    actor: Actor,
    now: datetime,
) -> CreditEntry:
    """Give a customer credit. expires_on: the last day on which it can be spent. The same key again answers the first entry.

    Raises Invalid naming the field, NotFound for a customer who does not exist.
    """
    _check_currency(currency)
    _check_amount(amount, currency)
    with transaction.atomic():
        if not Customer.objects.filter(pk=customer_id).exists():
            raise NotFound("no_such_customer", _("There is no such customer."))
        account = _lock(customer_id, currency, now=now)
        return _add(
            account, CreditKind.GRANT, amount, reason=reason, expires_on=expires_on, key=key, actor=actor, now=now
        )


def withdraw_credit(
    *, account_id: int, amount: Decimal, reason: str, key: str, actor: Actor, now: datetime
) -> CreditEntry:
    """Take credit back by hand. The same key again answers the first entry. Raises Refusal `not_enough_credit`."""
    with transaction.atomic():
        account = _lock_account(account_id)
        _check_amount(amount, account.currency)
        return _take(account, CreditKind.WITHDRAW, amount, reason=reason, key=key, actor=actor, now=now)


def spend_credit(*, order_id: int, amount: Decimal, key: str, actor: Actor, now: datetime) -> PaymentRecord:
    """Pay (a part of) an order with its customer's credit: the payment and the ledger in one transaction.

    The same key again answers the first payment. Raises Refusal `no_customer`, `not_enough_credit`, or `over_capture` above what is
    owed.
    """
    with transaction.atomic():
        order = lock_order(order_id)
        known = order.payments.filter(key=f"credit:{key}").first()
        if known is not None:
            return known
        account = _account_of(order, now=now)
        _check_amount(amount, order.currency)
        payment = record_payment(
            order_id=order_id, amount=amount, method=METHOD, key=f"credit:{key}", actor=actor, now=now
        )
        _take(
            account,
            CreditKind.SPEND,
            amount,
            order=order,
            reason=order.number,
            key=f"spend:{order_id}:{key}",
            actor=actor,
            now=now,
        )
        return payment


def refund_to_credit(
    *,
    order_id: int,
    amount: Decimal,
    reason: str,
    cause: str = "",
    key: str,
    lines: Mapping[int, int] | None = None,
    expires_on: date | None = None,
    actor: Actor,
    now: datetime,
) -> Refund:
    """Give money of an order back as its customer's credit: the refund and the ledger in one transaction.

    Arguments and refusals are those of record_refund, and Refusal `no_customer`. The same key again answers the first refund.
    """
    with transaction.atomic():
        order = lock_order(order_id)
        known = order.refunds.filter(key=key).first()
        if known is not None:
            return known
        account = _account_of(order, now=now)
        refund = record_refund(
            order_id=order_id, amount=amount, reason=reason, cause=cause, key=key, lines=lines, actor=actor, now=now
        )
        _add(
            account, CreditKind.REFUND, amount, order=order, reason=reason, expires_on=expires_on, key=f"refund:{refund.pk}",
            actor=actor, now=now,
        )  # fmt: skip
        return refund


def expire_credit(*, now: datetime) -> int:
    """Take away what could be spent up to yesterday (days of the shop's zone); the number of grants that ended. One account at a time."""
    today = now.astimezone(shop_zone()).date()
    due = CreditGrant.objects.filter(left__gt=0, expires_on__isnull=False, expires_on__lt=today)
    ended = 0
    for account_id in sorted(set(due.values_list("account_id", flat=True))):
        with transaction.atomic():
            account = _lock_account(account_id)
            for grant in due.filter(account=account).order_by("pk"):
                left, grant.left = grant.left, Decimal(0)
                grant.save(update_fields=["left"])
                _write(account, CreditKind.EXPIRE, -left, reason="", key=f"expire:{grant.pk}", actor=_EXPIRER, now=now)
                ended += 1
    return ended


def _account_of(order: Order, *, now: datetime) -> CreditAccount:
    if order.customer_id is None:
        raise Refusal(
            "no_customer", _("Order {number} has no customer to whom credit could belong.").format(number=order.number)
        )
    return _lock(order.customer_id, order.currency, now=now)


def _lock(customer_id: int, currency: str, *, now: datetime) -> CreditAccount:
    """The customer's account in a currency, locked; made where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [customer_id, currency, now])
    return CreditAccount.objects.select_for_update(no_key=True).get(customer_id=customer_id, currency=currency)


def _lock_account(account_id: int) -> CreditAccount:
    account = CreditAccount.objects.select_for_update(no_key=True).filter(pk=account_id).first()
    if account is None:
        raise NotFound("no_such_account", _("There is no such account."))
    return account


def _add(
    account: CreditAccount,
    kind: CreditKind,
    amount: Decimal,
    *,
    order: Order | None = None,
    reason: str,
    expires_on: date | None,
    key: str,
    actor: Actor,
    now: datetime,
) -> CreditEntry:
    known = account.entries.filter(key=key).first()
    if known is not None:
        return known
    if expires_on is not None and expires_on < now.astimezone(shop_zone()).date():
        raise Invalid("bad_day", _("Give a day that is not over."), field="expires_on")
    entry = _write(account, kind, amount, order=order, reason=reason, key=key, actor=actor, now=now)
    CreditGrant.objects.create(entry=entry, account=account, granted=amount, left=amount, expires_on=expires_on)
    return entry


def _take(
    account: CreditAccount,
    kind: CreditKind,
    amount: Decimal,
    *,
    order: Order | None = None,
    reason: str,
    key: str,
    actor: Actor,
    now: datetime,
) -> CreditEntry:
    """Take from what expires first. Credit whose last day is over counts no more, also before it was taken away."""
    known = account.entries.filter(key=key).first()
    if known is not None:
        return known
    today = now.astimezone(shop_zone()).date()
    grants = [
        grant
        for grant in account.grants.filter(left__gt=0).order_by(F("expires_on").asc(nulls_last=True), "pk")
        if grant.expires_on is None or grant.expires_on >= today
    ]
    usable = sum((grant.left for grant in grants), Decimal(0))
    if amount > usable:
        message = _("Only {amount} of store credit is left.").format(amount=format_money(usable, account.currency))
        raise Refusal("not_enough_credit", message, field="amount")
    wanted = amount
    for grant in grants:
        part = min(wanted, grant.left)
        if part:
            grant.left -= part
            grant.save(update_fields=["left"])
            wanted -= part
    return _write(account, kind, -amount, order=order, reason=reason, key=key, actor=actor, now=now)


def _write(
    account: CreditAccount,
    kind: CreditKind,
    amount: Decimal,
    *,
    order: Order | None = None,
    reason: str,
    key: str,
    actor: Actor,
    now: datetime,
) -> CreditEntry:
    """The ledger's row and the balance, and a line in the customer's history."""
    entry = CreditEntry.objects.create(
        account=account, kind=kind, amount=amount, order=order, reason=reason[:200], key=key, actor=actor.ref,
        actor_label=actor.label[:120], at=now,
    )  # fmt: skip
    account.balance += amount
    account.changed_at = now
    account.save(update_fields=["balance", "changed_at"])
    record(
        f"customer:{account.customer_id}", f"credit.{kind.value}", actor=actor, at=now, amount=abs(amount), currency=account.currency,
        reason=reason, number=order.number if order else "",
    )  # fmt: skip
    return entry


def _check_currency(currency: str) -> None:
    if len(currency) != 3 or not (currency.isascii() and currency.isalpha() and currency.isupper()):
        raise Invalid("bad_currency", _("A currency is three capital letters."), field="currency")


def _check_amount(amount: Decimal, currency: str) -> None:
    if not amount.is_finite() or amount <= 0 or amount >= Decimal(10) ** 11:
        raise Invalid("bad_amount", _("Give an amount above zero."), field="amount")
    if not is_exact(amount, currency):
        message = _("{currency} has fewer decimals than that.").format(currency=currency)
        raise Invalid("bad_amount", message, field="amount")
