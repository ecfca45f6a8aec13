"""Why a line is off, in words; the ledger repeats them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import NotFound, Refusal
from core.timeline import record
from counts.models import StockCount
from counts.states import CLOSED_STATES


def explain_lines(*, count_id: int, reasons: Mapping[int, str], actor: Actor, now: datetime) -> int:
    """Note reasons at lines (by id); the number of lines changed. Raises Refusal when the count is settled."""
    with transaction.atomic():
        count = StockCount.objects.select_for_update(of=("self",), no_key=True).filter(pk=count_id).first()
        if count is None:
            raise NotFound("no_such_count", _("There is no such count."))
        if count.state in CLOSED_STATES:
            raise Refusal("wrong_state", _("The count is settled; its reasons stay as they are."))
        changed = []
        for line in count.lines.select_for_update(no_key=True).filter(pk__in=list(reasons)).select_related(None):
            text = " ".join(reasons[line.pk].replace("\x00", "").split())[:120]
            if text != line.reason:
                line.reason = text
                changed.append(line)
        count.lines.bulk_update(changed, ["reason"])
        if changed:
            record(count.subject, "count.explained", actor=actor, at=now, lines=len(changed))
        return len(changed)
