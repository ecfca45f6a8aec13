"""What happened to payments through gateways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.outbox import Event


@dataclass(frozen=True, slots=True)
class WebhookArrived(Event):
    """A gateway sent a message whose signature was right."""

    name: ClassVar[str] = "gateway.webhook_arrived"
    delivery_id: int
