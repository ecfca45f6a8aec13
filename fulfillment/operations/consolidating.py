"""Merge: work orders of one customer to one address travel as one parcel; orders, invoices and returns stay separate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.outcomes import BulkOutcome
from core.refusals import Invalid, NotFound, Refusal, Stale
from fulfillment.members import GONE
from fulfillment.models import Consolidation, FulfillmentOrder
from fulfillment.operations.groups import (
    TRIES,
    Group,
    end,
    first_of,
    lock_group,
    lock_orders,
    lock_works,
    settle_lead,
    ship_to_keys,
    take_out,
)
from fulfillment.operations.label_voids import mark_void, void_marked
from fulfillment.operations.work import S, Work, is_held, record, who_did, why_held
from orders.models import Order

#: The most orders in one parcel.
MOST = 20


def ship_together(*, fulfillment_order_ids: Sequence[int], actor: Actor, now: datetime) -> Consolidation:
    """Let open work orders travel as one parcel; those that share one already bring its other members with them.

    Labels that were bought for them are given back, one is bought for all when it is wanted. Not for use inside a transaction, for
    that reason. Raises NotFound, Invalid `too_few`, `too_many`, Stale for work that somebody began, and Refusal that names the two
    that do not go together and why: `other_location`, `other_service`, `other_customer`, `other_address`, `same_order`, `on_hold`.
    """
    with transaction.atomic():
        works = _lock_all(list(dict.fromkeys(fulfillment_order_ids)))
        key = _check(works)
        former = {work.fulfillment_order.consolidation_id for work in works}
        if len(former) == 1 and None not in former:
            raise Refusal("together_already", _("They travel as one parcel already."))
        marked = mark_void([work.fulfillment_order.pk for work in works], now=now)
        for one in Consolidation.objects.filter(pk__in=former - {None}).order_by("pk"):
            end(one, _("More orders came to it."), actor=actor, now=now)
        consolidation = _write(works, key, actor=actor, now=now)
    void_marked(marked, actor=actor, now=now)
    return consolidation


def ship_together_many(*, groups: Iterable[Sequence[int]], actor: Actor, now: datetime) -> BulkOutcome:
    """Merge many, each group in a transaction of its own; what is refused is listed and the rest go."""
    outcome = BulkOutcome()
    for ids in groups:
        numbers = list(FulfillmentOrder.objects.filter(pk__in=ids).order_by("pk").values_list("number", flat=True))
        try:
            ship_together(fulfillment_order_ids=ids, actor=actor, now=now)
            outcome.done.append(", ".join(numbers))
        except Refusal as refusal:
            outcome.refuse(", ".join(numbers), refusal)
    return outcome


def ship_separately(
    *, fulfillment_order_id: int, reason: str = "", only: bool = False, actor: Actor, now: datetime
) -> list[str]:
    """Undo: each work order of the parcel goes by itself again, or only this one; the numbers of those that do.

    Until the parcel is packed. What lay in it counts as taken out, and a label bought for all is given back. Not for use inside a
    transaction. Raises NotFound, Refusal `not_together`, Stale that says who packed or shipped it and when.
    """
    reason = reason.strip()[:200]
    with transaction.atomic():
        group = lock_group(fulfillment_order_id)
        if group.consolidation is None:
            raise Refusal("not_together", _("It travels by itself."))
        if group.closed:
            closed = next(work for work in group.works if work.fulfillment_order.state not in _OPEN)
            raise Stale("parcel_closed", who_did(closed.fulfillment_order))
        marked = mark_void([group.lead.fulfillment_order.pk], now=now)
        _unlabel(group)
        for work in [group.asked] if only else list(group.works):
            take_out(group, work, reason, actor=actor, now=now)
        settle_lead(group, actor=actor, now=now, why=reason)
        numbers = [number for number, _why in group.behind]
    void_marked(marked, actor=actor, now=now)
    return numbers


_OPEN = (S.SCHEDULED, S.OPEN, S.ON_HOLD, S.PICKING, S.PICKED)


def _unlabel(group: Group) -> None:
    for work in group.works:
        if work.fulfillment_order.has_label:
            work.fulfillment_order.has_label = False
            work.fulfillment_order.save(update_fields=["has_label"])


def _lock_all(ids: Sequence[int]) -> list[Work]:
    """The named work orders and those that share a parcel with them: all orders locked by id, then all work orders."""
    if len(ids) < 2:
        raise Invalid("too_few", _("Choose at least two work orders."), field="ids")
    if len(ids) > MOST:
        raise Invalid("too_many", _("At most {most} orders go into one parcel.").format(most=MOST), field="ids")
    for _try in range(TRIES):
        point = transaction.savepoint()
        wanted = _with_members(ids)
        orders = lock_orders(FulfillmentOrder.objects.filter(pk__in=wanted).values_list("order_id", flat=True))
        works = lock_works(FulfillmentOrder.objects.filter(pk__in=wanted), orders)
        if works is not None and set(_with_members(ids)) <= set(wanted):
            if len(works) < len(wanted):
                raise NotFound("no_such_fulfillment_order", _("There is no such fulfillment order."))
            transaction.savepoint_commit(point)
            return works
        transaction.savepoint_rollback(point)
    raise Stale("parcel_changed", _("Its parcel was changed at this moment. Look again."))


def _with_members(ids: Sequence[int]) -> list[int]:
    named = Consolidation.objects.filter(members__in=list(ids))
    members = FulfillmentOrder.objects.filter(consolidation__in=named).exclude(state__in=GONE)
    return list(dict.fromkeys([*ids, *members.values_list("pk", flat=True)]))


def _check(works: Sequence[Work]) -> str:
    """The key of the address they share. Raises what keeps them from travelling together."""
    for work in works:
        found = work.fulfillment_order
        if found.state != S.OPEN:
            raise _not_open(work)
        if any(line.picked for line in work.lines):
            raise Stale("already_picking", _("{number} is being picked already.").format(number=found.number))
        if is_held(work.order, found, work.lines):
            raise Refusal("on_hold", f"{found.number}: {why_held(work.order, work.lines)}")
    first, *others = works
    keys = ship_to_keys(work.order.pk for work in works)
    for work in others:
        _check_pair(first, work, keys)
    if not (first.order.shipping_address.get("line1") or "").strip():
        raise Refusal("no_address", _("Order {number} has no address.").format(number=first.order.number))
    if len({work.order.pk for work in works}) < len(works):
        raise Refusal("same_order", _("Two of them are of one order: put its work orders together again instead."))
    return keys[first.order.pk]


def _not_open(work: Work) -> Refusal:
    found = work.fulfillment_order
    if found.state in (S.SCHEDULED, S.ON_HOLD):
        message = _("{number} is “{state}”: only work that is ready to pick can travel with others.")
        return Refusal("not_open", message.format(number=found.number, state=found.get_state_display()))
    return Stale(f"already_{found.state}", f"{found.number}: {who_did(found)}", state=found.state)


def _check_pair(first: Work, other: Work, keys: dict[int, str]) -> None:
    one, two = first.fulfillment_order, other.fulfillment_order
    names = {"one": one.number, "two": two.number}
    if one.location_id != two.location_id:
        message = _("{one} lies at {here} and {two} at {there}: they cannot travel as one parcel.")
        raise Refusal("other_location", message.format(**names, here=one.location.name, there=two.location.name))
    if one.service != two.service:
        raise Refusal("other_service", _("{one} and {two} go by different services.").format(**names))
    if not same_customer(first.order, other.order):
        raise Refusal("other_customer", _("{one} and {two} are of different customers.").format(**names))
    if keys[first.order.pk] != keys[other.order.pk]:
        raise Refusal("other_address", _("{one} and {two} go to different addresses.").format(**names))


def same_customer(one: Order, other: Order) -> bool:
    """Two orders of one customer, or with one e-mail address."""
    if one.customer_id and one.customer_id == other.customer_id:
        return True
    return bool(one.email) and one.email.casefold() == other.email.casefold()


def _write(works: Sequence[Work], key: str, *, actor: Actor, now: datetime) -> Consolidation:
    lead = first_of(work.fulfillment_order for work in works)
    consolidation = Consolidation.objects.create(
        location_id=lead.location_id, lead=lead, address_key=key, actor=actor.ref, actor_label=actor.label[:120], at=now
    )
    for work in works:
        found = work.fulfillment_order
        found.consolidation, found.has_label = consolidation, False
        found.version += 1
        found.save(update_fields=["consolidation", "has_label", "version"])
        others = [other.order.number for other in works if other is not work]
        record(work, "fulfillment.merged", actor=actor, now=now, together_with=others, lead=lead.number)
    return consolidation
