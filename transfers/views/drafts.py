"""Making and editing drafts: by hand, from a suggestion, from a file."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from core.actors import Actor
from core.files import store_file
from core.forms import add_refusal
from core.jobs import start_job
from core.permissions import require, require_permission
from core.refusals import Invalid, Refusal
from inventory.models import Location
from transfers.forms import DraftForm, LineEntry, SuggestForm, UploadForm
from transfers.models import Transfer
from transfers.operations import NewTransfer, create_transfer, create_transfers, edit_transfer
from transfers.queries import names_of, positions, with_lines
from transfers.states import TRANSFER_MACHINE
from transfers.suggesting import Suggestion, suggest_transfers

#: Variants that one page of suggestions looks at, and lines that it shows; what is beyond comes when these are made.
VARIANTS_AT_ONCE = 300
SHOWN = 400
LARGEST_FILE = 20 << 20
IMPORT_JOB = "import_transfers"


@require_http_methods(["GET", "HEAD", "POST"])
@require("transfers.edit")
def new(request: HttpRequest) -> HttpResponse:
    """A new draft."""
    if request.method != "POST":
        initial = {name: request.GET[name] for name in ("origin", "destination") if request.GET.get(name, "").isdigit()}
        return _show(request, DraftForm(initial=initial), LineEntry([]), _id(initial.get("origin")))
    return _edited(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@require("transfers.edit")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a draft."""
    found = get_object_or_404(with_lines(Transfer.objects.all()), pk=pk)
    if why := TRANSFER_MACHINE.why_not(found, "edit"):
        messages.error(request, why)
        return HttpResponseRedirect(reverse("transfer", args=[pk]))
    if request.method != "POST":
        initial = {
            name: getattr(found, name)
            for name in ("origin", "destination", "expected_on", "reference", "note", "version")
        }
        return _show(request, DraftForm(initial=initial), LineEntry.of(list(found.lines.all())), found.origin_id, found)
    return _edited(request, found)


def _edited(request: HttpRequest, found: Transfer | None) -> HttpResponse:
    """Save, or show the lines as the last step left them."""
    entry = LineEntry.posted(request.POST)
    origin = _id(request.POST.get("origin"))
    if request.POST.get("step") != "save":
        typed = {name: request.POST.get(name, "") for name in DraftForm.base_fields}
        return _show(request, DraftForm(initial=typed), entry, origin, found)
    form = DraftForm(request.POST)
    if form.is_valid() and entry.valid:
        try:
            return HttpResponseRedirect(reverse("transfer", args=[_save(request, form, entry, found)]))
        except Refusal as refusal:
            add_refusal(form, refusal)
    elif not entry.rows and not entry.add_error:
        form.add_error(None, _("Say what is to be sent."))
    return _show(request, form, entry, origin, found, status=422)


def _save(request: HttpRequest, form: DraftForm, entry: LineEntry, found: Transfer | None) -> int:
    who: dict[str, Any] = {"actor": Actor.user(request.user), "now": timezone.now()}
    if found is None:
        asked = NewTransfer(lines=tuple(entry.lines()), key=f"form:{form.cleaned_data['key']}", **form.words())
        return int(create_transfer(asked, **who).pk)
    edit_transfer(
        transfer_id=found.pk, lines=entry.lines(), version=form.cleaned_data["version"], **form.words(), **who
    )
    return int(found.pk)


def _show(
    request: HttpRequest, form: DraftForm, entry: LineEntry, origin_id: int | None, found: Transfer | None = None, *, status: int = 200
) -> HttpResponse:  # fmt: skip
    entry.show_stock(origin_id)
    return render(request, "transfers/edit.html", {"form": form, "entry": entry, "transfer": found}, status=status)


def _id(text: Any) -> int | None:
    text = str(text or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


# ---- suggestions -----------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@require("transfers.view")
def suggestions(request: HttpRequest) -> HttpResponse:
    """Where a place is below its reorder point and another has too much: the transfers that would mend it."""
    form = SuggestForm(request.GET or None)
    asked = form.cleaned_data if form.is_bound and form.is_valid() else {}
    keep = asked.get("keep") or 0
    found = suggest_transfers(
        positions(
            keep=keep,
            origin_id=asked["origin"].pk if asked.get("origin") else None,
            destination_id=asked["destination"].pk if asked.get("destination") else None,
            variants=VARIANTS_AT_ONCE,
        ),
        keep=keep,
    )
    if request.method == "POST":
        require_permission(request.user, "transfers.edit")
        try:
            return _create_suggested(request)
        except Refusal as refusal:
            return _suggested(request, form, found, refusal=refusal, status=refusal.status)
    return _suggested(request, form, found)


def _suggested(
    request: HttpRequest, form: SuggestForm, found: list[Suggestion], *, status: int = 200, **more: Any
) -> HttpResponse:
    shown = found[:SHOWN]
    names = names_of({s.variant_id for s in shown})
    places = Location.objects.in_bulk({pk for s in shown for pk in (s.origin_id, s.destination_id)})
    grouped: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for s in shown:
        sku, title = names[s.variant_id]
        name = f"units-{s.origin_id}-{s.destination_id}-{s.variant_id}"
        grouped[(s.origin_id, s.destination_id)].append({"sku": sku, "title": title, "units": s.quantity, "name": name})
    groups = [
        {"origin": places[a], "destination": places[b], "rows": rows, "units": sum(row["units"] for row in rows)}
        for (a, b), rows in grouped.items()
    ]
    context = {
        "form": form,
        "groups": groups,
        "shown": len(shown),
        "more": len(found) > SHOWN or len({s.variant_id for s in found}) == VARIANTS_AT_ONCE,
        "may_create": request.user.can("transfers.edit"),
        "key": SuggestForm.fresh_key(),
        **more,
    }
    return render(request, "transfers/suggestions.html", context, status=status)


def _create_suggested(request: HttpRequest) -> HttpResponse:
    """One draft for each origin and destination, of the units that were left in the form."""
    key = SuggestForm.checked_key(request.POST.get("key", ""))
    lines: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for name, text in request.POST.items():
        if not name.startswith("units-") or text.strip() in ("", "0"):
            continue
        ids, units = [_id(part) for part in name.split("-")[1:]], _id(text.strip())
        if len(ids) != 3 or None in ids or units is None:
            raise Invalid("bad_quantity", _("“{text}” is no number of units.").format(text=text[:20]), field=name)
        lines[(ids[0] or 0, ids[1] or 0)].append((ids[2] or 0, units))
    chosen = set(request.POST.getlist("pair"))
    drafts = [
        NewTransfer(a, b, tuple(rows), key=f"suggestion:{key}:{a}:{b}")
        for (a, b), rows in sorted(lines.items())
        if f"{a}-{b}" in chosen
    ]
    if not drafts:
        raise Invalid("nothing_chosen", _("Choose what to send first."))
    with transaction.atomic():
        made = create_transfers(drafts, actor=Actor.user(request.user), now=timezone.now())
    count = len(made)
    messages.success(request, ngettext("{n} draft was made.", "{n} drafts were made.", count).format(n=count))
    return HttpResponseRedirect(f"{reverse('transfers')}?tab=draft")


# ---- a file ----------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@require("transfers.edit")
def upload(request: HttpRequest) -> HttpResponse:
    """Bring in a file of transfers as drafts, by a job."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        if file.size > LARGEST_FILE:
            form.add_error("file", _("The file is larger than {size} MB.").format(size=LARGEST_FILE >> 20))
        else:
            with transaction.atomic():
                kept = store_file(name=file.name, content_type="application/octet-stream", data=file.read())
                job = start_job(
                    kind=IMPORT_JOB, title=_("Import transfers: {name}").format(name=kept.name), params={}, source=kept,
                    actor=Actor.user(request.user), now=timezone.now(),
                )  # fmt: skip
            return HttpResponseRedirect(reverse("job", args=[job.pk]))
    return render(request, "transfers/upload.html", {"form": form}, status=422 if form.errors else 200)
