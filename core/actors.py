"""Who did it. Every write carries an Actor; histories store its short reference and a label that survives the person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, an API token, a customer or a part of the system.

    kind: user | token | customer | system. key identifies it within the kind. label is what people read.
    """

    kind: str
    key: str
    label: str

    @property
    def ref(self) -> str:
        """Short stored form, e.g. ``user:12`` or ``system:routing``."""
        return f"{self.kind}:{self.key}"[:80]

    @classmethod
    def user(cls, user: Any) -> Actor:
        return cls("user", str(user.pk), user.get_full_name() or user.get_username())

    @classmethod
    def token(cls, token: Any) -> Actor:
        return cls("token", str(token.pk), token.name)

    @classmethod
    def customer(cls, email: str) -> Actor:
        return cls("customer", email[:60], email)

    @classmethod
    def system(cls, part: str) -> Actor:
        return cls("system", part, part)
