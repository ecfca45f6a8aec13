"""What happened to returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.outbox import Event


@dataclass(frozen=True, slots=True)
class ReturnRequested(Event):
    """A customer (or a person for them) asked to send goods back, and somebody must decide."""

    name: ClassVar[str] = "return.requested"
    return_id: int


@dataclass(frozen=True, slots=True)
class ReturnApproved(Event):
    """The goods may come back: by policy at once, or by a person."""

    name: ClassVar[str] = "return.approved"
    return_id: int


@dataclass(frozen=True, slots=True)
class ReturnDeclined(Event):
    name: ClassVar[str] = "return.declined"
    return_id: int


@dataclass(frozen=True, slots=True)
class ReturnReceived(Event):
    """Goods of the return arrived, for the first time."""

    name: ClassVar[str] = "return.received"
    return_id: int


@dataclass(frozen=True, slots=True)
class ReturnResolved(Event):
    """The return is settled: refunded or closed without."""

    name: ClassVar[str] = "return.resolved"
    return_id: int


@dataclass(frozen=True, slots=True)
class ReturnCancelled(Event):
    name: ClassVar[str] = "return.cancelled"
    return_id: int
