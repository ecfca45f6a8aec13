"""A return is settled: money back, or closed without."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.outbox import publish
from core.refusals import Invalid
from orders.operations import record_refund
from returns.events import ReturnResolved
from returns.models import Return
from returns.operations.locking import (
    Locked,
    check_move,
    check_version,
    lock_return,
    record,
    refresh_returning,
    write_return,
)
from returns.states import Resolution, ReturnState


def resolve_return(
    *,
    return_id: int,
    amount: Decimal,
    units: Mapping[int, int] | None = None,
    reason: str = "",
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> Return:
    """Give `amount` back for the accepted units (return line id → units; all inspected ones when left out) and close the return.

    An amount of zero closes it without a refund. A return that is settled already is answered as it is: money goes back once.
    Raises Invalid (amount, units), Refusal `over_refund` above what was captured and not yet given back, `wrong_state`.
    """
    with transaction.atomic():
        locked = lock_return(return_id)
        if locked.request.state == ReturnState.RESOLVED:
            return locked.request
        check_version(locked.request, version)
        state = check_move(locked, "resolve")
        if amount < 0:
            raise Invalid("bad_amount", _("An amount cannot be below zero."), field="amount")
        refund = None
        if amount:
            paid_before = locked.order.refunds.filter(key=locked.request.subject).exists()  # and its units counted then
            refund = record_refund(
                order_id=locked.order.pk,
                amount=amount,
                reason=reason or locked.request.number,
                cause=locked.request.subject,
                key=locked.request.subject,
                lines=None if paid_before else _accepted(locked, units),
                actor=actor,
                now=now,
            )
            locked.order.refresh_from_db()
        resolution = Resolution.REFUND if refund else Resolution.REJECT
        write_return(locked, state=state, resolution=resolution, refund=refund, resolved_at=now)
        refresh_returning(locked.order, now=now)
        record(
            locked, "return.resolved", actor=actor, now=now, resolution=resolution, amount=amount, currency=locked.order.currency
        )  # fmt: skip
        publish(ReturnResolved(locked.request.pk), actor=actor)
        return locked.request


def prepare_resolving(
    *, return_id: int, units: Mapping[int, int] | None = None, version: int | None = None
) -> tuple[Return, dict[int, int]] | None:
    """Check everything `resolve_return` checks but the amount, and change nothing: the return, and order line id → units that the
    refund is for. None for a return that is settled already. For whoever pays the money back before the return is closed."""
    with transaction.atomic():
        locked = lock_return(return_id)
        if locked.request.state == ReturnState.RESOLVED:
            return None
        check_version(locked.request, version)
        check_move(locked, "resolve")
        return locked.request, _accepted(locked, units)


def _accepted(locked: Locked, units: Mapping[int, int] | None) -> dict[int, int]:
    """Order line id → units that the refund is for."""
    accepted = {}
    for line in locked.lines:
        most = min(line.inspected, line.order_line.ordered - line.order_line.refunded)
        wanted = most if units is None else units.get(line.pk, 0)
        if not 0 <= wanted <= most:
            raise Invalid(
                "bad_units", _("At most {most} can be refunded.").format(most=most), field=f"units-{line.pk}", most=most
            )
        if wanted:
            accepted[line.order_line_id] = wanted
    return accepted
