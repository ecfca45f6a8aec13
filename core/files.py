"""Files in the database: one backup has everything, and web and worker need no shared disk."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from core.models import StoredFile


def store_file(*, name: str, content_type: str, data: bytes, expires_at: datetime | None = None) -> StoredFile:
    """Keep a file; its name is only ever shown, never used as a path."""
    return StoredFile.objects.create(
        name=name.replace("\x00", "")[-200:] or "file",
        content_type=content_type,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        data=data,
        expires_at=expires_at,
    )


def file_response(name: str, content_type: str, data: bytes, *, inline: bool = False) -> HttpResponse:
    """Answer with a file: as attachment unless it is a type we made ourselves (PDF) that may open in the browser."""
    response = HttpResponse(bytes(data), content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(not inline, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def drop_expired(*, now: datetime) -> int:
    """Delete files that were kept for a while only (uploads that were never started); the number deleted."""
    return StoredFile.objects.filter(expires_at__lte=now).delete()[0]
