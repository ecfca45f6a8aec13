"""What a bulk operation answers: which items were done and which were refused, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class BulkOutcome:
    """The result of one act on many things.

    done: the things (or their labels) that were changed. refused: (label, sentence) of each thing that was not.
    job: the background job that does the work instead, when it was handed over; done and refused are then empty.
    next_url: the page on which the person goes on with these things, where the act is only its beginning.
    undo_url: where a post takes it back, while that is possible.
    """

    done: list[Any] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    job: Any | None = None
    next_url: str = ""
    undo_url: str = ""

    def refuse(self, label: object, reason: object) -> None:
        """Note that one thing was refused, and why, in a sentence for people."""
        self.refused.append((str(label), str(reason)))
