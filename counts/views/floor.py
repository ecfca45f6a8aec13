"""Counting with a hand scanner: scan the bin, scan what lies in it. Made for gloves; every scan is a plain form post.

While the count is blind nothing on these pages says what should be there: neither a number nor what was counted the first time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from core import floor
from core.actors import Actor
from core.permissions import require
from core.refusals import Invalid, NotFound, Refusal
from counts.models import StockCount, StockCountLine
from counts.operations import close_bin, finish_count, note_unknown_code, record_line
from counts.operations.counting import NotListed
from counts.queries import bins_to_count, progress_of
from counts.states import CountKind, LineState
from counts.views.desk import find_count
from inventory.codes import bin_of_code, variant_of_code
from inventory.models import Variant

ROWS_SHOWN = 60


@dataclass(slots=True)
class Answer(floor.Answer):
    """What a scan is answered with. bin: where one counts now (None: no bin yet).

    offer: the SKU that may be counted as found. last: the line that was counted.
    """

    bin: str | None = None
    offer: Variant | None = None
    last: StockCountLine | None = None


@require("counts.count")
@require_http_methods(["GET", "HEAD", "POST"])
def scan(request: HttpRequest, pk: int) -> HttpResponse:
    """One count on the floor."""
    found = find_count(pk)
    if request.method != "POST":
        return render(request, "counts/scan.html", _context(request, found, _told(request, found)))
    answer = _answered(request, found)
    if request.htmx:
        return render(request, "counts/scan_task.html", _context(request, find_count(pk), answer))
    floor.keep(request, answer)
    query: dict[str, Any] = {} if answer.bin is None else {"bin": answer.bin}
    if answer.offer is not None:
        query["offer"] = answer.offer.pk
    return HttpResponseRedirect(f"{reverse('count-scan', args=[pk])}{'?' if query else ''}{urlencode(query)}")


def _answered(request: HttpRequest, found: StockCount) -> Answer:
    place = request.POST.get("bin")
    place = _only_bin(found) if place is None else place.replace("\x00", "")[:40]
    try:
        return _do(request, found, place)
    except NotListed as refusal:
        return Answer("wrong", refusal.message, place, offer=refusal.variant)
    except Refusal as refusal:
        if refusal.status == 403:
            raise
        return Answer("wrong", refusal.message, place)


def _do(request: HttpRequest, found: StockCount, place: str | None) -> Answer:
    who: dict[str, Any] = {"count_id": found.pk, "actor": Actor.user(request.user), "now": timezone.now()}
    match request.POST.get("action", "scan"):
        case "quantity":
            return _typed(request, found, place, who)
        case "bin_done":
            closed = close_bin(bin_name=place or "", **who)
            if closed.recounts:
                text = ngettext(
                    "{n} SKU must be counted again here.", "{n} SKUs must be counted again here.", closed.recounts
                )
                return Answer("wrong", text.format(n=closed.recounts), place)
            return Answer("done", _("Bin {bin} is done. Scan the next one.").format(bin=place or "—"), None)
        case "finish":
            finished = finish_count(**who)
            if finished.recounts:
                text = ngettext("{n} SKU must be counted again.", "{n} SKUs must be counted again.", finished.recounts)
                return Answer("wrong", text.format(n=finished.recounts), None)
            return Answer("done", _("{number} is counted.").format(number=found.number), None)
        case _:
            return _scanned(request, found, place, who)


def _scanned(request: HttpRequest, found: StockCount, place: str | None, who: dict[str, Any]) -> Answer:
    code = request.POST.get("code", "").strip()[:100].replace("\x00", "")
    if not code:
        raise Invalid("nothing_scanned", _("Nothing was scanned."), field="code")
    named = bin_of_code(code)
    variant = None if named is not None else variant_of_code(code)
    if variant is None:
        name = code if named is None else named
        if _is_bin(found, name):
            return Answer("right", _("Bin {bin}").format(bin=name), name)
        if named is not None:
            raise NotFound("no_such_bin", _("Bin {bin} is not part of this count.").format(bin=name))
        note_unknown_code(code=code, bin_name=place or "", **who)
        raise NotFound(
            "unknown_code",
            _("No SKU has the code {code}. Put it aside; the desk has been told.").format(code=code[:40]),
        )
    if place is None:
        raise Invalid("no_bin", _("Scan the bin first."), field="bin")
    agreed = request.POST.get("action") == "found" or request.POST.get("offer") == str(variant.pk)
    line = record_line(variant_id=variant.pk, bin_name=place, quantity=1, add=True, found=agreed, **who)
    return Answer("right", f"{variant.sku}: {line.counted}", place, last=line)


def _typed(request: HttpRequest, found: StockCount, place: str | None, who: dict[str, Any]) -> Answer:
    """A number instead of many scans."""
    key, text = request.POST.get("line", ""), request.POST.get("quantity", "").strip()
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        raise NotFound("no_such_line", _("That line is not part of this count."))
    line = found.lines.select_related("variant").filter(pk=int(key)).first()
    if line is None:
        raise NotFound("no_such_line", _("That line is not part of this count."))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid("bad_quantity", _("Give a whole number."), field="quantity")
    again = line.state == LineState.RECOUNT
    line = record_line(
        variant_id=line.variant_id, bin_name=line.bin, lot_id=line.lot_id, quantity=int(text), done=again, **who
    )
    sku = Variant.objects.values_list("sku", flat=True).get(pk=line.variant_id)
    return Answer("right", f"{sku}: {line.counted}", place, last=line)


def _is_bin(found: StockCount, name: str) -> bool:
    """True for a bin of this count; a count that is not of bins may find things in any."""
    if found.lines.filter(bin=name).exists():
        return True
    return found.kind != CountKind.BINS and found.location.levels.filter(bin=name).exclude(bin="").exists()


def _only_bin(found: StockCount) -> str | None:
    """The count's bin where it has but one: nobody need scan it."""
    bins = list(found.lines.order_by("bin").values_list("bin", flat=True).distinct()[:2])
    return bins[0] if len(bins) == 1 else None


def _told(request: HttpRequest, found: StockCount) -> Answer:
    """Where one counts, and the answer to the post before where the page came again without JavaScript."""
    place = request.GET.get("bin")
    place = _only_bin(found) if place is None else place.replace("\x00", "")[:40]
    kept = floor.told(request)
    answer = Answer(kept.beep, kept.text, place) if kept else Answer("", "", place)
    offer = request.GET.get("offer", "")
    if offer.isascii() and offer.isdigit() and len(offer) < 19:
        answer.offer = Variant.objects.filter(pk=int(offer)).first()
    return answer


def _context(request: HttpRequest, found: StockCount, answer: Answer) -> dict[str, Any]:
    lines = _lines_of(found, answer.bin)
    return {
        "count": found,
        "answer": answer if answer.text else None,
        "offer": answer.offer,
        "bin": answer.bin,
        "lines": lines,
        "last": answer.last.pk if answer.last else None,
        "bins": bins_to_count(found) if answer.bin is None else [],
        "progress": progress_of(found),
        "hidden": found.hides_expected,
    }


def _lines_of(found: StockCount, place: str | None) -> list[dict[str, Any]]:
    """The lines of the bin: all of them in an open count, in a blind one only what was counted or must be counted again."""
    if place is None:
        return []
    lines = (
        found.lines.filter(bin=place).select_related("variant", "lot").defer("variant__search", "variant__search_text")
    )
    if found.hides_expected:
        lines = lines.exclude(state=LineState.TO_COUNT).exclude(state=LineState.DONE, counted=None)
    ordered = sorted(lines[:500], key=_latest_first)[:ROWS_SHOWN]
    return [
        {
            "line": line,
            "again": line.state == LineState.RECOUNT,
            "counted": None if line.state == LineState.RECOUNT else line.counted,
            "expected": None if found.hides_expected else line.expected,
        }
        for line in ordered
    ]


def _latest_first(line: StockCountLine) -> tuple[bool, float, int]:
    at = line.counted_at.timestamp() if line.counted_at else 0.0
    return (line.state != LineState.RECOUNT, -at, line.pk)
