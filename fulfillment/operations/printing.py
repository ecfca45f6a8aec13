"""Paper for many work orders: what is kept already is read, what is missing or out of date is drawn, nothing is bought twice.

A document is kept under the hash of what it shows. The same content again is a read; changed content (an address mended before
the label was bought, a line cancelled) is drawn anew and replaces the old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from core import timeline
from core.actors import Actor
from core.jobs import start_job
from core.models import Job
from core.paper.weasy import PdfUnavailable, pdf_available
from core.refusals import Invalid, Refusal, Unavailable
from fulfillment.documents.labels import Label
from fulfillment.documents.merge import merge
from fulfillment.documents.render import Rendered, label_hash, render_labels, render_slips, slip_hash
from fulfillment.documents.slips import Paper, Slip
from fulfillment.documents.zpl import label_zpl
from fulfillment.members import members_of
from fulfillment.models import Direction, Document, DocumentKind, FulfillmentOrder, Shipment
from fulfillment.operations.labels import buy_label
from fulfillment.queries import slips_for, with_lines
from fulfillment.states import FulfillmentState, ShipmentState

K = DocumentKind
LABEL_KINDS: frozenset[str] = frozenset({K.LABEL_PDF, K.LABEL_ZPL})
_PAPER: dict[str, Paper] = {K.SLIP_A4: "a4", K.SLIP_4X6: "4x6"}
PRINTABLE_KINDS = LABEL_KINDS | _PAPER.keys()
PRINT_JOB = "print"
PICK_LIST_JOB = "pick_list"
READ_BATCH = 100


def start_print_job(*, fulfillment_order_ids: Sequence[int], kinds: Sequence[str], actor: Actor, now: datetime) -> Job:
    """Queue the printing of any number of work orders: the pages of these kinds for each, one after the other, in one file.

    Raises Invalid for an empty selection or an unknown kind, Unavailable when this machine cannot make these papers.
    """
    ids = list(dict.fromkeys(fulfillment_order_ids))
    if not ids:
        raise Invalid("nothing_selected", _("Select at least one fulfillment order."), field="ids")
    if not kinds or not set(kinds) <= PRINTABLE_KINDS or (K.LABEL_ZPL in kinds and len(kinds) > 1):
        raise Invalid("unknown_paper", _("Choose what to print."), field="what")
    if set(kinds) & _PAPER.keys():
        available, hint = pdf_available()
        if not available:
            raise Unavailable("pdf_off", hint)
    return start_job(
        kind=PRINT_JOB, title=_title(kinds).format(count=len(ids)), actor=actor, now=now,
        params={"ids": ids, "kinds": [str(kind) for kind in kinds], "name": f"parcels-{now:%Y%m%d-%H%M%S}"},
    )  # fmt: skip


def start_pick_list_job(*, fulfillment_order_ids: Sequence[int], actor: Actor, now: datetime) -> Job:
    """Queue one pick list over these work orders. Raises Invalid for none, Unavailable without PDF."""
    ids = list(dict.fromkeys(fulfillment_order_ids))
    if not ids:
        raise Invalid("nothing_selected", _("Select at least one fulfillment order."), field="ids")
    available, hint = pdf_available()
    if not available:
        raise Unavailable("pdf_off", hint)
    title = _("Pick list of {count} parcels").format(count=len(ids))
    params = {"ids": ids, "language": get_language() or "en"}
    return start_job(kind=PICK_LIST_JOB, title=title, params=params, actor=actor, now=now)


def _title(kinds: Sequence[str]) -> str:
    labels, slips = bool(LABEL_KINDS & set(kinds)), bool(_PAPER.keys() & set(kinds))
    if labels and slips:
        return _("Labels and packing slips of {count} parcels")
    return _("Labels of {count} parcels") if labels else _("Packing slips of {count} parcels")


@dataclass(slots=True)
class Drawn:
    """One chunk of printing: documents to keep, and (fulfillment order id, number, sentence) of each that has none."""

    documents: list[Document] = field(default_factory=list)
    problems: list[tuple[int, str, str]] = field(default_factory=list)
    printed: list[int] = field(default_factory=list)


def draw_documents(fulfillment_order_ids: Sequence[int], kinds: Sequence[str]) -> Drawn:
    """Draw what is missing of these kinds; writes nothing. Labels must have been bought.

    Raises Unavailable when this machine cannot make PDF at all. A work order with a problem has no document at all in the
    result: a slip without its label would go into a parcel that cannot leave.
    """
    found = with_lines(fulfillment_order_ids)
    leads = leads_of(found)
    asked = dict.fromkeys([*fulfillment_order_ids, *leads.values()])
    shipments = {cast(int, shipment.fulfillment_order_id): shipment for shipment in with_label(asked)}
    problems = _first_problems(found, shipments, leads, kinds)
    kept = kept_hashes(fulfillment_order_ids, kinds)
    fine = [work_order for work_order in found if work_order.pk not in problems]
    drawn = Drawn()
    for kind in kinds:
        try:
            mine = [one for one in fine if one.pk not in leads] if kind in LABEL_KINDS else fine
            documents = _draw_kind(kind, mine, shipments, kept, problems)
        except PdfUnavailable as off:
            raise Unavailable("pdf_off", str(off)) from off
        drawn.documents += documents
    drawn.documents = [document for document in drawn.documents if document.fulfillment_order_id not in problems]
    numbers = {work_order.pk: work_order.number for work_order in found}
    drawn.problems = [(pk, numbers[pk], sentence) for pk, sentence in problems.items()]
    gone = set(fulfillment_order_ids) - numbers.keys()
    drawn.problems += [(pk, str(pk), _("There is no such fulfillment order.")) for pk in sorted(gone)]
    drawn.printed = [pk for pk in fulfillment_order_ids if pk in numbers and pk not in problems]
    return drawn


def leads_of(found: Sequence[FulfillmentOrder]) -> dict[int, int]:
    """Work orders whose parcel goes by the label of another → that one. One statement; none where nobody shares a parcel."""
    shared = [one.pk for one in found if one.consolidation_id is not None]
    return {one.pk: one.lead_id for one in members_of(shared) if one.pk != one.lead_id} if shared else {}


def with_mates(fulfillment_order_ids: Sequence[int]) -> list[int]:
    """The same work orders, those that share a parcel followed by all that is in it, the lead first. One statement."""
    parcels: dict[int, list[int]] = {}
    of = {}
    for one in members_of(fulfillment_order_ids):
        parcels.setdefault(one.consolidation_id, []).append(one.pk)
        of[one.pk] = one.consolidation_id
    return list(dict.fromkeys(mate for pk in fulfillment_order_ids for mate in (parcels[of[pk]] if pk in of else [pk])))


def with_label(fulfillment_order_ids: Iterable[int]) -> QuerySet[Shipment]:
    """The live outbound shipments of work orders whose label is bought."""
    rows = Shipment.objects.filter(fulfillment_order_id__in=list(fulfillment_order_ids), direction=Direction.OUTBOUND)
    return rows.exclude(state__in=[ShipmentState.LABEL_REQUESTED, ShipmentState.VOID_REQUESTED, ShipmentState.VOIDED])


def without_label(fulfillment_order_ids: Sequence[int]) -> list[int]:
    """Those whose label is still to be bought."""
    bought = set(with_label(fulfillment_order_ids).values_list("fulfillment_order_id", flat=True))
    return [pk for pk in fulfillment_order_ids if pk not in bought]


def kept_hashes(fulfillment_order_ids: Iterable[int], kinds: Iterable[str]) -> dict[tuple[int, str], str]:
    """(fulfillment order id, kind) → hash of the document that is kept."""
    rows = Document.objects.filter(fulfillment_order_id__in=list(fulfillment_order_ids), kind__in=list(kinds))
    rows = rows.exclude(shipment__state=ShipmentState.VOIDED)
    return {(pk, kind): digest for pk, kind, digest in rows.values_list("fulfillment_order_id", "kind", "content_hash")}


def _first_problems(
    found: Sequence[FulfillmentOrder], shipments: Mapping[int, Shipment], leads: Mapping[int, int], kinds: Sequence[str]
) -> dict[int, str]:
    problems = {}
    for work_order in found:
        if work_order.state in (FulfillmentState.CANCELLED, FulfillmentState.INCOMPLETE):
            problems[work_order.pk] = _("It is “{state}”: nothing is printed for it.").format(
                state=work_order.get_state_display()
            )
        elif LABEL_KINDS & set(kinds) and leads.get(work_order.pk, work_order.pk) not in shipments:
            problems[work_order.pk] = _("It has no label yet.")
    return problems


def _draw_kind(
    kind: str, found: Sequence[FulfillmentOrder], shipments: Mapping[int, Shipment],
    kept: Mapping[tuple[int, str], str], problems: dict[int, str],
) -> list[Document]:  # fmt: skip
    """Documents of one kind for those that lack a current one; notes what cannot be drawn in `problems`."""
    is_label = kind in LABEL_KINDS
    if is_label:
        found = _drawn_by_us(kind, found, shipments, kept, problems)
    contents: Mapping[int, Label | Slip]
    if is_label:
        contents = {work_order.pk: Label.from_json(shipments[work_order.pk].label) for work_order in found}
    else:
        contents = slips_for(found)
    hashes = {
        pk: label_hash(content) if isinstance(content, Label) else slip_hash(content, _PAPER[kind])
        for pk, content in contents.items()
    }
    missing = [work_order for work_order in found if kept.get((work_order.pk, kind)) != hashes[work_order.pk]]
    documents = []
    for work_order, rendered in zip(missing, _render(kind, [contents[w.pk] for w in missing]), strict=True):
        if rendered.pdf is None:
            problems.setdefault(work_order.pk, _("It cannot be drawn: {reason}").format(reason=rendered.error))
            continue
        documents.append(
            Document(
                fulfillment_order_id=work_order.pk, shipment=shipments[work_order.pk] if is_label else None, kind=kind,
                content_hash=hashes[work_order.pk], data=rendered.pdf,
            )
        )  # fmt: skip
    return documents


def _drawn_by_us(
    kind: str,
    found: Sequence[FulfillmentOrder],
    shipments: Mapping[int, Shipment],
    kept: Mapping[tuple[int, str], str],
    problems: dict[int, str],
) -> list[FulfillmentOrder]:
    """Those whose label we draw; a carrier that draws its own has given it with the purchase, or has none of this kind."""
    ours = []
    for work_order in found:
        if shipments[work_order.pk].label:
            ours.append(work_order)
        elif (work_order.pk, kind) not in kept:
            problems.setdefault(work_order.pk, _("Its carrier gives no label of this kind."))
    return ours


def _render(kind: str, contents: Sequence[Label | Slip]) -> list[Rendered]:
    if kind == K.LABEL_PDF:
        return render_labels(cast(Sequence[Label], contents))
    if kind == K.LABEL_ZPL:
        return [_zpl(cast(Label, content)) for content in contents]
    return render_slips(cast(Sequence[Slip], contents), _PAPER[kind])


def _zpl(label: Label) -> Rendered:
    try:
        return Rendered(label_zpl(label).encode())
    except ValueError as error:
        return Rendered(None, str(error))


def keep_documents(drawn: Drawn, *, actor: Actor, now: datetime) -> None:
    """Keep what was drawn and note that it was printed; in the caller's transaction."""
    for document in drawn.documents:
        document.created_at = now
    Document.objects.bulk_create(
        drawn.documents, update_conflicts=True, unique_fields=["fulfillment_order", "shipment", "kind"],
        update_fields=["content_hash", "data", "created_at"],
    )  # fmt: skip
    printed = FulfillmentOrder.objects.filter(pk__in=drawn.printed)
    printed.update(printed_at=now)
    timeline.record_many(
        [
            (f"order:{order_id}", "fulfillment.printed", {"fulfillment_order": number, "fulfillment_order_id": pk})
            for pk, number, order_id in printed.order_by("pk").values_list("pk", "number", "order_id")
        ],
        actor=actor, at=now,
    )  # fmt: skip


def kept_documents(fulfillment_order_ids: Sequence[int], kinds: Sequence[str]) -> Iterator[bytes]:
    """The kept documents in the order of the work orders and, within one, of the kinds; read in batches."""
    for start in range(0, len(fulfillment_order_ids), READ_BATCH):
        batch = fulfillment_order_ids[start : start + READ_BATCH]
        rows = Document.objects.filter(fulfillment_order_id__in=batch, kind__in=list(kinds))
        live = dict(with_label(batch).values_list("fulfillment_order_id", "pk"))
        data = {
            (pk, kind): content
            for pk, kind, shipment, content in rows.values_list("fulfillment_order_id", "kind", "shipment_id", "data")
            if kind not in LABEL_KINDS or live.get(pk) == shipment
        }
        for pk in batch:
            for kind in kinds:
                if (pk, kind) in data:
                    yield bytes(data[pk, kind])


def print_now(*, fulfillment_order_id: int, kinds: Sequence[str], actor: Actor, now: datetime) -> None:
    """Buy and draw one parcel's papers at once, without a job; a second time is a read. Raises Refusal, Unavailable."""
    if LABEL_KINDS & set(kinds):
        buy_label(fulfillment_order_id=fulfillment_order_id, actor=actor, now=now)
    drawn = draw_documents(with_mates([fulfillment_order_id]), kinds)
    if drawn.problems:
        raise Refusal("cannot_print", drawn.problems[0][2])
    with transaction.atomic():
        keep_documents(drawn, actor=actor, now=now)


def paper(fulfillment_order_id: int, kind: str) -> bytes:
    """One document of a work order: the kept one if it is current, else drawn now; writes nothing.

    The label of a shared parcel is its lead's. Raises Refusal (no label yet, cannot be drawn), Unavailable.
    """
    if kind in LABEL_KINDS:
        fulfillment_order_id = with_mates([fulfillment_order_id])[0]
    drawn = draw_documents([fulfillment_order_id], [kind])
    if drawn.problems:
        raise Refusal("cannot_print", drawn.problems[0][2])
    if drawn.documents:
        return bytes(drawn.documents[0].data)
    return next(kept_documents([fulfillment_order_id], [kind]))


def print_file(fulfillment_order_ids: Sequence[int], kinds: Sequence[str]) -> tuple[str, bytes]:
    """(content type, bytes) of one file with all kept documents, in order. Refusal when there is none."""
    if not fulfillment_order_ids:
        raise Refusal("nothing_printed", _("Nothing could be printed; the list below says why."))
    documents = kept_documents(fulfillment_order_ids, kinds)
    if list(kinds) == [K.LABEL_ZPL]:
        return "text/plain; charset=us-ascii", b"".join(documents)
    return "application/pdf", merge(documents)
