"""Bring in a file by upload: choose it, see how it is read, start.

Between the steps the file is kept for a day under a signed name that only the person who brought it can use.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from channels.formats import RowError
from channels.forms import ReadingForm, UploadForm
from channels.meanings import MEANINGS
from channels.models import OF_CHANNEL, TRIABLE, ImportKind
from channels.operations import Inspection, inspect_file, start_import
from channels.operations.starting import MAX_FILE
from core.actors import Actor
from core.files import store_file
from core.models import Shop, StoredFile
from core.permissions import require
from core.refusals import Refusal
from orders.models import Channel

_SALT = "channels.upload"
_KEPT = timedelta(days=1)


@require("imports.run")
@require_http_methods(["GET", "POST"])
def import_new(request: HttpRequest) -> HttpResponse:
    """Choose a file."""
    of_channel = request.GET.get("kind", ImportKind.ORDERS) in OF_CHANNEL
    if of_channel and request.method == "GET" and not Channel.objects.filter(active=True).exists():
        messages.info(request, _("Add the channel first that the file comes from."))
        return redirect("channel-new" if request.user.can("channels.edit") else "channels")
    initial = {key: request.GET[key] for key in ("kind", "channel", "format") if key in request.GET}
    form = UploadForm(request.POST or None, request.FILES or None, initial=initial, user=request.user)
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        if upload.size > MAX_FILE:
            form.add_error("file", _("The file is larger than {size} MB.").format(size=MAX_FILE >> 20))
        else:
            file = store_file(
                name=upload.name,
                content_type="application/octet-stream",
                data=upload.read(),
                expires_at=timezone.now() + _KEPT,
            )
            channel = form.cleaned_data["channel"]
            told = {
                "file": file.pk,
                "user": request.user.pk,
                "kind": form.cleaned_data["kind"],
                "format": form.cleaned_data["format"],
                "channel": channel.pk if channel else None,
            }
            return redirect("import-preview", token=signing.dumps(told, salt=_SALT))
    return render(request, "channels/upload.html", {"form": form}, status=422 if form.errors else 200)


@require("imports.run")
@require_http_methods(["GET", "POST"])
def preview(request: HttpRequest, token: str) -> HttpResponse:
    """See how the file is read, correct that, and start."""
    told = _opened(token, request.user.pk)
    file = get_object_or_404(StoredFile, pk=told["file"])
    channel = get_object_or_404(Channel, pk=told["channel"]) if told["channel"] else None
    kind, format_ = ImportKind(told["kind"]), told.get("format", "shopify")
    data = bytes(file.data)
    form = ReadingForm(
        request.POST or request.GET or None, initial={"time_zone": channel.time_zone if channel else shop_zone()}
    )
    options = form.cleaned_data if form.is_bound and form.is_valid() else {}
    inspection, refusal = _inspect(data, kind, format_, channel, options)
    if request.method == "POST" and inspection and form.is_valid():
        run = start_import(
            kind=kind, format_=format_, channel=channel, file_name=file.name, data=data, inspection=inspection,
            trial="trial" in request.POST, actor=Actor.user(request.user), now=timezone.now(),
        )  # fmt: skip
        file.delete()
        return redirect("import", pk=run.pk)
    context = {
        "form": form,
        "file": file,
        "channel": channel,
        "kind": kind.label,
        "triable": kind in TRIABLE,
        "refusal": refusal,
    }
    return render(
        request,
        "channels/preview.html",
        context | _shown(inspection),
        status=422 if refusal and request.method == "POST" else 200,
    )


def shop_zone() -> str:
    """The time zone of files that belong to no channel."""
    return (Shop.objects.first() or Shop()).time_zone


def _opened(token: str, user_id: int) -> dict[str, Any]:
    try:
        told = signing.loads(token, salt=_SALT, max_age=_KEPT)
    except signing.BadSignature:
        raise Http404("unknown upload") from None
    if told["user"] != user_id:
        raise Http404("another person's upload")
    return dict(told)


def _inspect(
    data: bytes, kind: str, format_: str, channel: Channel | None, options: dict[str, Any]
) -> tuple[Inspection | None, Refusal | None]:
    try:
        return inspect_file(data, kind=kind, format_=format_, channel=channel, **options), None
    except Refusal as refusal:
        return None, refusal


def _shown(inspection: Inspection | None) -> dict[str, Any]:
    """What the page shows of an inspection: columns with their meaning, first rows, and what is wrong with them."""
    if inspection is None:
        return {"inspection": None}
    columns = [(name, MEANINGS.get(meaning, meaning)) for name, meaning in inspection.mapping]
    return {
        "inspection": inspection,
        "dialect": inspection.dialect,
        "columns": columns,
        "read_columns": sum(bool(meaning) for _name, meaning in columns),
        "problems": [item for item in inspection.sample if isinstance(item, RowError)],
    }
