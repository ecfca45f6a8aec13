"""One fulfillment order under lock, and what all its moves share: whether it may go on, counting units, writing the state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import formats, timeline
from core.actors import Actor
from core.refusals import NotFound, Refusal, Stale
from fulfillment.models import FulfillmentLine, FulfillmentOrder
from fulfillment.states import FULFILLMENT_MACHINE, FulfillmentState
from orders.models import Hold, Order
from orders.operations import lock_order
from orders.queries import is_stopped

S = FulfillmentState

#: How a person is told that somebody else was faster.
_WHO_DID = {
    S.PICKING: gettext_lazy("{who} is picking it since {when}."),
    S.PICKED: gettext_lazy("{who} picked it, {when}."),
    S.PACKED: gettext_lazy("{who} packed it, {when}."),
    S.SHIPPED: gettext_lazy("{who} shipped it, {when}."),
    S.DELIVERED: gettext_lazy("It was delivered, {when}."),
    S.CANCELLED: gettext_lazy("{who} cancelled it, {when}. Do not ship it."),
    S.INCOMPLETE: gettext_lazy("{who} closed it as incomplete, {when}. Do not ship it."),
}
_ONWARD = (S.OPEN, S.PICKING, S.PICKED, S.PACKED, S.SHIPPED, S.DELIVERED)


@dataclass(slots=True)
class Work:
    """A locked fulfillment order with its locked order and its lines in the order's sequence."""

    order: Order
    fulfillment_order: FulfillmentOrder
    lines: list[FulfillmentLine]

    def line(self, line_id: int) -> FulfillmentLine:
        """The line of that id; NotFound when it is not one of this work order."""
        for line in self.lines:
            if line.pk == line_id:
                return line
        raise NotFound(
            "no_such_line", _("This line is not part of {number}.").format(number=self.fulfillment_order.number)
        )


def lock_work(fulfillment_order_id: int, *, order_id: int | None = None, expected_version: int | None = None) -> Work:
    """Lock order, then fulfillment order, in the caller's transaction, and read the lines.

    order_id: its order, where the caller knows it. Raises NotFound, and Stale when it is no longer at `expected_version`: the
    message says who changed it and when.
    """
    if order_id is None:
        order_id = FulfillmentOrder.objects.filter(pk=fulfillment_order_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise NotFound("no_such_fulfillment_order", _("There is no such fulfillment order."))
    order = lock_order(order_id)
    found = (
        FulfillmentOrder.objects.select_for_update(of=("self",), no_key=True)
        .select_related("location")
        .get(pk=fulfillment_order_id)
    )
    found.order = order
    if expected_version is not None and found.version != expected_version:
        raise Stale("changed_meanwhile", who_did(found), version=found.version, state=found.state)
    lines = FulfillmentLine.objects.filter(fulfillment_order=found, quantity__gt=0).select_related(
        "order_line__variant"
    )
    return Work(order, found, list(lines.order_by("order_line__position", "id")))


def check_move(work: Work, action: str) -> str:
    """The state that `action` leads to. Raises Stale (somebody did it already: who, when) or Refusal (held, not possible)."""
    found = work.fulfillment_order
    target = FULFILLMENT_MACHINE.actions[action].target
    if found.state in (S.CANCELLED, S.INCOMPLETE) or _is_past(found.state, target):
        raise Stale(f"already_{found.state}", who_did(found), state=found.state)
    refuse_held(work)
    return FULFILLMENT_MACHINE.check(found, action)


def _is_past(state: str, target: str | None) -> bool:
    return target in _ONWARD and state in _ONWARD and _ONWARD.index(S(state)) >= _ONWARD.index(S(target))


def refuse_held(work: Work) -> None:
    """Stop the hand that picks, packs or ships when the order or a line of this work is held, also when the hold came after the
    work began: then nothing of this parcel leaves."""
    if is_held(work.order, work.fulfillment_order, work.lines):
        raise Refusal("on_hold", why_held(work.order, work.lines), state=work.fulfillment_order.state)


def is_held(order: Order, fulfillment_order: FulfillmentOrder, lines: Iterable[FulfillmentLine]) -> bool:
    """True when a hold stops this work. No statement for an order without holds."""
    return fulfillment_order.state == S.ON_HOLD or is_stopped(order, (line.order_line_id for line in lines))


def why_held(order: Order, lines: Iterable[FulfillmentLine] | None = None) -> str:
    """The open holds of an order as one sentence; of those on lines only the ones that name one of these. Two statements."""
    here = None if lines is None else {line.order_line_id for line in lines}
    holds = Hold.objects.filter(order=order, released_at__isnull=True).order_by("id").prefetch_related("lines__line")
    reasons = []
    for hold in holds:
        named = [] if hold.whole else [one for one in hold.lines.all() if here is None or one.line_id in here]
        if hold.whole or named:
            words = [str(hold.get_kind_display()), *([f"({hold.reason})"] if hold.reason else [])]
            reasons.append(" ".join([*([", ".join(one.line.sku for one in named) + ":"] if named else []), *words]))
    return _("On hold: {reasons}.").format(reasons="; ".join(reasons) or _("released in a moment"))


def who_did(fulfillment_order: FulfillmentOrder) -> str:
    """Who made the last move, and when, as a sentence."""
    sentence = _WHO_DID.get(S(fulfillment_order.state), gettext_lazy("{who} changed it, {when}."))
    who = fulfillment_order.state_by_label or _("Somebody else")
    return str(sentence).format(who=who, when=formats.exact(fulfillment_order.state_at))


def write_state(work: Work, state: str, *, actor: Actor, now: datetime, **changes: Any) -> None:
    """Save the new state with its person and time; `changes` are further columns of the fulfillment order."""
    found = work.fulfillment_order
    changes |= {"state": state, "state_by": actor.ref, "state_by_label": actor.label[:120], "state_at": now}
    for name, value in changes.items():
        setattr(found, name, value)
    found.version += 1
    found.save(update_fields=[*changes, "version"])


def record(work: Work, kind: str, *, actor: Actor, now: datetime, **data: Any) -> None:
    """One line in the order's history, naming the fulfillment order."""
    found = work.fulfillment_order
    timeline.record(
        work.order.subject, kind, actor=actor, at=now, fulfillment_order=found.number, fulfillment_order_id=found.pk,
        location=found.location.name, **data,
    )  # fmt: skip


_ADD = """
    UPDATE {table} l SET picked = l.picked + d.picked, packed = l.packed + d.packed, shipped = l.shipped + d.shipped
      FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::int[]) AS d (id, picked, packed, shipped)
     WHERE l.id = d.id
"""
_ADD_TO_LINES = _ADD.format(table="fulfillment_fulfillmentline")
_ADD_TO_ORDER_LINES = _ADD.format(table="orders_orderline")
_COUNTERS = ("picked", "packed", "shipped")


def count_to(work: Work, targets: Mapping[int, Mapping[str, int]]) -> int:
    """Raise the counters of lines to the given values, here and on the order's lines; the number of counter changes.

    targets: line id → counter → value it must at least have. A later counter lifts the earlier ones: what is packed is picked.
    """
    ids, order_line_ids = [], []
    added: dict[str, list[int]] = {name: [] for name in _COUNTERS}
    for line in work.lines:
        wanted = targets.get(line.pk, {})
        floor, differences = 0, {}
        for name in reversed(_COUNTERS):
            floor = max(floor, wanted.get(name, 0), getattr(line, name))
            differences[name] = floor - getattr(line, name)
            setattr(line, name, floor)
        if any(differences.values()):
            ids.append(line.pk)
            order_line_ids.append(line.order_line_id)
            for name in _COUNTERS:
                added[name].append(differences[name])
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(_ADD_TO_LINES, [ids, *added.values()])
            cursor.execute(_ADD_TO_ORDER_LINES, [order_line_ids, *added.values()])
    return len(ids)


def count_all(work: Work, counter: str) -> int:
    """Raise one counter (and those before it) of every line to its full quantity."""
    return count_to(work, {line.pk: {counter: line.quantity} for line in work.lines})


def all_have(work: Work, counter: str) -> bool:
    """True when every line's counter has reached its quantity."""
    return all(getattr(line, counter) >= line.quantity for line in work.lines)
