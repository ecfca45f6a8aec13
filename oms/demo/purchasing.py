"""Suppliers and purchase orders of the demo shop: drafts to approve and to edit, one on its way, one late, one half received, one done."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from core.actors import Actor
from core.addresses import Address
from inventory.models import Location, LocationKind, Variant
from purchasing.models import PurchaseOrder, Supplier, SupplierItem
from purchasing.operations import (
    Arrived,
    Confirmation,
    NewLine,
    change_charges,
    confirm_purchase_order,
    create_purchase_order,
    create_purchase_orders,
    plan_purchases,
    receive_purchase_order,
    save_supplier,
    send_purchase_order,
)

ACTOR = Actor.system("demo")
_CENTS = Decimal("0.01")
#: (name, code, currency, language, lead time, spread, minimum order, terms, address, share of the price that is its cost)
SUPPLIERS = (
    ("Tatra Textile", "TATRA", "EUR", "pl", 9, "1.5", "250", "30 days net",
     Address(name="Tatra Textile", line1="ul. Fabryczna 12", postal_code="34-400", city="Nowy Targ", country="PL"), "0.48"),
    ("Aegean Outdoor", "AEGEAN", "USD", "tr", 21, "4", "600", "40 % with the order, 60 % on delivery",
     Address(name="Aegean Outdoor", line1="Atatürk Cd. 48", postal_code="35220", city="İzmir", country="TR"), "0.41"),
    ("Alborz Felt", "ALBORZ", "EUR", "fa", 28, "6", "0", "in advance",
     Address(name="Alborz Felt", line1="12 Valiasr St", postal_code="1419733171", city="Tehran", country="IR"), "0.37"),
)  # fmt: skip


def seed_purchasing(*, now: datetime) -> None:
    """Three suppliers that share the catalogue, and orders in every state; only where there are none."""
    if Supplier.objects.exists():
        return
    place = Location.objects.filter(active=True).exclude(kind=LocationKind.SUPPLIER).order_by("rank", "pk").first()
    variants = list(Variant.objects.filter(is_bundle=False, tracking="none", active=True).order_by("pk"))
    if place is None or len(variants) < 12:
        return
    suppliers = [_supplier(*row, now=now - timedelta(days=90)) for row in SUPPLIERS]
    _items(suppliers, variants, now=now)
    textile, aegean, _felt = suppliers
    done = _order(textile, place, 0, now=now - timedelta(days=25))
    _receive(done, now=now - timedelta(days=14))
    half = _order(aegean, place, 1, now=now - timedelta(days=20), rate="0.9213")
    _receive(half, now=now - timedelta(days=1), share=2)
    _order(textile, place, 2, now=now - timedelta(days=14), due=(now - timedelta(days=2)).date())
    _order(aegean, place, 3, now=now - timedelta(days=2), confirm=False)
    _order(textile, place, 4, now=now - timedelta(hours=3), send=False)
    needs = [(variant.pk, place.pk, 5 + n) for n, variant in enumerate(variants[-9:])]
    create_purchase_orders(plan_purchases(needs), actor=Actor.system("reorder"), now=now - timedelta(hours=1))


def _supplier(
    name: str, code: str, currency: str, language: str, lead: int, spread: str, minimum: str, terms: str, address: Address, share: str,
    *, now: datetime,
) -> Supplier:  # fmt: skip
    del share
    values = {
        "name": name, "code": code, "email": f"orders@{code.lower()}.example", "currency": currency, "language": language,
        "lead_time_days": lead, "lead_time_spread": Decimal(spread), "minimum_order": Decimal(minimum), "payment_terms": terms, "address": address,
    }  # fmt: skip
    return save_supplier(supplier_id=None, values=values, actor=ACTOR, now=now)


def _items(suppliers: list[Supplier], variants: list[Variant], *, now: datetime) -> None:
    """Each SKU from its preferred supplier, every third from a second one as well."""
    items = []
    for n, variant in enumerate(variants):
        for turn in range(2 if n % 3 == 0 else 1):
            place = (n + turn) % len(suppliers)
            share = Decimal(SUPPLIERS[place][-1]) + Decimal(turn) / 20
            items.append(
                SupplierItem(
                    supplier=suppliers[place], variant=variant, sku=f"{suppliers[place].code[:2]}-{1000 + n}", pack_size=(1, 6, 10)[n % 3],
                    minimum_quantity=(1, 6, 20)[n % 3], price=(variant.price * share).quantize(_CENTS), preferred=turn == 0,
                    updated_at=now,
                )
            )  # fmt: skip
    SupplierItem.objects.bulk_create(items)


def _order(
    supplier: Supplier, place: Location, turn: int, *, now: datetime, rate: str = "", due: date | None = None, send: bool = True,
    confirm: bool = True,
) -> PurchaseOrder:  # fmt: skip
    items = list(SupplierItem.objects.filter(supplier=supplier).order_by("pk")[turn * 3 : turn * 3 + 4])
    lines = [NewLine(item.variant_id, item.pack_size * (2 + n)) for n, item in enumerate(items)]
    order = create_purchase_order(
        supplier_id=supplier.pk, location_id=place.pk, lines=lines, expected_on=due, actor=ACTOR, now=now
    )
    change_charges(
        order_id=order.pk, freight=Decimal(35), duty=Decimal(12) if supplier.currency != "EUR" else Decimal(0), other=Decimal(0), basis="weight",
        exchange_rate=Decimal(rate or "0.9187") if order.foreign else None, rate_source=f"ECB, {now:%d %b %Y}", actor=ACTOR, now=now,
    )  # fmt: skip
    if send:
        send_purchase_order(order_id=order.pk, mail=False, actor=ACTOR, now=now)
        if confirm:
            days = [Confirmation(line.pk, line.ordered, due) for line in order.lines.all()]
            confirm_purchase_order(
                order_id=order.pk, lines=days, reference=f"SO-{4400 + turn}", actor=ACTOR, now=now + timedelta(hours=5)
            )
    return order


def _receive(order: PurchaseOrder, *, now: datetime, share: int = 1) -> None:
    lines = list(order.lines.order_by("position"))
    arrived = [
        Arrived(line.pk, line.ordered // share, damaged=int(n == 0 and share > 1)) for n, line in enumerate(lines)
    ]
    receive_purchase_order(
        order_id=order.pk,
        arrived=arrived,
        key=f"demo:{order.pk:08d}",
        reference=f"WZ/{order.pk}/11",
        actor=ACTOR,
        now=now,
    )
