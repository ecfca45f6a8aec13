"""What became of one record of an import, and the lock that lets one import of a kind write at a time."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

from django.db import connection

CREATED, UPDATED, UNCHANGED, REFUSED = "created", "updated", "unchanged", "refused"


#: (column, what it said, what it says then), as a report shows it.
Change = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """created, updated, unchanged, or refused with the reason. field: the meaning of the column at fault; line: position of an
    order's line from 0, where one is at fault. changes: what became different, where an import tells it."""

    state: str
    message: str = ""
    field: str = ""
    line: int | None = None
    changes: tuple[Change, ...] = ()


def refused(message: str, *, field: str = "", line: int | None = None) -> Outcome:
    """The outcome of a record that cannot be taken."""
    return Outcome(REFUSED, message, field, line)


def changed(*changes: bool) -> Outcome:
    """Updated when anything changed."""
    return Outcome(UPDATED if any(changes) else UNCHANGED)


def take_turn(kind: str) -> None:
    """Wait until no other transaction imports records of this kind; given back at the commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, %s)", [crc32(b"oms.import") - 2**31, crc32(kind.encode()) - 2**31]
        )
