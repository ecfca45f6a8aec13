"""Channels: how many numbers they have, and where their changes are posted."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, OuterRef, Q, Subquery
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from availability.forms import EndpointForm
from availability.models import ChannelAvailability, Endpoint, WebhookPost
from availability.operations.endpoints import BOTH_KEYS, change_key, key_mark, save_endpoint, send_all
from availability.operations.recomputing import recompute
from availability.views.rules import require_edit
from availability.webhooks.posting import send_test
from core.actors import Actor
from core.forms import add_refusal
from core.listing.counting import count_many
from core.listing.keyset import BadCursor, Keyset
from core.permissions import require
from core.refusals import Refusal
from core.requests import StaffRequest
from core.timeline import entries_for
from core.timeline_text import lines_for
from orders.models import Channel

_POSTS_SHOWN = 25
_NEWEST = Keyset(("id",), desc=True)


@require("availability.view")
@require_safe
def channels(request: StaffRequest) -> HttpResponse:
    """Every channel with its rules, its numbers and its endpoint."""
    last = WebhookPost.objects.filter(endpoint__channel=OuterRef("pk")).order_by("-id")
    rows = list(
        Channel.objects.select_related("availability_endpoint")
        .annotate(rule_count=Count("availability_rules", filter=Q(availability_rules__active=True)))
        .annotate(last_state=Subquery(last.values("state")[:1]), last_at=Subquery(last.values("attempted_at")[:1]))
        .order_by("name")
    )
    counts = count_many([ChannelAvailability.objects.filter(channel=row) for row in rows], cap=9_999)
    context = {"channels": list(zip(rows, counts, strict=True)), "may_edit": request.user.can("availability.edit")}
    return render(request, "availability/channels.html", context)


@require("availability.view")
@require_http_methods(["GET", "POST"])
def webhook(request: StaffRequest, pk: int) -> HttpResponse:
    """The endpoint of a channel: its address, its key, what was posted."""
    channel = get_object_or_404(Channel, pk=pk)
    endpoint = Endpoint.objects.filter(channel=channel).first()
    if request.method != "POST":
        initial = {"url": endpoint.url, "active": endpoint.active} if endpoint else None
        return _page(request, channel, endpoint, EndpointForm(initial=initial))
    require_edit(request)
    form = EndpointForm(request.POST)
    if form.is_valid():
        try:
            endpoint, secret = save_endpoint(
                channel_id=pk, url=form.cleaned_data["url"], active=form.cleaned_data["active"], actor=Actor.user(request.user),
                now=timezone.now(),
            )  # fmt: skip
            if secret:
                return _page(request, channel, endpoint, form, secret=secret)
            messages.success(request, _("Saved."))
            return redirect("availability-webhook", pk=pk)
        except Refusal as refusal:
            add_refusal(form, refusal)
    return _page(request, channel, endpoint, form, status=422)


def _page(
    request: StaffRequest, channel: Channel, endpoint: Endpoint | None, form: EndpointForm, *, secret: str = "", status: int = 200
) -> HttpResponse:  # fmt: skip
    context: dict[str, Any] = {
        "channel": channel, "endpoint": endpoint, "form": form, "secret": secret, "may_edit": request.user.can("availability.edit"),
        "both_hours": int(BOTH_KEYS.total_seconds() // 3600),
    }  # fmt: skip
    if endpoint is not None:
        posts = WebhookPost.objects.filter(endpoint=endpoint)
        try:
            page = _NEWEST.page(posts, size=_POSTS_SHOWN, after=request.GET.get("after") or None)
        except BadCursor:
            page = _NEWEST.page(posts, size=_POSTS_SHOWN)
        context |= {"posts": page.rows, "next": page.next, "mark": key_mark(endpoint)}
        context["entries"] = lines_for(entries_for(endpoint.subject, limit=20))
    response = render(request, "availability/webhook.html", context, status=status)
    if secret:
        response["Cache-Control"] = "no-store"
    return response


@require("availability.edit")
@require_POST
def webhook_test(request: StaffRequest, pk: int) -> HttpResponse:
    """Post a test message now and say what came back."""
    endpoint = get_object_or_404(Endpoint.objects.select_related("channel"), channel_id=pk)
    answer = send_test(endpoint, now=timezone.now())
    words = {"status": answer.status, "ms": answer.milliseconds, "text": answer.text[:120]}
    if answer.accepted:
        messages.success(request, _("The receiver took it: {status} in {ms} ms.").format(**words))
    elif answer.status:
        messages.error(request, _("The receiver answered {status}: {text}").format(**words))
    else:
        messages.error(request, _("Nothing came back: {text}").format(**words))
    return redirect("availability-webhook", pk=pk)


@require("availability.edit")
@require_POST
def webhook_key(request: StaffRequest, pk: int) -> HttpResponse:
    """Make a new key; it is shown this once."""
    channel = get_object_or_404(Channel, pk=pk)
    get_object_or_404(Endpoint, channel=channel)
    try:
        endpoint, secret = change_key(
            channel_id=pk, mark=request.POST.get("mark", ""), actor=Actor.user(request.user), now=timezone.now()
        )
    except Refusal as refusal:
        messages.error(request, refusal.message)
        return redirect("availability-webhook", pk=pk)
    form = EndpointForm(initial={"url": endpoint.url, "active": endpoint.active})
    return _page(request, channel, endpoint, form, secret=secret)


@require("availability.edit")
@require_POST
def webhook_send_all(request: StaffRequest, pk: int) -> HttpResponse:
    """Send every number of the channel again."""
    endpoint = get_object_or_404(Endpoint.objects.select_related("channel"), channel_id=pk)
    job = send_all(endpoint, actor=Actor.user(request.user), now=timezone.now())
    return redirect("job", pk=job.pk) if job else redirect("availability-webhook", pk=pk)


@require("availability.edit")
@require_POST
def channel_recompute(request: StaffRequest, pk: int) -> HttpResponse:
    """Work out every number of a channel again."""
    channel = get_object_or_404(Channel, pk=pk)
    job = recompute(
        channel=channel, scopes=None, actor=Actor.user(request.user), now=timezone.now(), dedupe_key=f"availability:{pk}"
    )  # fmt: skip
    return redirect("job", pk=job.pk) if job else redirect("availability-channels")
