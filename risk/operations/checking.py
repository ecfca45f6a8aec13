"""Check addresses of orders; take a suggestion; ship as it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.addresses import Address
from core.bulk import to_json
from core.refusals import NotFound, Refusal, Stale
from core.timeline import record
from orders.models import Order
from orders.operations import lock_order, refresh_order
from orders.states import Lifecycle
from risk.addresses import check_address, digest_of, only_form_changed
from risk.models import AddressCheck
from risk.states import Settled


@dataclass(frozen=True, slots=True)
class CheckedOrder:
    """An order's address as it stands now. settled: what a person said of this very address."""

    id: int
    order_id: int
    undeliverable: bool
    settled: str


# What a person said holds as long as the address is the one it was said of.
_SAVE = """
    INSERT INTO risk_addresscheck AS c (order_id, state, undeliverable, problems, suggestion, digest, at, settled, settled_by, settled_label, reason)
    SELECT n.*, %s, '', '', '', ''
      FROM unnest(%s::bigint[], %s::text[], %s::boolean[], %s::jsonb[], %s::jsonb[], %s::text[]) AS n
    ON CONFLICT (order_id) DO UPDATE
       SET state = EXCLUDED.state, undeliverable = EXCLUDED.undeliverable, problems = EXCLUDED.problems, suggestion = EXCLUDED.suggestion,
           digest = EXCLUDED.digest, at = EXCLUDED.at, settled = CASE WHEN c.digest = EXCLUDED.digest THEN c.settled ELSE '' END
    RETURNING c.id, c.order_id, c.undeliverable, c.settled
"""


def check_addresses(order_ids: Collection[int], *, now: datetime) -> list[CheckedOrder]:
    """Check the shipping addresses of the open orders among these that have something to ship. Two statements."""
    found = Order.objects.filter(
        pk__in=order_ids, lifecycle=Lifecycle.OPEN, historic=False, lines__requires_shipping=True
    )
    rows = []
    for order_id, stored in found.distinct().order_by("pk").values_list("pk", "shipping_address"):
        address = Address.from_json(stored)
        checked = check_address(address)
        suggestion = checked.suggestion.to_json() if checked.suggestion else {}
        problems = to_json([problem.as_json() for problem in checked.problems])
        rows.append((order_id, checked.state, checked.undeliverable, problems, to_json(suggestion), digest_of(address)))
    if not rows:
        return []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SAVE, [now, *(list(column) for column in zip(*rows, strict=True))])
        return [CheckedOrder(*row) for row in cursor.fetchall()]


def correct_address(*, check_id: int, actor: Actor, now: datetime) -> Order:
    """Write the suggested form of the address into its order: spelling only, never another country or postal code.

    Raises NotFound, Stale when the address was changed since it was checked, Refusal when the order is not open, has nothing
    suggested, or would have to be routed again.
    """
    with transaction.atomic():
        order, check = _lock(check_id)
        before, after = order.ship_to, Address.from_json(check.suggestion)
        if not check.suggestion:
            raise Refusal("nothing_suggested", _("There is no better way to write it."))
        if digest_of(before) != check.digest:
            raise Stale("address_changed", _("The address was changed since it was checked. Look again."))
        if not only_form_changed(before, after):
            raise Refusal("not_only_form", _("That would send it elsewhere: change the order's address instead."))
        order.shipping_address = after.to_json()
        order.save(update_fields=["shipping_address"])
        refresh_order(order, now=now)
        checked = check_address(after)
        check.state, check.undeliverable = checked.state, checked.undeliverable
        check.problems = [problem.as_json() for problem in checked.problems]
        check.suggestion, check.digest, check.at = {}, digest_of(after), now
        if not check.problems:
            _settle(check, Settled.CORRECTED, "", actor=actor, now=now)
        check.save()
        changes = [[name, getattr(before, name), value] for name, value in _changed(before, after)]
        record(order.subject, "address.corrected", actor=actor, at=now, changes=changes)
        return order


def settle_as_is(*, check_id: int, reason: str, actor: Actor, now: datetime) -> AddressCheck:
    """Say that the parcel leaves to this address as it is written. Raises NotFound, Stale, Refusal `not_open`, `settled_already`."""
    with transaction.atomic():
        order, check = _lock(check_id)
        if check.settled or check.state == "ok":
            raise Refusal("settled_already", _("There is nothing to decide about this address."))
        if digest_of(order.ship_to) != check.digest:
            raise Stale("address_changed", _("The address was changed since it was checked. Look again."))
        _settle(check, Settled.AS_IS, reason, actor=actor, now=now)
        check.save()
        record(order.subject, "address.as_is", actor=actor, at=now, reason=reason[:200])
        return check


def _lock(check_id: int) -> tuple[Order, AddressCheck]:
    order_id = AddressCheck.objects.filter(pk=check_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise NotFound("no_such_check", _("This address was not checked."))
    order = lock_order(order_id)
    if order.lifecycle != Lifecycle.OPEN:
        raise Refusal("not_open", _("Order {number} is not open any more.").format(number=order.number))
    return order, AddressCheck.objects.select_for_update(no_key=True).get(pk=check_id)


def _settle(check: AddressCheck, settled: str, reason: str, *, actor: Actor, now: datetime) -> None:
    check.settled, check.reason = settled, reason[:200]
    check.settled_by, check.settled_label, check.settled_at = actor.ref, actor.label[:120], now


def _changed(before: Address, after: Address) -> list[tuple[str, str]]:
    new = after.to_json()
    old = before.to_json()
    return [(name, new.get(name, "")) for name in sorted({*new, *old}) if new.get(name, "") != old.get(name, "")]
