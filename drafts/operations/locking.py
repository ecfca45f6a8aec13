"""One draft under lock, and what all its moves share: its lines, its money, its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from core import timeline
from core.actors import Actor
from core.refusals import Invalid, NotFound, Stale
from core.text import search_words
from drafts.models import DraftLine, DraftOrder
from drafts.queries import lines_of, money_of
from drafts.states import DRAFT_MACHINE
from oms.orchestration.requests import MOST_MONEY


@dataclass(slots=True)
class Locked:
    """A locked draft with its lines in their order."""

    draft: DraftOrder
    lines: list[DraftLine]

    def check(self, action: str) -> str:
        """The state that `action` leads to; raises Refusal when it is not possible now."""
        return DRAFT_MACHINE.check(self.draft, action)


def lock_draft(draft_id: int, *, version: int | None = None) -> Locked:
    """Lock the draft in the caller's transaction, before every other lock, and read its lines.

    Raises NotFound, or Stale when `version` is given and somebody changed the draft since.
    """
    rows = DraftOrder.objects.select_for_update(of=("self",), no_key=True).select_related("channel", "location")
    draft = rows.defer("search").filter(pk=draft_id).first()
    if draft is None:
        raise NotFound("no_such_draft", _("There is no such draft."))
    if version is not None and draft.version != version:
        sentence = _("{number} was changed by somebody else since you opened it. Look again.")
        raise Stale("draft_changed", sentence.format(number=draft.number))
    return Locked(draft, lines_of(draft))


def write_draft(locked: Locked, *, now: datetime, **changes: Any) -> None:
    """Save changed columns of the draft with its sums, its search words and the next version. Raises Invalid beyond what an order may cost."""
    draft = locked.draft
    for name, value in changes.items():
        setattr(draft, name, value)
    money = money_of(draft, locked.lines)
    if max(money.subtotal, money.total) > MOST_MONEY:
        raise Invalid("bad_amount", _("That is more than an order can come to."), field="lines")
    draft.subtotal, draft.discount_total, draft.tax_total, draft.total = (
        money.subtotal,
        money.discount,
        money.tax,
        money.total,
    )
    draft.units = sum(line.quantity for line in locked.lines)
    draft.search_text = search_words(
        draft.number, draft.customer_name, draft.email, draft.phone, draft.po_number, draft.ship_to.name, draft.ship_to.company,
        *(line.variant.sku if line.variant else line.title for line in locked.lines),
    )  # fmt: skip
    draft.version += 1
    draft.updated_at = now
    sums = ["subtotal", "discount_total", "tax_total", "total", "units", "search_text", "version", "updated_at"]
    draft.save(update_fields=[*changes, *sums])


def check_address(draft: DraftOrder, lines: Sequence[DraftLine]) -> None:
    """Goods that are shipped need a street, a city and a country. Raises Invalid (field `ship_line1`)."""
    ships = any(line.variant and (line.variant.requires_shipping or line.variant.is_bundle) for line in lines)
    to = draft.ship_to
    if ships and draft.location_id is None and not (to.line1 and to.city and to.country):
        raise Invalid("no_address", _("Say where it goes: street, city and country."), field="ship_line1")


def record(draft: DraftOrder, kind: str, *, actor: Actor, now: datetime, **data: Any) -> None:
    """One line in the draft's history."""
    timeline.record(draft.subject, kind, actor=actor, at=now, **data)
