"""What happened to documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.outbox import Event


@dataclass(frozen=True, slots=True)
class DocumentIssued(Event):
    """A document has its number and never changes again. mail: it goes to its customer."""

    name: ClassVar[str] = "document.issued"
    document_id: int
    mail: bool


@dataclass(frozen=True, slots=True)
class DocumentMailAsked(Event):
    """Somebody sends a document (again). key: names the request, so that it is sent once."""

    name: ClassVar[str] = "document.mail_asked"
    document_id: int
    to: str
    key: str
