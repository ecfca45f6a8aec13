"""Take back what was done to many orders."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from core.actors import Actor
from core.permissions import require
from core.refusals import NotFound, Refusal
from core.requests import StaffRequest
from oms.bulk import undo_change

REFUSALS_SHOWN = 10


@require("orders.view")
@require_POST
def undo(request: StaffRequest, pk: int) -> HttpResponse:
    """Undo an act of one's own: who did it may take it back."""
    try:
        outcome = undo_change(change_id=pk, actor=Actor.user(request.user), now=timezone.now())
    except NotFound:
        raise
    except Refusal as refusal:
        messages.error(request, refusal.message)
        return redirect("orders")
    if outcome.job is not None:
        return redirect("job", pk=outcome.job.pk)
    if outcome.done:
        done = len(outcome.done)
        messages.success(request, ngettext("Undone on {n} order.", "Undone on {n} orders.", done).format(n=done))
    for number, reason in outcome.refused[:REFUSALS_SHOWN]:
        messages.warning(request, f"{number}: {reason}")
    if not outcome.done and not outcome.refused:
        messages.info(request, _("There was nothing to undo."))
    return redirect("orders")
