"""The channels: a shop has a handful, so there is one page and one form."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from channels.forms import ChannelForm
from channels.models import ImportRun
from channels.operations import save_channel
from channels.operations.channel_settings import subject_of
from channels.queries import listed_channels
from core.actors import Actor
from core.forms import add_refusal
from core.listing.counting import count_many
from core.permissions import require
from core.refusals import Refusal
from core.timeline import entries_for
from core.timeline_text import lines_for
from orders.models import Channel, Order

_IMPORTS_SHOWN = 5
#: Orders of a channel are counted this far only: a page stays fast at a million of them.
COUNTS_CAP = 9_999


@require("channels.view")
@require_safe
def channels(request: HttpRequest) -> HttpResponse:
    """Every channel with what came from it."""
    rows = listed_channels()
    counts = count_many([Order.objects.filter(channel=row) for row in rows], cap=COUNTS_CAP)
    context = {"channels": list(zip(rows, counts, strict=True)), "may_edit": request.user.can("channels.edit")}
    return render(request, "channels/channels.html", context)


@require("channels.edit")
@require_http_methods(["GET", "POST"])
def channel_new(request: HttpRequest) -> HttpResponse:
    """Add a channel."""
    return _form(request, None)


@require("channels.edit")
@require_http_methods(["GET", "POST"])
def channel(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a channel; beside it its imports and its history."""
    return _form(request, get_object_or_404(Channel, pk=pk))


def _form(request: HttpRequest, found: Channel | None) -> HttpResponse:
    name = found.name if found else ""
    form = ChannelForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        try:
            saved = save_channel(
                channel_id=found.pk if found else None,
                values=form.cleaned_data,
                actor=Actor.user(request.user),
                now=timezone.now(),
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(
                request, _("Saved.") if found else _("{name} can take orders now.").format(name=saved.name)
            )
            return redirect("channel", pk=saved.pk)
    context: dict[str, Any] = {"form": form, "channel": found, "channel_name": name}
    if found:
        context["imports"] = (
            ImportRun.objects.filter(channel=found)
            .select_related("job")
            .order_by("-created_at", "-id")[:_IMPORTS_SHOWN]
        )
        context["entries"] = lines_for(entries_for(subject_of(found)))
    return render(request, "channels/channel.html", context, status=422 if form.errors else 200)
