"""One count at the desk: its lines, numbers from paper, and what happens with the differences."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from core.actors import Actor
from core.forms import add_refusal
from core.listing.keyset import BadCursor, Keyset
from core.permissions import require, require_permission
from core.refusals import Invalid, Refusal
from core.timeline import entries_for
from core.timeline_text import lines_for
from counts.forms import FoundForm, PostForm
from counts.models import StockCount, StockCountLine
from counts.operations import CannotPost, abandon_count, finish_count, post_count, record_line, reopen_count
from counts.operations.explaining import explain_lines
from counts.queries import differences, holders_of, progress_of
from counts.states import COUNT_MACHINE, LineState
from counts.tables import scope_words
from counts.views.people import names_of
from drafts.queries import drafts_of_owners
from inventory.codes import variant_of_code
from orders.models import OrderLine

IN_ORDER = Keyset(("bin", "id"))
LINES_SHOWN = 100
HISTORY_SHOWN = 50

_EXPECTED = Case(When(home=True, then=F("on_hand")), default=Value(0))
#: Word of the address → (label, condition, tells what should be there).
VIEWS: dict[str, tuple[Any, Q, bool]] = {
    "all": (gettext_lazy("All"), Q(), False),
    "to-count": (gettext_lazy("To count"), Q(state__in=[LineState.TO_COUNT, LineState.COUNTING]), False),
    "again": (gettext_lazy("Count again"), Q(state__in=[LineState.RECOUNT, LineState.RECOUNTING]), False),
    "different": (gettext_lazy("Different"), Q(counted__isnull=False) & ~Q(counted=F("expected_units")), True),
    "missing": (gettext_lazy("Not found"), Q(state=LineState.DONE, counted__isnull=True, expected_units__gt=0), True),
}


def find_count(pk: int) -> StockCount:
    """The count with its location, or 404."""
    return get_object_or_404(StockCount.objects.select_related("location", "assigned_to"), pk=pk)


@require("counts.view")
@require_safe
def count(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of a count."""
    return show(request, find_count(pk))


def show(request: HttpRequest, found: StockCount, *, status: int = 200, **more: Any) -> HttpResponse:
    """The page, with a refused form where one is given."""
    offers = [offer for offer in COUNT_MACHINE.offers(found, request.user) if offer.name in ("finish", "abandon")]
    hidden = found.hides_expected
    page, view = _lines(found, request, hidden=hidden)
    context = {
        "count": found,
        "scope": scope_words(found),
        "progress": progress_of(found),
        "offers": [offer for offer in offers if found.state == "open" or offer.name == "abandon"],
        "hidden": hidden,
        "views": [(name, label) for name, (label, _q, tells) in VIEWS.items() if not (tells and hidden)],
        "view": view,
        "lines": _rows(page.rows, found, hidden=hidden),
        "next_url": _url(view, after=page.next),
        "previous_url": _url(view, before=page.previous),
        "may_count": found.state == "open" and request.user.can("counts.count"),
        "may_post": found.state == "counted" and request.user.can("counts.post"),
        "may_settle": found.state == "open" and request.user.can("counts.post"),
        "sums": None if hidden else differences(found),
        "found_form": FoundForm(),
        "post_form": PostForm(),
        "history": lines_for(entries_for(found.subject, limit=HISTORY_SHOWN)),
        **more,
    }
    return render(request, "counts/count.html", context, status=status)


def _lines(found: StockCount, request: HttpRequest, *, hidden: bool) -> tuple[Any, str]:
    view = request.GET.get("view", "all")
    if view not in VIEWS or (hidden and VIEWS[view][2]):
        view = "all"
    rows: QuerySet[StockCountLine] = found.lines.annotate(expected_units=_EXPECTED).filter(VIEWS[view][1])
    rows = rows.select_related("variant", "lot").defer("variant__search", "variant__search_text")
    try:
        page = IN_ORDER.page(rows, size=LINES_SHOWN, after=request.GET.get("after"), before=request.GET.get("before"))
    except BadCursor:
        page = IN_ORDER.page(rows, size=LINES_SHOWN)
    return page, view


def _rows(lines: list[StockCountLine], found: StockCount, *, hidden: bool) -> list[dict[str, Any]]:
    """What the table shows. While the count is blind no number in it tells what should be there, nor what was counted before."""
    names = names_of({line.counted_by for line in lines} | {line.first_by for line in lines})
    rows = []
    for line in lines:
        again = line.state == LineState.RECOUNT
        rows.append(
            {
                "line": line,
                "counted": None if hidden and again else line.counted,
                "expected": None if hidden else line.expected,
                "off": None if hidden else (line.difference if line.result else line.off_by),
                "first": None if hidden else line.first_counted,
                "who": names.get(line.counted_by, ""),
                "first_who": names.get(line.first_by, ""),
                "missing": line.state == LineState.DONE and line.counted is None and not hidden and bool(line.expected),
            }
        )
    return rows


def _url(view: str, **cursor: str | None) -> str:
    given = {name: value for name, value in cursor.items() if value}
    return f"?{urlencode({'view': view, **given})}" if given else ""


def _number(text: str, field: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid("bad_quantity", _("Give a whole number."), field=field)
    return int(text)


@require("counts.count")
@require_POST
def record(request: HttpRequest, pk: int) -> HttpResponse:
    """Numbers from a sheet: those of the lines that were filled in, and what was found besides. Each that is refused is named."""
    found = find_count(pk)
    who: dict[str, Any] = {"count_id": pk, "done": True, "actor": Actor.user(request.user), "now": timezone.now()}
    if "sku" in request.POST:
        return _record_found(request, found, who)
    given = {key[5:]: text for key, text in request.POST.items() if key.startswith("line-") and text.strip()}
    keys = [int(key) for key in given if key.isascii() and key.isdigit() and len(key) < 19]
    done, faults = 0, []
    for line in found.lines.filter(pk__in=keys).select_related("variant").order_by("bin", "pk"):
        try:
            number = _number(given[str(line.pk)], "quantity")
            record_line(
                variant_id=line.variant_id, bin_name=line.bin, quantity=number, lot_id=line.lot_id,
                reason=request.POST.get(f"reason-{line.pk}", ""), **who,
            )  # fmt: skip
            done += 1
        except Refusal as refusal:
            faults.append((line.variant.sku, refusal.message))
    if done:
        messages.success(request, ngettext("{n} line written down.", "{n} lines written down.", done).format(n=done))
    if faults or not done:
        return show(request, find_count(pk), status=409, faults=faults or [("", _("Fill in at least one number."))])
    return redirect("count", pk=pk)


def _record_found(request: HttpRequest, found: StockCount, who: dict[str, Any]) -> HttpResponse:
    form = FoundForm(request.POST)
    if form.is_valid():
        variant = variant_of_code(form.cleaned_data["sku"])
        if variant is None:
            form.add_error("sku", _("There is no such SKU."))
        else:
            try:
                record_line(
                    variant_id=variant.pk, bin_name=form.cleaned_data["bin_name"], quantity=form.cleaned_data["quantity"],
                    found=True, **who,
                )  # fmt: skip
                messages.success(request, _("{sku} is written down as found.").format(sku=variant.sku))
                return redirect("count", pk=found.pk)
            except Refusal as refusal:
                add_refusal(form, refusal)
    return show(request, find_count(found.pk), status=422, found_form=form)


@require("counts.view")
@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Counting is finished, or the count is given up."""
    found = find_count(pk)
    who: dict[str, Any] = {"count_id": pk, "actor": Actor.user(request.user), "now": timezone.now()}
    try:
        match request.POST.get("action"):
            case "finish":
                require_permission(request.user, "counts.count")
                return _finished(request, found, who)
            case "abandon":
                require_permission(request.user, "counts.post")
                abandon_count(**who)
            case _:
                raise Invalid("no_such_action", _("There is no such action."))
    except Refusal as refusal:
        if refusal.status in (403, 404):
            raise
        return show(request, find_count(pk), status=refusal.status, refusal=refusal)
    return redirect("count", pk=pk)


def _finished(request: HttpRequest, found: StockCount, who: dict[str, Any]) -> HttpResponse:
    anyway = bool(request.POST.get("anyway"))
    if anyway:
        require_permission(request.user, "counts.post")
    finished = finish_count(anyway=anyway, **who)
    if finished.recounts:
        text = ngettext(
            "{n} line must be counted again first.", "{n} lines must be counted again first.", finished.recounts
        )
        messages.warning(request, text.format(n=finished.recounts))
        return redirect(f"{reverse('count', args=[found.pk])}?view=again")
    return redirect("count", pk=found.pk)


@require("counts.post")
@require_POST
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """The ticked lines are counted again."""
    chosen = [int(key) for key in request.POST.getlist("line") if key.isascii() and key.isdigit() and len(key) < 19]
    try:
        reopen_count(count_id=pk, line_ids=chosen, actor=Actor.user(request.user), now=timezone.now())
    except Refusal as refusal:
        return show(request, find_count(pk), status=refusal.status, refusal=refusal)
    return redirect(f"{reverse('count', args=[pk])}?view=again")


@require("counts.count")
@require_POST
def reasons(request: HttpRequest, pk: int) -> HttpResponse:
    """Why lines are off, in words."""
    given = {key[7:]: text for key, text in request.POST.items() if key.startswith("reason-")}
    texts = {int(key): text for key, text in given.items() if key.isascii() and key.isdigit() and len(key) < 19}
    try:
        explain_lines(count_id=pk, reasons=texts, actor=Actor.user(request.user), now=timezone.now())
    except Refusal as refusal:
        return show(request, find_count(pk), status=refusal.status, refusal=refusal)
    messages.success(request, _("Saved."))
    return redirect("count", pk=pk)


@require("counts.post")
@require_POST
def post(request: HttpRequest, pk: int) -> HttpResponse:
    """The differences become stock; what cannot be posted is named with the orders that hold it, and the rest offered."""
    found = find_count(pk)
    form = PostForm(request.POST)
    if not form.is_valid():
        return show(request, found, status=422, post_form=form)
    try:
        posted = post_count(
            count_id=pk, unlisted=form.cleaned_data["unlisted"], partly=request.POST.get("partly") == "yes",
            actor=Actor.user(request.user), now=timezone.now(),
        )  # fmt: skip
    except CannotPost as refusal:
        return show(request, found, status=409, cannot=_with_orders(refusal, found), post_form=form)
    except Refusal as refusal:
        return show(request, find_count(pk), status=refusal.status, refusal=refusal)
    messages.success(
        request,
        _("{number} is posted: {adjusted} adjusted, {exact} exact, {left} left.").format(
            number=found.number, adjusted=posted.adjusted, exact=posted.exact, left=posted.left
        ),
    )
    return redirect("count", pk=pk)


def _with_orders(refusal: CannotPost, found: StockCount) -> list[dict[str, Any]]:
    """Each line that cannot be posted with the orders that hold its units."""
    held = holders_of([(line.variant_id, found.location_id) for line in refusal.lines])
    owners = {owner for rows in held.values() for owner, _units in rows}
    ids = [int(owner.partition(":")[2]) for owner in owners if owner.startswith("order_line:")]
    orders = {
        f"order_line:{pk}": (number, reverse("order", args=[order_id]))
        for pk, order_id, number in OrderLine.objects.filter(pk__in=ids).values_list("pk", "order_id", "order__number")
    }
    orders |= drafts_of_owners(owners)
    return [
        {
            "line": line,
            "holders": [
                (*orders.get(owner, (owner, "")), units)
                for owner, units in held.get((line.variant_id, found.location_id), ())
            ],
        }
        for line in refusal.lines
    ]
