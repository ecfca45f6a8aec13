"""Place orders: one or a whole batch goes the same way, in one transaction, with a fixed number of SQL statements.

The way of an order: check → take its name (channel, external id) → plan on a snapshot → lock the stock, check, or plan again →
reserve → write order, lines, work orders, receipt, history and event together.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.bulk import next_ids_of, one_trip, to_json
from core.geo import locate
from core.models import Shop
from core.money import quantize
from core.outbox import publish
from core.refusals import Invalid
from core.text import search_words
from core.timeline import record_many
from customers.operations import clean_email, ensure_customers
from fulfillment.operations.assignment import Assignment, create_fulfillment_orders, service_of
from inventory.bundles import Component, components_of
from inventory.models import Variant
from inventory.operations.reservations import write_reservations
from oms.orchestration.exploding import Goods, Group, explode
from oms.orchestration.planning import Routed, route_and_lock
from oms.orchestration.refusing import refusal_of
from oms.orchestration.requests import (
    ZERO,
    Amounts,
    CartShort,
    NewOrder,
    Placed,
    Refused,
    check_request,
)
from orders.events import OrdersPlaced
from orders.models import Channel, Order, OrderBundle, OrderLine
from orders.operations.rates import fix_rates
from orders.operations.writing import (
    BundleRow,
    LineRow,
    write_bundles,
    write_holds,
    write_lines,
    write_orders,
    write_payments,
    write_refunds,
)
from orders.states import HoldKind
from orders.status import compute_statuses
from routing.engine.types import Demand, Member, Need, Plan
from routing.operations import record_decisions

# The shop's currency comes along, so that orders in it cost no statement more.
_LOCK_NAMES = """
    SELECT pg_advisory_xact_lock(k), (SELECT currency FROM core_shop WHERE id = 1) FROM unnest(%s::bigint[]) AS k
"""
_KNOWN = """
    SELECT o.channel_id, o.external_id, o.id, o.number FROM orders_order o
      JOIN unnest(%s::bigint[], %s::text[]) AS n (channel_id, external_id)
        ON o.channel_id = n.channel_id AND o.external_id = n.external_id
"""

#: What stands for a line that is no product: words and a price, nothing to ship.
_SERVICE: Goods = (0, "", 0, False)

#: What a line that belongs to no bundle has for one.
_PLAIN: tuple[int | None, int | None] = (None, None)


@dataclass(slots=True)
class Draft:
    """An accepted request on its way into the tables. It answers as the facts that statuses are computed from."""

    request: NewOrder
    amounts: Amounts
    channel: Channel
    variants: list[Goods]  # per line
    groups: Sequence[Group] = ()  # the bundles among what was asked for; the lines are their components
    origins: Sequence[int] | None = None  # per line its position in what was asked for, where that differs
    id: int = 0
    number: str = ""
    line_ids: list[int] = field(default_factory=list)
    held: bool = False
    plan: Plan | None = None
    refused: Refused | None = None
    assignment: Assignment | None = None
    cancelled_total: Decimal = ZERO
    authorized_total: Decimal = ZERO
    captured_total: Decimal = ZERO
    refunded_total: Decimal = ZERO
    overpayment_refunded: Decimal = ZERO
    parcels: int = 0
    parcels_out_for_delivery: int = 0
    parcels_delivered: int = 0
    parcels_exception: int = 0
    returns_in_progress: int = 0

    @property
    def total(self) -> Decimal:
        return self.amounts.total

    @property
    def payment_voided(self) -> bool:
        return self.request.payment_voided

    def open_units(self, position: int) -> int:
        """Units of a line that are still to be placed."""
        line = self.request.lines[position]
        return 0 if not self.variants[position][3] else line.quantity - line.shipped - line.cancelled


def place_order(request: NewOrder, *, channel: Channel | None = None, actor: Actor, now: datetime) -> Placed:
    """Place one order: written, routed, reserved, with its work orders, in one commit. The same order again is answered, not repeated.

    channel: the request's, where the caller has it at hand. Raises Invalid naming the field. What cannot be reserved becomes a
    back-order, or raises CartShort where the request says so; what no location may ship waits for routing.
    """
    outcome = place_orders([request], channels=[channel] if channel else None, actor=actor, now=now)[0]
    if isinstance(outcome, Refused):
        if outcome.short:
            raise CartShort(outcome)
        raise Invalid(outcome.code, outcome.message, field=outcome.field or None, line=outcome.line)
    return outcome


def place_orders(
    requests: Sequence[NewOrder], *, channels: Sequence[Channel] | None = None, actor: Actor, now: datetime
) -> list[Placed | Refused]:
    """Place a batch in one transaction, answers in the order of the requests. One that is refused does not stop the others."""
    answers: dict[int, Placed | Refused] = {}
    with transaction.atomic():
        known, own = _take_names(requests)
        drafts: dict[int, Draft] = {}
        repeats: dict[int, int] = {}
        first: dict[tuple[int, str], int] = {}
        if channels is None:
            channels = list(Channel.objects.filter(pk__in={r.channel_id for r in requests}))
        known_channels = {channel.pk: channel for channel in channels}
        variants, bundles = _variants(requests)
        for index, request in enumerate(requests):
            name = (request.channel_id, request.external_id)
            if name in known:
                answers[index] = Placed(*known[name], created=False)
            elif name in first:
                repeats[index] = first[name]
            else:
                drafted = _draft(request, known_channels, variants, bundles)
                if isinstance(drafted, Draft):
                    drafts[index] = drafted
                    first[name] = index
                else:
                    answers[index] = drafted
        _write(list(drafts.values()), own=own, actor=actor, now=now)
        for index, draft in drafts.items():
            answers[index] = draft.refused or Placed(draft.id, draft.number, created=True)
        for index, i in repeats.items():
            answers[index] = drafts[i].refused or Placed(drafts[i].id, drafts[i].number, created=False)
    return [answers[index] for index in range(len(requests))]


def _take_names(requests: Sequence[NewOrder]) -> tuple[dict[tuple[int, str], tuple[int, str]], str]:
    """Lock the names (channel, external id) until the commit, and answer those that exist: so an order arrives once, without errors.
    The other answer is the shop's currency.

    The locks are taken in ascending order; two senders of the same order wait for each other here and nowhere else.
    """
    names = {(r.channel_id, r.external_id) for r in requests}
    keys = sorted(
        {int.from_bytes(hashlib.sha256(f"{c}:{e}".encode()).digest()[:8], "big", signed=True) for c, e in names}
    )
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_NAMES, [keys])
        locked = cursor.fetchone()
        own = (locked and locked[1]) or Shop.currency.field.default
        cursor.execute(_KNOWN, [[c for c, _e in names], [e for _c, e in names]])
        return {(channel, external): (pk, number) for channel, external, pk, number in cursor.fetchall()}, own


def _variants(requests: Sequence[NewOrder]) -> tuple[dict[str, Goods], dict[int, list[Component]]]:
    """What the SKUs stand for, and of what the bundles among them are made."""
    skus = {line.sku for request in requests for line in request.lines}
    rows = Variant.objects.filter(sku__in=skus).values_list(
        "sku", "pk", "title", "weight_grams", "requires_shipping", "is_bundle"
    )
    variants, bundles = {}, []
    for sku, pk, title, weight, ships, is_bundle in rows:
        variants[sku] = (pk, title, weight, ships)
        if is_bundle:
            bundles.append(pk)
    return variants, components_of(bundles) if bundles else {}


def _draft(
    request: NewOrder, channels: dict[int, Channel], variants: dict[str, Goods], bundles: dict[int, list[Component]]
) -> Draft | Refused:
    try:
        amounts = check_request(request)
    except Invalid as error:
        return Refused(error.code, error.message, error.field or "", error.params.get("line"))
    channel = channels.get(request.channel_id)
    if channel is None or not channel.active:
        return Refused("no_such_channel", _("There is no such channel, or it is switched off."), "channel")
    found = []
    for position, line in enumerate(request.lines):
        variant = _SERVICE if line.custom else variants.get(line.sku)
        if variant is None:
            done = line.shipped + line.cancelled == line.quantity
            if not done:
                message = _("Line {line}: there is no SKU “{sku}”.").format(line=position + 1, sku=line.sku)
                return Refused("unknown_sku", message, f"lines[{position}].sku", position)
            variant = (0, line.title or line.sku, 0, True)  # history of a product that is gone: kept as a snapshot
        if line.requires_shipping is not None:
            variant = (*variant[:3], line.requires_shipping)
        found.append(variant)
    if not bundles or not any(variant[0] in bundles for variant in found):
        return Draft(request, amounts, channel, found)
    try:
        parts = explode(request, amounts, found, bundles)
    except Invalid as error:
        return Refused(error.code, error.message, error.field or "", error.params.get("line"))
    return Draft(parts.request, parts.amounts, channel, parts.goods, parts.groups, parts.origins)


def _write(drafts: list[Draft], *, own: str, actor: Actor, now: datetime) -> None:
    if not drafts:
        return
    _name(drafts)
    for draft in drafts:
        _sum_up(draft)
    routed = _route(drafts, now=now)
    drafts = [draft for draft in drafts if not draft.refused]
    if not drafts:
        return
    causes = {f"order_line:{line_id}": f"order:{draft.id}" for draft in drafts for line_id in draft.line_ids}
    customers = _customers(drafts)
    with one_trip():
        if routed:
            # Foreign keys are checked at the commit, so work orders may come first: their due dates stand on the order.
            work = [d.assignment for d in drafts if d.assignment]
            create_fulfillment_orders(work, routed.levels, routed.terms, actor=actor, now=now)
            write_reservations(routed.claims, causes, actor=actor, now=now, new_owners=True)
            receipts = [(d.id, version_of(d.plan), d.plan.receipt) for d in drafts if d.plan]
            record_decisions(receipts, cause="placed", now=now)
        lines = {draft.id: line_rows(draft) for draft in drafts}
        write_orders([order_row(draft, lines[draft.id], customers, now=now) for draft in drafts])
        write_bundles([row for draft in drafts for row in bundle_rows(draft)])
        write_lines([row for rows in lines.values() for row in rows])
        _write_money(drafts, actor=actor, now=now)
        write_holds([(d.id, HoldKind.PAYMENT.value, "", actor.ref, now, "") for d in drafts if d.held])
        record_many(((f"order:{d.id}", "order.placed", _history(d)) for d in drafts), actor=actor, at=now)
    if foreign := [draft.id for draft in drafts if draft.request.currency != own]:
        fix_rates(foreign, own=own)
    publish(OrdersPlaced([draft.id for draft in drafts]), actor=actor)


def _name(drafts: Sequence[Draft]) -> None:
    """Ids for orders and lines; a number in our own series for those that bring none."""
    prefix = None
    counts = {Order: len(drafts), OrderLine: sum(len(draft.request.lines) for draft in drafts)}
    ids = next_ids_of(counts | {OrderBundle: sum(len(draft.groups) for draft in drafts)})
    line_ids, bundle_ids = iter(ids[OrderLine]), iter(ids[OrderBundle])
    for draft, id_ in zip(drafts, ids[Order], strict=True):
        draft.id = id_
        draft.line_ids = [next(line_ids) for _line in draft.request.lines]
        for group in draft.groups:
            group.id = next(bundle_ids)
        draft.number = draft.request.number
        if not draft.number:
            if prefix is None:
                prefix = Shop.objects.values_list("order_prefix", flat=True).first() or ""
            draft.number = f"{prefix}{10_000 + id_}"


def _sum_up(draft: Draft) -> None:
    """Money that came before, what is cancelled, whether it must wait for payment."""
    request = draft.request
    captures = [p.amount for p in request.payments if p.kind == "capture"]
    draft.captured_total = sum(captures, ZERO)
    draft.authorized_total = sum((p.amount for p in request.payments if p.kind != "capture"), ZERO)
    draft.refunded_total = sum((r.amount for r in request.refunds), ZERO)
    if draft.refunded_total > draft.captured_total:
        draft.captured_total = draft.refunded_total
    if all(line.cancelled == line.quantity for line in request.lines):
        draft.cancelled_total = draft.total
    else:
        values = (cancelled_line_value(draft, n) for n, line in enumerate(request.lines) if line.cancelled)
        draft.cancelled_total = min(draft.total, sum(values, ZERO))
    if any(line.shipped for line in request.lines):
        # An export says that it left, not when it came; nobody tracks it here any more, so it counts as delivered.
        draft.parcels = draft.parcels_delivered = 1
    paid = draft.captured_total + draft.authorized_total >= draft.total - draft.cancelled_total
    has_open = any(draft.open_units(n) for n in range(len(request.lines)))
    waits = draft.channel.hold_unpaid if request.hold_unpaid is None else request.hold_unpaid
    draft.held = has_open and not paid and waits


def cancelled_line_value(draft: Draft, position: int) -> Decimal:
    """What the cancelled units of a line were worth (orders.amounts has the same for stored lines)."""
    line = draft.request.lines[position]
    value = line.unit_price * line.quantity - draft.amounts.line_discounts[position]
    if not draft.request.tax_included:
        value += draft.amounts.line_taxes[position]
    return quantize(value * line.cancelled / line.quantity, draft.request.currency)


def _route(drafts: Sequence[Draft], *, now: datetime) -> Routed | None:
    """Plan what is open, lock the stock, and give each draft its plan and its work."""
    wanted: list[tuple[Draft, tuple[Need, ...]]] = []
    for draft in drafts:
        needs = tuple(
            Need(draft.line_ids[n], draft.variants[n][0], units)
            for n in range(len(draft.request.lines))
            if (units := draft.open_units(n))
        )
        if needs:
            wanted.append((draft, needs))
    if not wanted:
        return None
    points = locate([draft.request.shipping_address for draft, _needs in wanted])
    demands = []
    for (draft, needs), point in zip(wanted, points, strict=True):
        country = draft.request.shipping_address.country
        lat, lon = point or (None, None)
        whole = draft.request.on_shortage == "refuse"
        demands.append(Demand(draft.id, draft.channel.pk, country, lat, lon, needs, _sets(draft), whole))
    routed = route_and_lock(demands, now=now)
    for (draft, _needs), plan in zip(wanted, routed.plans, strict=True):
        draft.plan = plan
        if plan.backorders and draft.request.on_shortage == "refuse":
            draft.refused = refusal_of(draft, plan)
        if plan.allocations:
            service = service_of(draft.request.shipping_method)
            draft.assignment = Assignment(
                draft.id, plan.allocations, service, draft.request.shipping_address.country, draft.held,
                postal_code=draft.request.shipping_address.postal_code,
            )  # fmt: skip
    return routed


def _sets(draft: Draft) -> tuple[tuple[Member, ...], ...]:
    """The bundles of an order: lines that are of use only together."""
    lines = draft.request.lines
    return tuple(
        tuple(Member(draft.line_ids[n], per, lines[n].quantity - draft.open_units(n)) for n, per in group.parts)
        for group in draft.groups
    )


def version_of(plan: Plan) -> int:
    """The version of the rules a plan was made by."""
    return int(plan.receipt["rules"]["version"])


def is_unroutable(plan: Plan) -> bool:
    """True when no location may ship at all (rules, zone, capacity): that is for a person, not for a back-order."""
    return plan.receipt["decided_by"] == "no_site"


def _customers(drafts: Sequence[Draft]) -> dict[str, int]:
    contacts = {}
    for draft in drafts:
        r = draft.request
        if email := clean_email(r.email):
            name = r.customer_name or r.shipping_address.name
            language = r.language or draft.channel.language
            contacts[email] = (name[:200], r.phone[:40], language, r.accepts_marketing, r.shipping_address.to_json())
    return ensure_customers(contacts)


def line_rows(draft: Draft) -> list[LineRow]:
    """The lines with their quantities: what is done already, what was reserved, what waits."""
    allocated: dict[int, int] = defaultdict(int)
    backordered: dict[int, int] = defaultdict(int)
    if draft.plan:
        for allocation in draft.plan.allocations:
            allocated[allocation.line_id] += allocation.quantity
        if not is_unroutable(draft.plan):
            for line_id, _variant, units in draft.plan.backorders:
                backordered[line_id] += units
    bundles = {n: (group.id, per) for group in draft.groups for n, per in group.parts}
    rows = []
    for n, line in enumerate(draft.request.lines):
        variant_id, title, weight, ships = draft.variants[n]
        bundle_id, per_bundle = bundles.get(n, _PLAIN) if bundles else _PLAIN
        id_ = draft.line_ids[n]
        done = line.shipped if ships else line.quantity - line.cancelled
        rows.append(
            LineRow(
                id_, draft.id, n + 1, variant_id or None, line.sku, (line.title or title)[:255], ships, line.unit_price,
                draft.amounts.line_discounts[n], draft.amounts.line_taxes[n], weight, line.quantity, line.cancelled,
                backordered[id_], allocated[id_] + done, done, done, done, done, 0, 0, 0, bundle_id, per_bundle, line.tax_rate,
            )
        )  # fmt: skip
    return rows


def bundle_rows(draft: Draft) -> list[BundleRow]:
    """The bundles as they are sold."""
    return [
        BundleRow(g.id, draft.id, g.parts[0][0] + 1, g.variant_id, g.sku, g.title, g.quantity, g.unit_price, g.discount, g.tax)
        for g in draft.groups
    ]  # fmt: skip


def order_row(draft: Draft, lines: Sequence[LineRow], customers: dict[str, int], *, now: datetime) -> tuple[Any, ...]:
    """The order's row in the order of orders.operations.writing.ORDER_COLUMNS."""
    r, a = draft.request, draft.amounts
    s = compute_statuses(draft, lines, holds=1 if draft.held else 0)
    email = clean_email(r.email)
    ship, bill = r.shipping_address, r.billing_address
    name = r.customer_name or ship.name or bill.name
    work = draft.assignment
    due, earliest, expected = (work.due, work.earliest, work.expected) if work else (None, None, None)
    finished = not any(draft.open_units(n) for n in range(len(r.lines)))
    skus = [*(line.sku for line in r.lines), *(group.sku for group in draft.groups)]
    words = search_words(draft.number, r.external_id, email, name, r.phone, ship.name, *skus)
    return (
        draft.id, r.channel_id, r.external_id, draft.number, secrets.token_urlsafe(24), customers.get(email), name[:200], email[:254],
        r.phone[:40], r.language or draft.channel.language, to_json(ship.to_json()), to_json(bill.to_json()), ship.country,
        r.shipping_method[:80], r.currency, a.subtotal, a.discount_total, a.shipping_total, a.tax_total, r.tax_included,
        a.adjustment_total, a.total, draft.cancelled_total, draft.authorized_total, draft.captured_total, draft.refunded_total,
        s.lifecycle, s.payment, s.fulfillment, s.delivery, s.returning, r.payment_voided, draft.parcels, 0, draft.parcels_delivered, 0, 0,
        s.needs_routing, s.backordered, s.on_hold, False, finished, list(r.tags), r.note, 1, r.placed_at, due, expected, earliest,
        r.placed_at if s.lifecycle == "completed" else None, (r.cancelled_at or now) if s.lifecycle == "cancelled" else None, now, now, words,
    )  # fmt: skip


def _write_money(drafts: Sequence[Draft], *, actor: Actor, now: datetime) -> None:
    ref = actor.ref
    payments, refunds = [], []
    for d in drafts:
        for p in d.request.payments:
            if p.amount:
                payments.append(
                    (d.id, p.kind, p.amount, p.method[:60], p.reference[:120], p.key, ref, p.at or d.request.placed_at)
                )
        if missing := d.captured_total - sum((p.amount for p in d.request.payments if p.kind == "capture"), ZERO):
            # The channel says that more was given back than it says was paid: the payment behind the refund is written down with it.
            payments.append((d.id, "capture", missing, "", "", "behind-refund", ref, d.request.placed_at))
        refunds += [
            (d.id, f.amount, f.reason[:200], "", f.key, ref, f.at or now) for f in d.request.refunds if f.amount
        ]
    write_payments(payments)
    write_refunds(refunds)


def _history(draft: Draft) -> dict[str, Any]:
    """What the timeline says of the placement."""
    data: dict[str, Any] = {
        "channel": draft.channel.name,
        "total": str(draft.total),
        "currency": draft.request.currency,
    }
    if draft.assignment:
        data["fulfillment_orders"] = draft.assignment.numbers
    if draft.plan and draft.plan.backorders:
        data["unroutable" if is_unroutable(draft.plan) else "backordered"] = sum(
            units for *_ids, units in draft.plan.backorders
        )
    return data
