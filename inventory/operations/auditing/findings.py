"""How an audit names what it finds: SKU, place, bucket and lot, what it is and what it should be."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection

from inventory.operations.auditing.checks import COLUMNS


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. subject: what it is of ("transfer:7"). since: the first row of the ledger from which it is, where that
    can be told. repair: what puts it right, in a sentence. Checks that do not count stock give a `detail` and no numbers."""

    check: str
    subject: str
    sku: str = ""
    location: str = ""
    bucket: str = ""
    lot: str = ""
    found: int = 0
    expected: int = 0
    detail: str = ""
    since: int | None = None
    repair: str = ""
    variant_id: int | None = None
    location_id: int | None = None
    lot_id: int | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def where(self) -> str:
        """What it is of, as people name it."""
        names = [self.sku, f"lot {self.lot}" if self.lot else "", f"at {self.location}" if self.location else ""]
        named = " ".join(name for name in names if name)
        return named if self.subject.startswith(("stock:", "lot:")) else f"{self.subject} {named}".strip()

    @property
    def told(self) -> str:
        """What is wrong, in a sentence."""
        if self.detail:
            return self.detail
        since = f", since row {self.since} of the ledger" if self.since else ""
        return f"{self.bucket} is {self.found}, should be {self.expected}{since}"


_NAMED = """
    SELECT c.subject, coalesce(v.sku, ''), coalesce(l.name, ''), c.bucket, CASE WHEN lot.id IS NULL THEN '' ELSE coalesce(nullif(lot.code, ''), '(none)') END,
           c.found, c.expected, c.variant_id, c.location_id, c.lot_id
      FROM ({statement}) AS c ({columns})
      LEFT JOIN inventory_variant v ON v.id = c.variant_id
      LEFT JOIN inventory_location l ON l.id = c.location_id
      LEFT JOIN inventory_lot lot ON lot.id = c.lot_id
      {only}
     ORDER BY v.sku, l.name, c.subject, lot.code, c.bucket LIMIT {limit}
"""
_TOLD = "SELECT c.subject, c.detail FROM ({statement}) AS c (subject, detail) {only} ORDER BY 1 LIMIT {limit}"


def counts_stock(statement: str) -> bool:
    """Whether a check's rows are counts of stock (`COLUMNS`), or (subject, detail)."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({statement}) AS c LIMIT 0")  # noqa: S608 - our own text
        return len(cursor.description or ()) == len(COLUMNS)


def find(check: str, statement: str, *, limit: int, subject: str | None = None) -> list[Finding]:
    """What a check finds, the first `limit`; of one subject alone when that is given."""
    counts = counts_stock(statement)
    only = "" if subject is None else "WHERE c.subject = %s"
    frame = _NAMED if counts else _TOLD
    text = frame.format(statement=statement.replace("%", "%%"), columns=", ".join(COLUMNS), only=only, limit=int(limit))
    with connection.cursor() as cursor:
        cursor.execute(text, [] if subject is None else [subject])
        rows = cursor.fetchall()
    if not counts:
        return [Finding(check, subject=str(row[0]), detail=str(row[1])) for row in rows]
    return [
        Finding(
            check, row[0], row[1], row[2], row[3], row[4], int(row[5]), int(row[6]), variant_id=row[7], location_id=row[8], lot_id=row[9]
        )
        for row in rows
    ]  # fmt: skip
