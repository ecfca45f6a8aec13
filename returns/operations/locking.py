"""One return under lock, and what all its moves share: finding its lines, writing it, bringing its order up to date."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _

from core import timeline
from core.actors import Actor
from core.refusals import NotFound, Stale
from orders.models import Order, OrderLine
from orders.operations import lock_order, refresh_order
from returns.models import Return, ReturnLine
from returns.states import IN_PROGRESS_STATES, RETURN_MACHINE


@dataclass(slots=True)
class Locked:
    """A locked return with its locked order and its lines in the order's sequence."""

    order: Order
    request: Return
    lines: list[ReturnLine]

    def line(self, line_id: int, *, field: str) -> ReturnLine:
        """The line of that id; NotFound when it is not one of this return."""
        for line in self.lines:
            if line.pk == line_id:
                return line
        raise NotFound(
            "no_such_line", _("This line is not part of {number}.").format(number=self.request.number), field=field
        )


def lock_return(return_id: int, *, version: int | None = None) -> Locked:
    """Lock the order, then the return, in the caller's transaction, and read the lines.

    Raises NotFound, or Stale when `version` is given and somebody changed the return since.
    """
    order_id = Return.objects.filter(pk=return_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise NotFound("no_such_return", _("There is no such return."))
    order = lock_order(order_id)
    request = Return.objects.select_for_update(of=("self",), no_key=True).get(pk=return_id)
    request.order = order
    check_version(request, version)
    lines = list(request.lines.select_related("order_line__variant").order_by("order_line__position"))
    for line in lines:
        line.return_request = request
    return Locked(order, request, lines)


def check_version(request: Return, version: int | None) -> None:
    """Raise Stale when `version` is given and somebody changed the return since."""
    if version is not None and request.version != version:
        sentence = _("{number} was changed by somebody else since you opened it. Look again.")
        raise Stale("return_changed", sentence.format(number=request.number))


def check_move(locked: Locked, action: str) -> str:
    """The state that `action` leads to; raises Refusal when it is not possible now."""
    return RETURN_MACHINE.check(locked.request, action)


def write_return(locked: Locked, **changes: Any) -> None:
    """Save changed columns of the return."""
    request = locked.request
    for name, value in changes.items():
        setattr(request, name, value)
    request.version += 1
    request.save(update_fields=[*changes, "version"])


def add_to_order_lines(counts: Iterable[tuple[int, dict[str, int]]]) -> None:
    """Add signed numbers of units to the counters of order lines whose order is locked."""
    for line_id, changes in sorted(counts):
        OrderLine.objects.filter(pk=line_id).update(**{name: F(name) + units for name, units in changes.items()})


def refresh_returning(order: Order, *, now: datetime) -> None:
    """Count the order's returns in progress and bring its statuses in line."""
    order.returns_in_progress = Return.objects.filter(order=order, state__in=IN_PROGRESS_STATES).count()
    refresh_order(order, now=now)


def record(locked: Locked, kind: str, *, actor: Actor, now: datetime, **data: Any) -> None:
    """One line in the history of the return and in that of its order."""
    request = locked.request
    about = {"return_number": request.number, "return_id": request.pk, **data}
    rows = [(request.subject, kind, about), (locked.order.subject, kind, about)]
    timeline.record_many(rows, actor=actor, at=now)
