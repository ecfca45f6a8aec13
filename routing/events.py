"""What happened in routing, for the rest of the system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.outbox import Event


@dataclass(frozen=True, slots=True)
class RulesPublished(Event):
    """Other rules are live."""

    name: ClassVar[str] = "routing.rules_published"
    version: int
