"""What happened to stock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.outbox import Event


@dataclass(frozen=True, slots=True)
class StockChanged(Event):
    """The ledger of these levels grew: all changes since the last such event in one. keys: [variant id, location id] each, once."""

    name: ClassVar[str] = "stock.changed"
    keys: list[list[int]]


@dataclass(frozen=True, slots=True)
class StockIncreased(Event):
    """More of these variants can be promised than before."""

    name: ClassVar[str] = "stock.increased"
    variant_ids: list[int]
