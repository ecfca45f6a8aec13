"""Rules and pools: their forms, the preview of what a rule would change, files."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from availability.explain import rule_name
from availability.forms import PoolForm, RuleFileForm, RuleForm, field_of
from availability.models import AvailabilityRule, LocationPool
from availability.operations.rule_files import MAX_FILE, csv_rows, import_rules
from availability.operations.rules import delete_pool, delete_rule, draft_rule, save_pool, save_rule
from availability.queries import Preview, preview_rule
from core.actors import Actor
from core.files import store_file
from core.forms import add_refusal
from core.permissions import require, require_permission
from core.refusals import Refusal
from core.requests import StaffRequest
from core.timeline import entries_for
from core.timeline_text import lines_for

#: An imported file can be looked at in its job for so long.
FILE_KEPT = timedelta(days=30)


@require("availability.edit")
@require_http_methods(["GET", "POST"])
def rule_new(request: StaffRequest) -> HttpResponse:
    """Write a rule."""
    return _rule_form(request, None)


@require("availability.view")
@require_http_methods(["GET", "POST"])
def rule(request: StaffRequest, pk: int) -> HttpResponse:
    """One rule with its history; who may, changes it."""
    return _rule_form(request, get_object_or_404(AvailabilityRule.objects.select_related("channel", "variant"), pk=pk))


def _rule_form(request: StaffRequest, found: AvailabilityRule | None) -> HttpResponse:
    may_edit = request.user.can("availability.edit")
    name = rule_name(found) if found else ""
    if request.method == "POST":
        require_edit(request)
        form = RuleForm(request.POST, rule=found)
    else:
        form = RuleForm(rule=found, initial=_asked(request) if found is None else None)
    preview: Preview | None = None
    if form.is_bound and form.is_valid():
        try:
            if request.POST.get("step") == "preview":
                preview = _preview(form, found)
            else:
                return _save(request, form, found)
        except Refusal as refusal:
            add_refusal(form, field_of(refusal))
    context: dict[str, Any] = {
        "form": form, "rule": found, "name": name, "preview": preview, "may_edit": may_edit,
        "entries": lines_for(entries_for(found.subject)) if found else [],
    }  # fmt: skip
    return render(request, "availability/rule.html", context, status=422 if form.is_bound and form.errors else 200)


def require_edit(request: StaffRequest) -> None:
    """Changing needs more than looking."""
    require_permission(request.user, "availability.edit")


def _asked(request: StaffRequest) -> dict[str, Any]:
    """What a link to a new rule says already."""
    asked = {name: request.GET[name][:120] for name in ("channel", "scope", "target", "sku") if request.GET.get(name)}
    return asked | ({"scope": "sku"} if "sku" in asked else {})


def _preview(form: RuleForm, found: AvailabilityRule | None) -> Preview:
    now = timezone.now()
    drafted = draft_rule(rule_id=found.pk if found else None, values=form.values(), now=now)
    return preview_rule(drafted, was=found, now=now)


def _save(request: StaffRequest, form: RuleForm, found: AvailabilityRule | None) -> HttpResponse:
    saved = save_rule(
        rule_id=found.pk if found else None, values=form.values(), version=form.cleaned_data["version"] if found else None,
        actor=Actor.user(request.user), now=timezone.now(),
    )  # fmt: skip
    if not saved.changed:
        messages.info(request, _("It is so already; nothing was changed."))
    elif saved.job:
        messages.success(request, _("Saved. The numbers follow: see the job."))
        return redirect("job", pk=saved.job.pk)
    else:
        messages.success(request, _("Saved. The numbers follow within seconds."))
    return redirect("availability-rule", pk=saved.rule.pk)


@require("availability.edit")
@require_POST
def rule_delete(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a rule away."""
    delete_rule(rule_id=pk, actor=Actor.user(request.user), now=timezone.now())
    messages.success(request, _("Deleted. Its SKUs follow the next wider rule."))
    return redirect("availability-rules")


@require("availability.view")
@require_safe
def rules_file(request: StaffRequest) -> StreamingHttpResponse:
    """Every rule in the columns that the import reads."""
    rules = AvailabilityRule.objects.select_related("channel", "variant", "pool").order_by("channel__name", "pk")
    response = StreamingHttpResponse(csv_rows(rules.iterator(chunk_size=2000)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="availability-rules.csv"'
    return response


@require("availability.edit")
@require_http_methods(["GET", "POST"])
def rules_import(request: StaffRequest) -> HttpResponse:
    """Bring in rules."""
    form = RuleFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        upload, now = form.cleaned_data["file"], timezone.now()
        if upload.size > MAX_FILE:
            form.add_error("file", _("The file is larger than {size} MB.").format(size=MAX_FILE >> 20))
        else:
            file = store_file(name=upload.name, content_type="text/csv", data=upload.read(), expires_at=now + FILE_KEPT)
            try:
                job = import_rules(file=file, actor=Actor.user(request.user), now=now)
                return redirect("job", pk=job.pk)
            except Refusal as refusal:
                file.delete()
                add_refusal(form, refusal)
    return render(request, "availability/import.html", {"form": form}, status=422 if form.errors else 200)


# ---- pools -----------------------------------------------------------------------------------------------------------


@require("availability.view")
@require_safe
def pools(request: StaffRequest) -> HttpResponse:
    """Every pool: a shop has a handful."""
    rows = LocationPool.objects.annotate(rule_count=Count("rules")).prefetch_related("locations").order_by("name")
    return render(
        request, "availability/pools.html", {"pools": rows, "may_edit": request.user.can("availability.edit")}
    )


@require("availability.edit")
@require_http_methods(["GET", "POST"])
def pool_new(request: StaffRequest) -> HttpResponse:
    """Put locations together."""
    return _pool_form(request, None)


@require("availability.edit")
@require_http_methods(["GET", "POST"])
def pool(request: StaffRequest, pk: int) -> HttpResponse:
    """Change a pool."""
    return _pool_form(request, get_object_or_404(LocationPool, pk=pk))


def _pool_form(request: StaffRequest, found: LocationPool | None) -> HttpResponse:
    form = PoolForm(request.POST or None, pool=found)
    name = found.name if found else ""
    if request.method == "POST" and form.is_valid():
        try:
            save_pool(
                pool_id=found.pk if found else None, name=form.cleaned_data["name"], location_ids=form.cleaned_data["locations"],
                actor=Actor.user(request.user), now=timezone.now(),
            )  # fmt: skip
            messages.success(request, _("Saved."))
            return redirect("availability-pools")
        except Refusal as refusal:
            add_refusal(form, refusal)
    entries = lines_for(entries_for(found.subject)) if found else []
    context = {"form": form, "pool": found, "name": name, "entries": entries}
    return render(request, "availability/pool.html", context, status=422 if form.errors else 200)


@require("availability.edit")
@require_POST
def pool_delete(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a pool away that no rule uses."""
    get_object_or_404(LocationPool, pk=pk)
    try:
        delete_pool(pool_id=pk, actor=Actor.user(request.user), now=timezone.now())
        messages.success(request, _("Deleted."))
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return redirect("availability-pools")
