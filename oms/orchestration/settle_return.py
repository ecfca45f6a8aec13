"""A return is settled and its money goes back the way it came: the gateway first, then the return is closed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from core.actors import Actor
from core.refusals import Refusal
from payments.operations.paying_back import AUTO, CREDIT, pay_back, payments_to_refund
from returns.operations import prepare_resolving, resolve_return


def settle_return(
    *,
    return_id: int,
    amount: Decimal,
    units: Mapping[int, int] | None = None,
    reason: str = "",
    to_credit: bool = False,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> bool:
    """Pay `amount` back and close the return; as `returns.operations.resolve_return`, whose refusals it raises. Not inside a
    transaction. to_credit: the customer gets store credit instead. False when a gateway was asked and its answer is not known: the return closes once it is (`close_refunded`).

    Raises Refusal `gateway_refused`, and the return stays as it was.
    """
    prepared = prepare_resolving(return_id=return_id, units=units, version=version)
    if prepared is not None and amount > 0:
        request, lines = prepared
        if not to_credit and not payments_to_refund(request.order):
            resolve_return(return_id=return_id, amount=amount, units=units, reason=reason, actor=actor, now=now)
            return True
        paid = pay_back(
            order_id=request.order_id, amount=amount, reason=reason or request.number, cause=request.subject,
            key=request.subject, lines=lines, via=CREDIT if to_credit else AUTO, actor=actor, now=now,
        )  # fmt: skip
        if paid.waiting:
            return False
        if paid.refused and not paid.done:
            raise Refusal("gateway_refused", paid.refused[0].answer)
        amount = paid.done  # a part that was refused stays owed, and is seen on the order
    resolve_return(return_id=return_id, amount=amount, units=units, reason=reason, actor=actor, now=now)
    return True


def close_refunded(*, return_id: int, amount: Decimal, actor: Actor, now: datetime) -> None:
    """Close a return whose refund became known after all; one that is settled already stays as it is."""
    if prepare_resolving(return_id=return_id) is not None:
        resolve_return(return_id=return_id, amount=amount, actor=actor, now=now)
