"""What every gateway can do, in our words. Amounts are Decimals in the currency's own unit; each gateway writes them its own way.

A call ends in one of three ways, and which one decides what may happen next:

- it returns: it was done,
- it raises `Refused`: it was not done and will not be,
- it raises `Unknown`: nobody can say. It is never repeated; the gateway is asked (`fetch`, `find`) until it is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol


class Refused(Exception):
    """The gateway refused, or was not reached at all. code: stable words of the gateway's. text: a sentence for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code, self.text = code[:60], text[:300]


class Unknown(Exception):
    """No answer, or one that leaves open whether it was done: a time-out, a cut line, an error on the gateway's side."""


class Forged(Exception):
    """A message that the gateway did not send, or sent too long ago, or that cannot be read."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """What a customer is asked to pay. key: our name of it and the idempotency key; number: what the customer knows it by."""

    key: str
    number: str
    amount: Decimal
    currency: str
    manual: bool
    email: str
    language: str
    return_url: str
    cancel_url: str


@dataclass(frozen=True, slots=True)
class Started:
    """Where the customer pays. parent: the gateway's name of that place; reference: of the payment, where it exists already."""

    url: str
    parent: str
    reference: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Which payment a call is about, by all its names."""

    key: str
    reference: str
    parent: str
    currency: str
    manual: bool


@dataclass(frozen=True, slots=True)
class SeenCapture:
    """A capture the gateway knows by a name of its own. key: the idempotency key it was sent with, where that is kept."""

    reference: str
    amount: Decimal
    key: str = ""


@dataclass(frozen=True, slots=True)
class SeenRefund:
    """A refund the gateway knows. state: done | waiting | failed. capture: its name of the capture, where refunds are of one."""

    reference: str
    amount: Decimal
    state: str
    key: str = ""
    capture: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a gateway knows of a payment now.

    state: waiting (for the customer) | approved (the customer agreed, `confirm` must follow) | authorized | captured | cancelled |
    failed. authorized, captured, released are sums since its beginning. captures is None where the gateway tells the sum alone.
    key: our name of the payment, where the gateway kept it.
    """

    state: str
    reference: str
    currency: str
    amount: Decimal
    authorized: Decimal = Decimal(0)
    captured: Decimal = Decimal(0)
    released: Decimal = Decimal(0)
    refunds: tuple[SeenRefund, ...] = ()
    captures: tuple[SeenCapture, ...] | None = None
    key: str = ""
    manual: bool = True
    parts: bool = False
    method: str = ""
    expires_at: datetime | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What a webhook says, in our words: which of our payments to look at. references: all names the gateway uses of it."""

    event_id: str
    kind: str
    said_at: datetime
    references: tuple[str, ...] = field(default=())


class Gateway(Protocol):
    """An account with a gateway, ready to be called. Nothing here may be called inside a transaction."""

    #: Refunds are of one capture, not of the payment as a whole.
    refunds_by_capture: bool

    def check(self) -> str:
        """Ask something harmless with the credentials; the gateway's name of the account. Raises Refused, Unknown."""

    def start(self, purchase: Purchase) -> Started:
        """Prepare a page of the gateway where the customer pays."""

    def find(self, held: Held, since: datetime) -> Started | None:
        """What became of a `start` whose answer was lost; None when the gateway knows of nothing with that key."""

    def fetch(self, held: Held) -> Snapshot:
        """Everything the gateway knows of the payment."""

    def confirm(self, held: Held, *, key: str) -> str:
        """Take what the customer agreed to (authorise, or capture at once); the name of what came of it."""

    def capture(self, held: Held, *, amount: Decimal, final: bool, key: str) -> str:
        """Take `amount` of what is authorised. final: the rest is let go. The name of the capture."""

    def refund(self, held: Held, *, amount: Decimal, capture: str, key: str) -> SeenRefund:
        """Give `amount` back. capture: of which one, where refunds are of one."""

    def cancel(self, held: Held, *, key: str) -> None:
        """Let go what is authorised, or close the page where the customer would pay."""

    def read_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Message:
        """Check that the gateway sent this, lately, and read it. Raises Forged; Unknown when that cannot be checked now."""
