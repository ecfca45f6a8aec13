"""What a bank or a carrier says came in: kept once, matched with orders as suggestions, recorded when a person says so."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.models import Shop
from core.refusals import NotFound, Refusal
from core.text import fold
from orders.models import OWING, Order
from orders.operations import lock_order, record_payment
from payments.models import Certainty, StatementLine, StatementState

_WORD = re.compile(r"#?[\w][\w.\-/]*", re.UNICODE)
#: Words of a text that are looked at; a novel is not searched for numbers.
_MOST_WORDS = 40


@dataclass(frozen=True, slots=True)
class Incoming:
    """A line of a statement. amount is above zero: what went out is nobody's payment."""

    booked_on: date
    amount: Decimal
    currency: str
    payer: str
    text: str


@dataclass(frozen=True, slots=True)
class Taken:
    """How many lines were new, and how many were known from a file before."""

    new: int
    known: int


def take_statement(lines: Sequence[Incoming], *, file_name: str, now: datetime) -> Taken:
    """Keep the lines that are not known yet, each with the order it seems to be for. A file taken twice changes nothing."""
    suggestions = _match(lines)
    seen: Counter[Incoming] = Counter()
    rows = []
    for line, (order_id, certainty) in zip(lines, suggestions, strict=True):
        seen[line] += 1
        rows.append(
            StatementLine(
                fingerprint=_fingerprint(line, seen[line]), file_name=file_name[:120], booked_on=line.booked_on, amount=line.amount,
                currency=line.currency, payer=line.payer[:200], text=line.text[:500], order_id=order_id, certainty=certainty,
                imported_at=now,
            )
        )  # fmt: skip
    with transaction.atomic():
        known = StatementLine.objects.filter(fingerprint__in=[row.fingerprint for row in rows]).count()
        StatementLine.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
    return Taken(len(rows) - known, known)


def record_line(*, line_id: int, order_id: int, method: str, actor: Actor, now: datetime) -> StatementLine:
    """Record the line as a payment of an order, once. More than is owed is recorded too: it came in, and the rest is the customer's.

    Raises NotFound, Refusal `decided_already`, `other_currency`, or what record_payment refuses.
    """
    with transaction.atomic():
        order = lock_order(order_id)
        line = _lock(line_id)
        if line.currency != order.currency:
            raise Refusal(
                "other_currency",
                _("Order {number} is in {currency}.").format(number=order.number, currency=order.currency),
                field="number",
            )
        line.payment = record_payment(
            order_id=order_id, amount=line.amount, method=method, reference=line.text[:120], key=f"statement:{line.pk}", settled=True,
            actor=actor, now=now,
        )  # fmt: skip
        line.order = order
        _decide(line, StatementState.RECORDED, actor=actor, now=now)
        return line


def ignore_line(*, line_id: int, actor: Actor, now: datetime) -> StatementLine:
    """Leave a line aside: it is no payment of an order. Raises NotFound, Refusal `decided_already`."""
    with transaction.atomic():
        line = _lock(line_id)
        _decide(line, StatementState.IGNORED, actor=actor, now=now)
        return line


def _lock(line_id: int) -> StatementLine:
    line = StatementLine.objects.select_for_update(of=("self",)).filter(pk=line_id).first()
    if line is None:
        raise NotFound("no_such_line", _("There is no such line."))
    if line.state != StatementState.OPEN:
        raise Refusal("decided_already", _("{who} decided on this line already.").format(who=line.decided_by))
    return line


def _decide(line: StatementLine, state: StatementState, *, actor: Actor, now: datetime) -> None:
    line.state, line.decided_by, line.decided_at = state, actor.label[:120], now
    line.save(update_fields=["state", "decided_by", "decided_at", "payment", "order"])


def _fingerprint(line: Incoming, nth: int) -> str:
    parts = (line.booked_on.isoformat(), f"{line.amount:.4f}", line.currency, line.payer, line.text, str(nth))
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def _match(lines: Sequence[Incoming]) -> list[tuple[int | None, Certainty]]:
    """For each line the order it seems to be for, among those that owe. Three statements, however many lines there are."""
    prefix = Shop.objects.values_list("order_prefix", flat=True).first() or ""
    words = [_numbers(line.text, prefix) for line in lines]
    by_number: dict[str, list[Order]] = defaultdict(list)
    for order in _owing().filter(number__in=sorted({word for found in words for word in found})):
        by_number[order.number].append(order)
    by_amount: dict[tuple[str, Decimal], list[Order]] = defaultdict(list)
    wanted = {
        (line.currency, line.amount) for line, found in zip(lines, words, strict=True) if not found & by_number.keys()
    }
    if wanted:
        for order in _owing().filter(currency__in={currency for currency, _amount in wanted}).iterator():
            if (key := (order.currency, order.owed_by_customer)) in wanted:
                by_amount[key].append(order)
    return [_suggest(line, found, by_number, by_amount) for line, found in zip(lines, words, strict=True)]


def _owing() -> Iterable[Order]:
    return Order.objects.filter(OWING).only(
        "number", "currency", "customer_name", "total", "cancelled_total", "captured_total", "overpayment_refunded"
    )


def _suggest(
    line: Incoming,
    words: set[str],
    by_number: dict[str, list[Order]],
    by_amount: dict[tuple[str, Decimal], list[Order]],
) -> tuple[int | None, Certainty]:
    named = [
        order
        for word in sorted(words & by_number.keys())
        for order in by_number[word]
        if order.currency == line.currency
    ]
    exact = [order for order in named if order.owed_by_customer == line.amount]
    if len(exact) == 1:
        return exact[0].pk, Certainty.EXACT
    if len(named) == 1:
        return named[0].pk, Certainty.NUMBER
    payer = set(fold(line.payer).split())
    alike = [
        order
        for order in by_amount.get((line.currency, line.amount), ())
        if payer and payer & {word for word in fold(order.customer_name).split() if len(word) > 2}
    ]
    return (alike[0].pk, Certainty.AMOUNT) if len(alike) == 1 and not named else (None, Certainty.NONE)


def _numbers(text: str, prefix: str) -> set[str]:
    """What may be numbers of orders in a text: its words with a digit, as they are written and as our own series writes them."""
    found = set()
    for written in _WORD.findall(text)[:_MOST_WORDS]:
        word = written.rstrip(".-/")
        if len(word) <= 60 and any(char.isdigit() for char in word):
            found |= {word, word.upper(), f"#{word}", word.lstrip("#")}
            if prefix and word.isdigit():
                found.add(f"{prefix}{word}")
    return found
