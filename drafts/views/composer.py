"""One draft at the desk. While it is open its page is the composer: one form, saved with every act, so that nothing typed is lost."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.actors import Actor
from core.forms import add_refusal
from core.permissions import require, require_permission
from core.refusals import Refusal
from core.timeline import entries_for
from core.timeline_text import lines_for
from drafts.forms import ComposerForm, CustomLineForm, HoldStockForm, PaidForm
from drafts.models import DraftLine, DraftOrder
from drafts.operations import (
    NewLine,
    complete_draft,
    edit_draft,
    hold_stock,
    release_stock,
    send_draft,
    take_customer,
)
from drafts.queries import find_customers, find_variants, lines_of, money_of, rows_of
from drafts.states import DRAFT_MACHINE, LIVE_STATES
from drafts.totals import due_on
from inventory.codes import variant_of_code
from inventory.models import Variant

#: Acts that change the lines alone: the browser takes their answer without a new page.
_OF_LINES = ("add", "custom", "remove")
#: What an act needs besides the right to edit drafts.
_NEEDS = {"place": ("orders.create",), "terms": ("orders.create",), "paid": ("orders.create", "payments.record")}


def load(pk: int) -> DraftOrder:
    """The draft with what its page shows; 404 when there is none."""
    rows = DraftOrder.objects.select_related("channel", "customer", "location", "order").defer("search", "search_text")
    return get_object_or_404(rows, pk=pk)


@require_safe
@require("drafts.view")
def draft_page(request: HttpRequest, pk: int) -> HttpResponse:
    """The composer, or what became of the draft."""
    return _page(request, load(pk))


def _page(request: HttpRequest, draft: DraftOrder, *, status: int = 200, **more: Any) -> HttpResponse:
    """The page; `more` are bound forms that were refused, choices, or the refusal itself."""
    now, lines = timezone.now(), lines_of(draft)
    context = _shown(request, draft, lines) | more
    if not context["composing"]:
        context["timeline"] = lines_for(entries_for(draft.subject, limit=100))
        return render(request, "drafts/closed.html", context, status=status)
    context.setdefault("form", ComposerForm(draft=draft, lines=lines))
    context.setdefault("custom_form", CustomLineForm())
    context.setdefault("hold_form", HoldStockForm.shown(draft, now=now))
    context.setdefault("paid_form", PaidForm())
    context["fields"] = _fields_by_line(context["form"], context["rows"])
    context["timeline"] = lines_for(entries_for(draft.subject, limit=50))
    return render(request, "drafts/composer.html", context, status=status)


def _shown(request: HttpRequest, draft: DraftOrder, lines: list[DraftLine]) -> dict[str, Any]:
    money = money_of(draft, lines)
    live = draft.state in LIVE_STATES
    now = timezone.now()
    return {
        "draft": draft,
        "money": money,
        "rows": rows_of(draft, lines, money, now=now) if live else [],
        "lines": list(zip(lines, money.lines, strict=True)),
        "may_edit": request.user.can("drafts.edit"),
        "composing": live and request.user.can("drafts.edit"),
        "offer": {offer.name: offer for offer in DRAFT_MACHINE.offers(draft, request.user)},
        "due_on": due_on(draft.terms, timezone.localdate()),
        "link": request.build_absolute_uri(reverse("draft-offer", args=[draft.token])) if draft.state == "sent" else "",
    }


def _fields_by_line(form: ComposerForm, rows: list[Any]) -> list[tuple[Any, dict[str, Any]]]:
    names = ("title", "quantity", "price", "discount", "tax")
    return [(row, {name: form[f"{name}-{row.line.pk}"] for name in names}) for row in rows]


@require_POST
@require("drafts.edit")
def draft_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Save the whole screen, then do what was pressed (`act`): add, remove, choose a customer, hold, send, place."""
    name, _dash, key = request.POST.get("act", "update").partition("-")
    for permission in _NEEDS.get(name, ()):
        require_permission(request.user, permission)
    draft = load(pk)
    if draft.state not in LIVE_STATES:
        return _to(request, draft)
    form = ComposerForm(request.POST, draft=draft, lines=lines_of(draft))
    if not form.is_valid():
        return _refused(request, draft, form)
    without = int(key) if name == "remove" and key.isdecimal() and len(key) < 18 else None
    try:
        draft = edit_draft(
            draft_id=pk, head=form.head(), edits=form.edits(without=without), version=form.cleaned_data["version"], **_who(request)
        )  # fmt: skip
    except Refusal as refusal:
        add_refusal(form, refusal)
        return _refused(request, draft, form)
    try:
        return _act(request, draft, name, key)
    except Refusal as refusal:
        return _refused(request, load(pk), None, refusal=refusal, act=name)


def _act(request: HttpRequest, draft: DraftOrder, name: str, key: str) -> HttpResponse:
    """What was pressed, after everything is saved. Raises Refusal."""
    who = _who(request) | {"draft_id": draft.pk, "version": draft.version}
    match name:
        case "add":
            return _add(request, draft, key)
        case "custom":
            form = CustomLineForm(request.POST)
            if not form.is_valid():
                return _refused(request, draft, None, custom_form=form)
            given = form.cleaned_data
            line = NewLine(given["custom_quantity"], title=given["custom_title"], unit_price=given["custom_price"])
            edit_draft(added=[line], **who)
        case "customer" if key.isdecimal() and len(key) < 18:
            take_customer(customer_id=int(key), **who)
        case "nobody":
            take_customer(customer_id=None, **who)
        case "hold":
            hold = HoldStockForm(request.POST)
            if not hold.is_valid():
                return _refused(request, draft, None, hold_form=hold)
            hold_stock(until=hold.cleaned_data["hold_until"], **who)
        case "release":
            release_stock(**who)
        case "send" | "link":
            send_draft(mail=name == "send", **who)
        case "terms" | "place" | "paid":
            return _place(request, draft, name, who)
        case "find":
            return _found(request, draft)
        case _:
            return _saved(request, draft, lines=name == "remove")
    draft = load(draft.pk)
    return _saved(request, draft, lines=True) if name in _OF_LINES else _to(request, draft)


def _place(request: HttpRequest, draft: DraftOrder, name: str, who: dict[str, Any]) -> HttpResponse:
    if name != "paid":
        complete_draft(action=name, **who)
        return _to(request, load(draft.pk))
    form = PaidForm(request.POST)
    if not form.is_valid():
        return _refused(request, draft, None, paid_form=form)
    complete_draft(action="paid", paid=form.paid(), **who)
    return _to(request, load(draft.pk))


def _add(request: HttpRequest, draft: DraftOrder, key: str) -> HttpResponse:
    """A line for the chosen variant, for the code that was scanned, or for the only one whose words were typed; else the choices."""
    code = (request.POST.get("scanned") or request.POST.get("code") or "").strip()[:100]
    variant = Variant.objects.filter(pk=key).first() if key.isdecimal() and len(key) < 18 else None
    if variant is None and code:
        variant = variant_of_code(code)
    if variant is None and code:
        found = find_variants(code)
        if len(found) != 1:
            text = _("Which one?") if found else _("There is no SKU, barcode or title “{code}”.").format(code=code[:40])
            return _refused(request, draft, None, choices=found, message=text, code=code)
        variant = found[0]
    if variant is None:  # Enter in any other field: it is saved, and who was typed is looked for
        return _found(request, draft) if request.POST.get("who") else _saved(request, draft)
    edit_draft(draft_id=draft.pk, added=[NewLine(1, variant.pk)], merge=True, version=draft.version, **_who(request))
    return _saved(request, load(draft.pk), lines=True)


def _found(request: HttpRequest, draft: DraftOrder) -> HttpResponse:
    people = find_customers(request.POST.get("who", ""))
    code = request.POST.get("code", "")
    return _refused(
        request, draft, None, people=people, who=request.POST.get("who", ""), code=code,
        choices=find_variants(code) if code.strip() else [], message="" if people or code else _("Nobody is known by that."), asked=True,
    )  # fmt: skip


def _saved(request: HttpRequest, draft: DraftOrder, *, lines: bool = False) -> HttpResponse:
    """The answer to a save: the outputs of the page (and its lines where these are others), or the page."""
    if not request.htmx:
        return HttpResponseRedirect(reverse("draft", args=[draft.pk]) + ("#add" if lines else ""))
    return _fragment(request, draft, lines=lines)


def _fragment(request: HttpRequest, draft: DraftOrder, *, lines: bool, **more: Any) -> HttpResponse:
    context = _shown(request, draft, found := lines_of(draft)) | {"fragment": True, **more}
    context["fields"] = _fields_by_line(ComposerForm(draft=draft, lines=found), context["rows"])
    response = render(request, "drafts/lines_answer.html" if lines else "drafts/outputs.html", context)
    if not lines:
        response["HX-Reswap"] = "none"
    return response


def _refused(
    request: HttpRequest, draft: DraftOrder, form: ComposerForm | None, *, refusal: Refusal | None = None, act: str = "", **more: Any
) -> HttpResponse:  # fmt: skip
    """Say what is wrong and keep what was typed."""
    bound = [each for each in (form, *more.values()) if hasattr(each, "errors")]
    if request.htmx:
        problems = form.problems() if form else []
        for each in bound:
            if each is not form:
                problems += [
                    f"{each.fields[name].label}: {error}" for name, errors in each.errors.items() for error in errors
                ]
        if refusal:
            problems.append(refusal.message)
        return _fragment(request, draft, lines=False, problems=problems, **more)
    if refusal:
        more["refusal"] = refusal
        if act == "paid":
            more["paid_form"] = PaidForm(request.POST)
    status = 200 if more.get("asked") else refusal.status if refusal else 422
    return _page(request, draft, status=status, **({"form": form} if form else {}), **more)


def _to(request: HttpRequest, draft: DraftOrder) -> HttpResponse:
    """To the order once it is one, else to the draft's page; the browser goes there also from a fragment."""
    url = reverse("order", args=[draft.order_id]) if draft.order_id else reverse("draft", args=[draft.pk])
    if request.htmx:
        response = HttpResponse(status=204)
        response["HX-Redirect"] = url
        return response
    return HttpResponseRedirect(url)


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"actor": Actor.user(request.user), "now": timezone.now()}


@require_safe
@require("drafts.edit")
def draft_find(request: HttpRequest, pk: int) -> HttpResponse:
    """What a typed word may mean, while it is typed: variants for `code`, people for `who`."""
    draft = load(pk)
    if who := request.GET.get("who", "").strip()[:100]:
        return render(
            request, "drafts/people.html", {"draft": draft, "people": find_customers(who), "who": who, "asked": True}
        )
    code = request.GET.get("code", "").strip()[:100]
    exact = variant_of_code(code) if code else None
    found = [exact] if exact else find_variants(code) if len(code) > 1 else []
    return render(request, "drafts/choices.html", {"draft": draft, "choices": found, "code": code})
