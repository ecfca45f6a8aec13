"""The locks of a count: counters share its row, so that many count at once; who finishes or posts it has it alone."""

from __future__ import annotations

from django.db import connection
from django.utils.translation import gettext as _

from core.refusals import NotFound
from counts.models import StockCount
from counts.states import COUNT_MACHINE

_SHARE = "SELECT FROM counts_stockcount WHERE id = %s FOR SHARE"


def share_count(count_id: int) -> StockCount:
    """The count, which nobody finishes or posts while this transaction counts. Raises NotFound, or Refusal when it is not open."""
    with connection.cursor() as cursor:
        cursor.execute(_SHARE, [count_id])
        if cursor.rowcount != 1:
            raise NotFound("no_such_count", _("There is no such count."))
    count = StockCount.objects.get(pk=count_id)
    COUNT_MACHINE.check(count, "count")
    return count


def lock_count(count_id: int, action: str) -> tuple[StockCount, str]:
    """The count, locked, and the state that `action` leads to. Raises NotFound, or Refusal `wrong_state`."""
    count = StockCount.objects.select_for_update(of=("self",), no_key=True).filter(pk=count_id).first()
    if count is None:
        raise NotFound("no_such_count", _("There is no such count."))
    return count, COUNT_MACHINE.check(count, action)
