"""What happened to stock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.outbox import Event


@dataclass(frozen=True, slots=True)
class StockIncreased(Event):
    """More of these variants can be promised than before."""

    name: ClassVar[str] = "stock.increased"
    variant_ids: list[int]
