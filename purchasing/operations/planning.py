"""Purchase orders that write themselves: from needs to drafts that wait for approval."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from core.actors import Actor
from core.bulk import next_ids
from core.refusals import Invalid
from core.shop import shop
from purchasing.models import PurchaseLine, PurchaseOrder, Supplier, SupplierItem
from purchasing.operations.locking import goods_total, record
from purchasing.planning import Added, Left, Need, Offer, PlannedLine, PurchasePlan, Terms, plan, round_up
from purchasing.queries import known_rate
from purchasing.states import OPEN_STATES, PurchaseState

#: One planner writes at a time: two that look at once would both see nothing on order.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('purchasing.create_purchase_orders'))"


def plan_purchases(
    needs: Iterable[tuple[int, int, int]], *, choose: Mapping[int, int] | None = None, fill_minimum: bool = True
) -> list[PurchasePlan]:
    """Plans for needs of (variant id, location id, units): by supplier and location, in whole packs, up to minimums. Writes nothing.

    Units on open drafts for the same variant and location are taken off. What finds no plan: `plan_with_rest`.
    """
    return plan_with_rest(needs, choose=choose, fill_minimum=fill_minimum)[0]


def plan_with_rest(
    needs: Iterable[tuple[int, int, int]], *, choose: Mapping[int, int] | None = None, fill_minimum: bool = True
) -> tuple[list[PurchasePlan], list[Left]]:
    """As `plan_purchases`, with the needs that no plan holds and why (no supplier, on a draft already). Four statements."""
    wanted = [Need(*need) for need in needs]
    variants = {need.variant_id for need in wanted}
    items = SupplierItem.objects.filter(variant_id__in=variants, supplier__active=True).order_by("supplier_id", "pk")
    offers = [
        Offer(
            supplier_id=item.supplier_id, variant_id=item.variant_id, price=item.price, pack_size=item.pack_size,
            minimum_quantity=item.minimum_quantity, supplier_sku=item.sku, preferred=item.preferred, lead_days=item.lead_time_days,
        )
        for item in items
    ]  # fmt: skip
    suppliers = Supplier.objects.filter(pk__in={offer.supplier_id for offer in offers})
    terms = {s.pk: Terms(s.pk, s.currency, s.minimum_order, s.lead_time_days) for s in suppliers}
    drafted, firm = _on_order(variants)
    together = {key: drafted.get(key, 0) + firm.get(key, 0) for key in drafted.keys() | firm.keys()}
    return plan(
        wanted, offers, terms, drafted=drafted, on_order=together, choose=choose, fill_minimum=fill_minimum
    )  # fmt: skip


def _on_order(variant_ids: Iterable[int]) -> tuple[dict[tuple[int, int], int], dict[tuple[int, int], int]]:
    """(variant, location) → units on drafts, and → units that firm orders still lack."""
    lines = PurchaseLine.objects.filter(variant_id__in=set(variant_ids)).order_by()
    keys = ("variant_id", "order__location_id")
    drafts = lines.filter(order__state=PurchaseState.DRAFT).values_list(*keys).annotate(units=Sum("ordered"))
    firm = lines.filter(order__state__in=OPEN_STATES, outstanding__gt=0).values_list(*keys)
    return (
        {(variant, place): units for variant, place, units in drafts},
        {(variant, place): units for variant, place, units in firm.annotate(units=Sum("outstanding"))},
    )


def create_purchase_orders(
    plans: Sequence[PurchasePlan], *, actor: Actor, now: datetime, automatic: bool = True
) -> list[PurchaseOrder]:
    """Write plans as drafts; automatic ones wait for approval. The same need is never ordered twice.

    What came on order since the plan was made is taken off; a line or a plan of which nothing is left is not written, so sending
    the same plans again makes nothing. Raises Invalid for a supplier or location that is gone.
    """
    made: list[PurchaseOrder] = []
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_LOCK)
        drafted, firm = _on_order({line.variant_id for each in plans for line in each.lines})
        meanwhile: dict[tuple[int, int], int] = defaultdict(int, drafted)
        for key, units in firm.items():
            meanwhile[key] += units
        suppliers = Supplier.objects.in_bulk([each.supplier_id for each in plans])
        for each in plans:
            supplier = suppliers.get(each.supplier_id)
            if supplier is None:
                raise Invalid("no_such_supplier", _("There is no such supplier."), field="supplier")
            lines = [line for planned in each.lines if (line := _still_needed(planned, each.location_id, meanwhile))]
            if lines:
                made.append(_write(each, supplier, lines, automatic=automatic, actor=actor, now=now))
            for line in lines:
                meanwhile[(line.variant_id, each.location_id)] += line.quantity
    return made


def _still_needed(line: PlannedLine, location_id: int, meanwhile: Mapping[tuple[int, int], int]) -> PlannedLine | None:
    """The line less what came on order since it was planned; None when nothing of its need is left."""
    since = meanwhile[(line.variant_id, location_id)] - line.on_order
    if since <= 0:
        return line
    needed = line.needed - since
    if needed <= 0:
        return None
    quantity, added = round_up(needed, pack_size=line.pack_size, minimum_quantity=1)
    return PlannedLine(
        variant_id=line.variant_id, supplier_sku=line.supplier_sku, needed=needed, quantity=quantity, unit_cost=line.unit_cost,
        pack_size=line.pack_size, added=added, on_order=line.on_order + since,
    )  # fmt: skip


def _write(
    each: PurchasePlan,
    supplier: Supplier,
    lines: Sequence[PlannedLine],
    *,
    automatic: bool,
    actor: Actor,
    now: datetime,
) -> PurchaseOrder:
    order = new_order(
        supplier,
        each.location_id,
        automatic=automatic,
        now=now,
        expected_on=(now + timedelta(days=each.lead_days)).date(),
    )
    rows = [
        PurchaseLine(
            order=order, position=n, variant_id=line.variant_id, supplier_sku=line.supplier_sku, ordered=line.quantity,
            unit_cost=line.unit_cost, needed=line.needed, added=[_as_json(added) for added in line.added],
        )
        for n, line in enumerate(lines, 1)
    ]  # fmt: skip
    order.units = order.outstanding = sum(row.ordered for row in rows)
    order.total = goods_total(rows, order.currency)
    order.save(force_insert=True)
    PurchaseLine.objects.bulk_create(rows)
    kind = "purchase.planned" if automatic else "purchase.created"
    record(order, kind, actor=actor, now=now, supplier=supplier.name, units=order.units, total=str(order.total))
    return order


def _as_json(added: Added) -> dict[str, object]:
    return asdict(added)


def new_order(supplier: Supplier, location_id: int, *, now: datetime, **fields: object) -> PurchaseOrder:
    """A draft that is not saved yet: numbered, in the supplier's currency, with the rate that is known."""
    [pk] = next_ids(PurchaseOrder, 1)
    own = shop().currency
    rate, source = known_rate(supplier.currency, own)
    return PurchaseOrder(
        pk=pk, number=f"PO-{1000 + pk}", supplier=supplier, location_id=location_id, currency=supplier.currency,
        shop_currency=own, exchange_rate=rate, rate_source=source, created_at=now, **fields,
    )  # fmt: skip
