"""The work orders of one parcel, locked together: one alone, or those of several orders that travel as one.

A shared parcel is the one place where a transaction changes several orders. It locks their rows at once, in the order of their
ids, before anything else; who belongs to a parcel changes only under the locks of all its orders. So whoever holds them knows all
members, and whoever holds one order alone can make its work order drop out by cancelling or holding it, but nothing join.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import NotFound, Refusal, Stale
from fulfillment.members import GONE, UNCLOSED, Member, ShipToKey, members_of
from fulfillment.models import Consolidation, FulfillmentLine, FulfillmentOrder
from fulfillment.operations.units import forget_packed
from fulfillment.operations.work import Work, is_held, lock_work, record, who_did, why_held
from orders.models import Order
from orders.operations import refresh_order

TRIES = 3


@dataclass(slots=True)
class Group:
    """Locked work that leaves as one parcel, in the order of the orders' ids. asked: the work order that was named."""

    works: list[Work]
    asked: Work
    consolidation: Consolidation | None = None
    behind: list[tuple[str, str]] = field(default_factory=list)  # (number, why) of those that just stayed behind

    @property
    def lead(self) -> Work:
        """The work whose label is on the parcel."""
        if self.consolidation is None:
            return self.asked
        lead_id = self.consolidation.lead_id
        return next((work for work in self.works if work.fulfillment_order.pk == lead_id), self.works[0])

    @property
    def whole(self) -> Work:
        """All lines as if they were of the lead, which lies at the same location; the lead's own come first."""
        if len(self.works) == 1:
            return self.works[0]
        lead = self.lead
        others = [line for work in self.works if work is not lead for line in work.lines]
        return Work(lead.order, lead.fulfillment_order, [*lead.lines, *others])

    @property
    def closed(self) -> bool:
        """True once the parcel is packed: then it leaves whole or not at all."""
        return any(work.fulfillment_order.state not in UNCLOSED for work in self.works)

    def of_line(self, line: FulfillmentLine) -> Work:
        """The work that a line is part of."""
        return next(work for work in self.works if work.fulfillment_order.pk == line.fulfillment_order_id)

    @contextmanager
    def naming(self, work: Work) -> Iterator[None]:
        """Refusals about another work order than the one that was asked for name it."""
        try:
            yield
        except Refusal as refusal:
            if work is not self.asked:
                refusal.message = f"{work.fulfillment_order.number}: {refusal.message}"
            raise


def lock_group(fulfillment_order_id: int, *, expected_version: int | None = None) -> Group:
    """Lock all orders of a work order's parcel by id, then all its work orders by id, in the caller's transaction.

    A work order that shares its parcel with nobody costs what `lock_work` does. Raises NotFound, and Stale when it is no longer
    at `expected_version` or its parcel was put together or taken apart at this moment.
    """
    rows = FulfillmentOrder.objects.filter(pk=fulfillment_order_id)
    found = rows.values_list("order_id", "consolidation_id", "state").first()
    if found is None:
        raise NotFound("no_such_fulfillment_order", _("There is no such fulfillment order."))
    order_id, consolidation_id, state = found
    if consolidation_id is None or state in GONE:
        work = lock_work(fulfillment_order_id, order_id=order_id, expected_version=expected_version)
        if work.fulfillment_order.consolidation_id != consolidation_id:
            raise _changed(work.fulfillment_order)
        return Group([work], work)
    works = _lock_members(consolidation_id)
    asked = next((work for work in works if work.fulfillment_order.pk == fulfillment_order_id), None)
    if asked is None:
        raise _changed(rows.get())
    if expected_version is not None and asked.fulfillment_order.version != expected_version:
        version = asked.fulfillment_order.version
        raise Stale("changed_meanwhile", who_did(asked.fulfillment_order), version=version, state=state)
    return Group(works, asked, Consolidation.objects.get(pk=consolidation_id))


def _changed(found: FulfillmentOrder) -> Stale:
    if found.state in GONE:
        return Stale(f"already_{found.state}", who_did(found), state=found.state)
    return Stale("parcel_changed", _("Its parcel was changed at this moment. Look again."), state=found.state)


def _lock_members(consolidation_id: int) -> list[Work]:
    """The members under lock; again from the start when somebody joined between reading and locking."""
    for _try in range(TRIES):
        point = transaction.savepoint()
        members = FulfillmentOrder.objects.filter(consolidation_id=consolidation_id).exclude(state__in=GONE)
        orders = lock_orders(members.values_list("order_id", flat=True))
        works = lock_works(members, orders)
        if works is not None:
            transaction.savepoint_commit(point)
            return works
        transaction.savepoint_rollback(point)  # gives back the locks too
    raise Stale("parcel_changed", _("Its parcel was changed at this moment. Look again."))


def lock_orders(order_ids: Iterable[int]) -> dict[int, Order]:
    """Orders under lock, taken in the order of their ids."""
    rows = Order.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=list(order_ids))
    return {order.pk: order for order in rows.order_by("pk")}


def lock_works(rows: object, orders: dict[int, Order]) -> list[Work] | None:
    """Work orders under lock by id, with their lines, in the order of their orders; None when one is of an order that is not locked."""
    locked = rows.select_for_update(of=("self",), no_key=True).select_related("location")  # type: ignore[attr-defined]
    found = list(locked.order_by("pk"))
    if any(one.order_id not in orders for one in found):
        return None
    lines: dict[int, list[FulfillmentLine]] = defaultdict(list)
    mine = FulfillmentLine.objects.filter(fulfillment_order__in=found, quantity__gt=0)
    for line in mine.select_related("order_line__variant").order_by("order_line__position", "id"):
        lines[line.fulfillment_order_id].append(line)
    for one in found:
        one.order = orders[one.order_id]
    found.sort(key=lambda one: (one.order_id, one.pk))
    return [Work(one.order, one, lines[one.pk]) for one in found]


# ---- who stays behind ------------------------------------------------------------------------------------------------


def ship_to_keys(order_ids: Iterable[int]) -> dict[int, str]:
    """Order id → the key of where it goes."""
    rows = Order.objects.filter(pk__in=list(order_ids))
    return dict(rows.values_list("pk", ShipToKey(F("shipping_address"))))


def leave_behind(group: Group, *, actor: Actor, now: datetime) -> None:
    """Before the parcel is closed: members that are held, or go elsewhere by now, stay behind and the rest goes on.

    What of them lay in the parcel counts as taken out. With one left it is no shared parcel any more. Where the lead stays behind or
    is gone, the next takes its place, and its label has still to be bought.
    """
    if group.consolidation is None or group.closed:
        return
    keys = ship_to_keys(work.order.pk for work in group.works)
    why = {}
    for work in group.works:
        if is_held(work.order, work.fulfillment_order, work.lines):
            why[work.fulfillment_order.pk] = why_held(work.order, work.lines)
        elif keys[work.order.pk] != group.consolidation.address_key:
            why[work.fulfillment_order.pk] = _("It goes to another address now.")
    for work in list(group.works):
        if (reason := why.get(work.fulfillment_order.pk)) is not None:
            take_out(group, work, reason, actor=actor, now=now)
    settle_lead(group, actor=actor, now=now)


def take_out(group: Group, work: Work, reason: str, *, actor: Actor, now: datetime) -> None:
    """One member leaves its open parcel; a label that is on the parcel stays with the lead."""
    number = work.fulfillment_order.number
    if empty(work):
        refresh_order(work.order, now=now)
    _apart(work, has_label=work is group.lead and work.fulfillment_order.has_label)
    record(work, "fulfillment.left_parcel", actor=actor, now=now, why=reason)
    group.behind.append((number, reason))
    group.works = [other for other in group.works if other is not work]


def settle_lead(group: Group, *, actor: Actor, now: datetime, why: str = "") -> None:
    """After members left: a lead that is still there, or no shared parcel any more (why: the reason that is kept with it)."""
    consolidation = group.consolidation
    if consolidation is None:
        return
    lead_stays = any(work.fulfillment_order.pk == consolidation.lead_id for work in group.works)
    if len(group.works) < 2:
        reason = _("Only one was left.")
        for alone in group.works:
            _apart(alone, has_label=lead_stays and alone.fulfillment_order.has_label)
            record(alone, "fulfillment.left_parcel", actor=actor, now=now, why=reason)
        end(consolidation, why or reason, actor=actor, now=now)
        group.consolidation = None
    elif not lead_stays:
        consolidation.lead = first_of(work.fulfillment_order for work in group.works)
        consolidation.save(update_fields=["lead"])
        for work in group.works:
            work.fulfillment_order.has_label = False
            work.fulfillment_order.save(update_fields=["has_label"])


def first_of(members: Iterable[FulfillmentOrder]) -> FulfillmentOrder:
    """The member that leads: the most urgent, then the oldest."""
    return min(members, key=lambda one: (one.ship_by, one.pk))


def _apart(work: Work, *, has_label: bool) -> None:
    found = work.fulfillment_order
    found.consolidation, found.has_label = None, has_label
    found.version += 1
    found.save(update_fields=["consolidation", "has_label", "version"])


def end(consolidation: Consolidation, reason: str, *, actor: Actor, now: datetime) -> None:
    """Write down that work orders do not travel together any more, who said so and why."""
    consolidation.undone_at, consolidation.undone_by, consolidation.reason = now, actor.ref, reason[:200]
    consolidation.save(update_fields=["undone_at", "undone_by", "reason"])


def empty(work: Work) -> bool:
    """Count nothing of locked work as packed; what is picked stays picked. True when something was; the caller refreshes the order."""
    packed = [line for line in work.lines if line.packed]
    forget_packed(work.lines)
    for line in packed:
        line.order_line.packed -= line.packed
        line.packed = 0
        line.order_line.save(update_fields=["packed"])
        line.save(update_fields=["packed"])
    return bool(packed)


def tidy_groups(fulfillment_order_ids: Sequence[int], *, actor: Actor, now: datetime) -> list[Member]:
    """Let members stay behind that are held or go elsewhere, and give a parcel a lead that is there; the members that remain.

    One statement where nothing is to be done; else one transaction for each parcel concerned. Not for use inside a transaction.
    """
    members = members_of(fulfillment_order_ids)
    leads = {one.pk for one in members if one.pk == one.lead_id}
    untidy = {one.consolidation_id: one.pk for one in members if one.stays or one.lead_id not in leads}
    untidy |= {one.consolidation_id: one.pk for one in members if _alone(one, members)}
    for pk in untidy.values():
        with transaction.atomic():
            group = lock_group(pk)
            leave_behind(group, actor=actor, now=now)
            if not group.behind:
                settle_lead(group, actor=actor, now=now)
    return members_of(fulfillment_order_ids) if untidy else members


def _alone(one: Member, members: Sequence[Member]) -> bool:
    return sum(other.consolidation_id == one.consolidation_id for other in members) == 1
