"""Drafts of the demo shop in each state, and the tax rates of the countries it sells to."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal

from core.actors import Actor
from core.addresses import Address
from core.refusals import Refusal
from drafts.models import DraftOrder
from drafts.operations import (
    NewLine,
    PaidInPerson,
    begin_draft,
    complete_draft,
    edit_draft,
    end_draft,
    hold_stock,
    send_draft,
)
from drafts.totals import Discount
from inventory.models import Variant
from orders.models import Channel, TaxRate

ACTOR = Actor.system("demo")
RATES = [
    ("PL", "VAT", "0.23"),
    ("DE", "MwSt.", "0.19"),
    ("FR", "TVA", "0.20"),
    ("GB", "VAT", "0.20"),
    ("TR", "KDV", "0.20"),
    ("IR", "VAT", "0.10"),
]
_JONAS = Address("Jonas Weber", "", "Torstraße 99", "", "Berlin", "", "10119", "DE", "+49 30 5550 134")
_OUTFITTER = Address(
    "Anna Nowak", "Tatry Outfitters", "ul. Krupówki 20", "", "Zakopane", "", "34-500", "PL", "+48 18 555 02 11"
)
_ZOFIA = Address("Zofia Kowalska", "", "ul. Długa 5", "", "Kraków", "", "30-001", "PL", "+48 600 123 456")


def seed_drafts(*, now: datetime) -> None:
    """One being composed, one sent with its stock held, one wholesale on terms, one sold at the counter, one that ended."""
    TaxRate.objects.bulk_create(
        [TaxRate(country=country, name=name, rate=Decimal(rate)) for country, name, rate in RATES],
        ignore_conflicts=True,
    )
    goods = list(Variant.objects.filter(is_bundle=False, tracking="none", active=True).order_by("pk")[:12])
    if DraftOrder.objects.exists() or len(goods) < 12 or not Channel.objects.filter(active=True).exists():
        return
    _draft(
        "phone", [(goods[0], 1), (goods[3], 2)], _ZOFIA, now=now - timedelta(minutes=20), words=("Gift wrap", "4.90")
    )
    sent = _draft(
        "phone",
        [(goods[4], 1), (goods[6], 2)],
        _JONAS,
        now=now - timedelta(days=1),
        discount=Discount("percent", Decimal(5)),
    )
    _held(sent, until=now + timedelta(days=3), now=now)
    send_draft(draft_id=sent.pk, mail=False, actor=ACTOR, now=now - timedelta(hours=20))
    bulk = [(goods[n], 6 + 2 * n) for n in range(1, 4)]
    _draft(
        "wholesale",
        bulk,
        _OUTFITTER,
        now=now - timedelta(hours=5),
        po_number="TO-2026-118",
        discount=Discount("percent", Decimal(20)),
    )
    counter = _draft(
        "counter", [(goods[8], 1)], None, now=now - timedelta(hours=2), customer_name="Walk-in customer", email=""
    )
    with suppress(Refusal):  # where the store has none of it, it stays open
        complete_draft(
            draft_id=counter.pk, action="paid", paid=PaidInPerson(None, "Cash"), actor=ACTOR, now=now - timedelta(hours=2)
        )  # fmt: skip
    old = _draft("phone", [(goods[10], 3)], _JONAS, now=now - timedelta(days=34))
    end_draft(draft_id=old.pk, action="expire", actor=ACTOR, now=now - timedelta(days=4))


def _draft(
    scenario: str, lines: list[tuple[Variant, int]], address: Address | None, *, now: datetime, words: tuple[str, str] | None = None, **head: object
) -> DraftOrder:  # fmt: skip
    draft = begin_draft(scenario=scenario, actor=ACTOR, now=now)
    added = [NewLine(units, variant.pk) for variant, units in lines]
    if words:
        added.append(NewLine(1, title=words[0], unit_price=Decimal(words[1])))
    values: dict[str, object] = {}
    if address:
        mail = address.name.lower().replace(" ", ".")
        values = {
            "customer_name": address.name, "email": f"{mail}@example.com", "phone": address.phone, "shipping_address": address,
            "shipping_total": Decimal("5.90"),
        }  # fmt: skip
    return edit_draft(draft_id=draft.pk, head=values | head, added=added, actor=ACTOR, now=now)


def _held(draft: DraftOrder, *, until: datetime, now: datetime) -> None:
    with suppress(Refusal):  # nothing of it is in stock
        hold_stock(draft_id=draft.pk, until=until, actor=ACTOR, now=now)
