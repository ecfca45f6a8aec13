"""Drafts as people compose them, through the product's own operations."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from core.addresses import Address
from drafts.models import DraftOrder
from drafts.operations import NewLine, begin_draft, edit_draft, hold_stock, send_draft
from inventory.models import Variant
from orders.models import Channel, TaxRate
from tests.factories.shop import ACTOR, NOW, make_channel

HOME = Address(name="Zofia Kowalska", line1="ul. Długa 5", city="Kraków", postal_code="30-001", country="PL")


def make_draft(
    lines: list[tuple[Variant, int]] | None = None,
    *,
    scenario: str = "phone",
    channel: Channel | None = None,
    custom: list[tuple[str, str]] = (),  # type: ignore[assignment]
    held_for: timedelta | None = None,
    now: datetime = NOW,
    **head: Any,
) -> DraftOrder:
    """An open draft of a customer in Kraków. lines: (variant, units). custom: (words, price). held_for: its stock is held so long."""
    draft = begin_draft(scenario=scenario, channel_id=(channel or make_channel()).pk, actor=ACTOR, now=now)
    added = [NewLine(units, variant.pk) for variant, units in lines or []]
    added += [NewLine(1, title=words, unit_price=Decimal(price)) for words, price in custom]
    values = {
        "customer_name": "Zofia Kowalska",
        "email": "zofia@example.com",
        "shipping_address": HOME,
        "tax_included": False,
        **head,
    }
    draft = edit_draft(draft_id=draft.pk, head=values, added=added, actor=ACTOR, now=now)
    if held_for is not None:
        draft = hold_stock(draft_id=draft.pk, until=now + held_for, actor=ACTOR, now=now)
    return draft


def drafts_to_walk(channel: Channel, variant: Variant, *, now: datetime) -> dict[str, Any]:
    """By name: a draft that is open, one that was sent and holds its stock, a tax rate."""
    rate, _made = TaxRate.objects.get_or_create(country="PL", defaults={"name": "VAT", "rate": Decimal("0.23")})
    sent = make_draft([(variant, 1)], channel=channel, held_for=timedelta(days=2), now=now)
    sent = send_draft(draft_id=sent.pk, mail=False, actor=ACTOR, now=now)
    return {"draft_open": make_draft([(variant, 1)], channel=channel, now=now), "draft_sent": sent, "tax_rate": rate}
