"""The history of a supplier or an order, as somebody may see it."""

from __future__ import annotations

from core.timeline import entries_for
from core.timeline_text import TimelineLine, lines_for
from purchasing.timeline_text import without_money


def history(subject: str, *, sees_costs: bool) -> list[TimelineLine]:
    """The newest lines, without amounts for people who may not see costs."""
    entries = entries_for(subject, limit=100)
    return lines_for(entries if sees_costs else without_money(entries))
