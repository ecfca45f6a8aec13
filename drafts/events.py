"""What happened to drafts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.outbox import Event


@dataclass(frozen=True, slots=True)
class DraftSent(Event):
    """Somebody sent a draft to its customer by e-mail. version: the one that was sent."""

    name: ClassVar[str] = "draft.sent"
    draft_id: int
    version: int
