"""Money of an order that is on its way: asked of a gateway, with no outcome known yet. It counts against every new act.

Apps above know of such money. They say so in a module `order_money`:

    register(load)      # load(order) -> Moving; called under the order's lock, one statement
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from django.utils.module_loading import autodiscover_modules

from orders.models import Order


@dataclass(frozen=True, slots=True)
class Moving:
    """captures: on its way to us. refunds: on its way back to the customer."""

    captures: Decimal = Decimal(0)
    refunds: Decimal = Decimal(0)


Load = Callable[[Order], Moving]
_SOURCES: list[Load] = []


def register(source: Load) -> None:
    """Add somebody who knows of money on its way."""
    if source not in _SOURCES:
        _SOURCES.append(source)


@lru_cache(maxsize=1)
def _discover() -> None:
    autodiscover_modules("order_money")


def under_way(order: Order) -> Moving:
    """All money of the order that is on its way."""
    _discover()
    parts = [source(order) for source in _SOURCES]
    return Moving(sum((part.captures for part in parts), Decimal(0)), sum((part.refunds for part in parts), Decimal(0)))
