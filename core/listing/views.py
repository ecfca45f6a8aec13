"""The one view behind every list page: page and fragment, bulk actions, export, saved views."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.http import (
    FileResponse,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _

from core import savedviews
from core.actors import Actor
from core.listing import bulk
from core.listing.counting import Count, count_capped
from core.listing.counts import counts_of
from core.listing.export import csv_lines, xlsx_file
from core.listing.keyset import BadCursor, KeysetPage
from core.listing.page import ListPage
from core.listing.rows import draw_body
from core.listing.state import ListState, canonical_query
from core.permissions import require, require_permission
from core.refusals import Refusal
from core.requests import StaffRequest

REGION = "list"
EXPORT_BATCH = 2000
#: A workbook is built before it is sent: beyond this the person is pointed to CSV, which streams.
XLSX_ROWS_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True)
class TabLink:
    label: str
    url: str
    count: Count | None
    current: bool
    view_id: int | None = None


@dataclass(frozen=True, slots=True)
class Head:
    label: str
    css: str
    url: str
    sort: str


def list_view(page_class: type[ListPage]) -> Callable[..., HttpResponseBase]:
    """The view of a list page, guarded by the page's permission.

    GET answers the page, or only its `#list` region when htmx asks for that; `?export=csv|xlsx` answers a file. POST runs a bulk
    action or keeps a saved view. Raises ImproperlyConfigured at once for a declaration that cannot work.
    """
    page = page_class()
    page.check()

    @require(page.permission)
    @wraps(page_class, updated=())
    def view(request: StaffRequest) -> HttpResponseBase:
        state = ListState(page, request)
        response: HttpResponseBase
        if request.method == "POST":
            response = _post(page, state, request)
        elif request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        elif request.GET.get("export"):
            response = _export(page, state, request)
        else:
            response = _show(page, state, request)
        patch_vary_headers(response, ["HX-Request", "HX-Target"])
        patch_cache_control(response, private=True, no_store=True)
        return response

    view.list_page = page  # type: ignore[attr-defined]
    return view


# ---- the page --------------------------------------------------------------------------------------------------------


def _show(
    page: ListPage, state: ListState, request: StaffRequest, *, report: bulk.Report | None = None, status: int = 200
) -> HttpResponse:
    context = _context(page, state, request) | {"report": report}
    if request.htmx and request.htmx.target == REGION and not request.htmx.history_restore_request:
        # htmx swaps only answers of success; the problem is told inside the region.
        return render(request, "listing/region.html", context)
    return render(request, page.template_name, context | page.context(request), status=status)


def _context(page: ListPage, state: ListState, request: StaffRequest) -> dict[str, Any]:
    base = page.queryset(request)
    matching = state.matching(base)
    rows = _fetch(page, state, matching)
    page.complete(rows.rows, state.chosen)
    actions = bulk.offered(page, request.user)
    tab_counts, count = counts_of(page, state, base, matching, rows)
    views = savedviews.views_for(request.user, page.name)
    return {
        "page": page,
        "state": state,
        "tabs": _tab_links(page, state, tab_counts),
        "saved_views": [_saved_link(view, state) for view in views],
        "may_share": request.user.can(savedviews.SHARE),
        "count": count,
        "heads": _heads(state),
        "body": draw_body(state.columns, rows.rows, pick_label=_("Select") if actions else None, lead=page.lead),
        "column_count": len(state.columns) + bool(actions),
        "row_count": len(rows.rows),
        "next_url": state.url(after=rows.next) if rows.next else "",
        "previous_url": state.url(before=rows.previous) if rows.previous else "",
        "chips": state.chips(),
        "problems": state.problems,
        "column_choices": [(spec, spec in state.columns, spec.name == page.lead) for spec in page.columns.values()],
        "actions": actions,
        "page_actions": [
            (action, reverse(action.url_name)) for action in page.page_actions if request.user.can(action.permission)
        ],
        "empty_url": reverse(page.empty.action_url_name) if page.empty and page.empty.action_url_name else "",
        "filter_form": state.filter_form,
        "may_export": request.user.can(page.export_permission or page.permission),
        "here": state.url(cursor=True),
        "panel_url": state.url(cursor=True, panel="filters"),
        "csv_url": state.url(export="csv"),
        "xlsx_url": state.url(export="xlsx"),
    }


def _fetch(page: ListPage, state: ListState, matching: Any) -> KeysetPage:
    """One page of rows; a cursor that is not ours, or whose page has emptied meanwhile, leads to the first page."""
    keyset = state.sort.keyset(desc=state.desc)
    try:
        rows = keyset.page(matching, size=page.page_size, after=state.after, before=state.before)
        if rows.rows or not state.after:
            return rows
    except BadCursor:
        state.tell(_("Page"), _("This link to a page of the list no longer holds; the first page is shown."))
    return keyset.page(matching, size=page.page_size)


def _tab_links(page: ListPage, state: ListState, counts: Mapping[str, Count]) -> list[TabLink]:
    return [
        TabLink(
            str(tab.label),
            state.path if index == 0 else f"{state.path}?tab={tab.name}",
            counts.get(tab.name),
            state.tab is tab,
        )
        for index, tab in enumerate(page.tabs)
    ]


def _saved_link(view: Any, state: ListState) -> TabLink:
    query = canonical_query(state.page, view.query)
    return TabLink(view.name, f"{state.path}?{query}", None, query == state.query, view.pk)


def _heads(state: ListState) -> list[Head]:
    links = state.sort_links()
    return [
        Head(spec.label, spec.css.replace("soft", "").strip(), *links.get(spec.name, ("", "")))
        for spec in state.columns
    ]


# ---- bulk actions and saved views ------------------------------------------------------------------------------------


def _post(page: ListPage, state: ListState, request: StaffRequest) -> HttpResponse:
    name = request.POST.get("action", "")
    if name in _VIEW_ACTIONS:
        return _VIEW_ACTIONS[name](page, state, request)
    action = bulk.find_action(page, request)
    try:
        targets = bulk.find_targets(page, state, request, action)
    except Refusal as refusal:
        report = bulk.Report(str(action.label), 0, failed=refusal.message)
        return _show(page, ListState(page, request), request, report=report, status=refusal.status)
    form = action.form_class(request.POST if request.POST.get("confirmed") else None) if action.form_class else None
    if action.asks_first and not (request.POST.get("confirmed") and (form is None or form.is_valid())):
        return _ask(page, state, request, {"action": action, "targets": targets, "form": form})
    report = bulk.run(action, targets, form, actor=Actor.user(request.user), now=timezone.now())
    if report.next_url:
        return _go_on(request, report.next_url)
    return _show(page, ListState(page, request), request, report=report)


def _go_on(request: StaffRequest, url: str) -> HttpResponse:
    """Lead on to another page; htmx would swap the answer of a plain redirect into the list."""
    return HttpResponse(headers={"HX-Redirect": url}) if request.htmx else HttpResponseRedirect(url)


def _ask(page: ListPage, state: ListState, request: StaffRequest, question: dict[str, Any]) -> HttpResponse:
    """The question before an action: a dialog for htmx, a page of its own otherwise."""
    context = question | {"page": page, "here": state.url(cursor=True)}
    if not request.htmx:
        return render(request, "listing/confirm_page.html", context)
    response = render(request, "listing/confirm_dialog.html", context)
    response["HX-Retarget"] = "#list-dialog"
    response["HX-Reswap"] = "innerHTML"
    return response


def _save_view(page: ListPage, state: ListState, request: StaffRequest) -> HttpResponse:
    savedviews.save_view(
        user=request.user,
        list_name=page.name,
        name=request.POST.get("name", ""),
        query=state.query,
        shared=bool(request.POST.get("shared")),
    )
    return HttpResponseRedirect(state.url())


def _delete_view(page: ListPage, state: ListState, request: StaffRequest) -> HttpResponse:
    view_id = request.POST.get("view", "")
    savedviews.delete_view(
        user=request.user, list_name=page.name, view_id=int(view_id) if view_id.isdecimal() and len(view_id) < 19 else 0
    )
    return HttpResponseRedirect(state.path)


_VIEW_ACTIONS = {"save_view": _save_view, "delete_view": _delete_view}


# ---- files -----------------------------------------------------------------------------------------------------------


def _batches(page: ListPage, state: ListState, matching: Any) -> Iterator[Any]:
    for rows in state.sort.keyset(desc=state.desc).batches(matching, size=EXPORT_BATCH):
        page.complete(rows, state.chosen)
        yield rows


def _export(page: ListPage, state: ListState, request: StaffRequest) -> HttpResponseBase:
    """All rows of this view as a file. An address that was only understood in part exports nothing: it shows what is wrong."""
    require_permission(request.user, page.export_permission or page.permission)
    kind = request.GET["export"]
    matching = state.matching(page.queryset(request))
    if kind not in {"csv", "xlsx"}:
        state.tell(_("Export"), _("Lists are exported as csv or xlsx."))
    elif kind == "xlsx" and count_capped(matching, cap=XLSX_ROWS_AT_ONCE).capped:
        state.tell(_("Export"), _("A workbook takes {n} rows; export as CSV or filter.").format(n=XLSX_ROWS_AT_ONCE))
    if not state.exact:
        return _show(page, state, request, status=422)
    specs = state.columns
    for spec in specs:
        spec.prepare()
    batches = _batches(page, state, matching)
    name = f"{page.name}-{timezone.localdate().isoformat()}.{kind}"
    if kind == "csv":
        response = StreamingHttpResponse(csv_lines(specs, batches), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response
    return FileResponse(
        xlsx_file(specs, batches, title=str(page.title)),
        as_attachment=True,
        filename=name,
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )
