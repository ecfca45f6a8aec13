"""What channels have to be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.outbox import Event


@dataclass(frozen=True, slots=True)
class AvailabilityChanged(Event):
    """These SKUs of a channel show other numbers than before. items: [variant id, units shown, version] each, once.

    message_id names the message to the channel's endpoint: a repeat carries it again.
    """

    name: ClassVar[str] = "availability.changed"
    channel_id: int
    message_id: str
    items: list[list[int]]
