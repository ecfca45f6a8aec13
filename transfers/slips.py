"""The transfer slip: the paper that travels with the goods, with barcodes of its number and of each SKU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils import translation

from core.paper.codes import NotEncodable, code128_png
from core.paper.language import known_language
from core.paper.text import Direction, direction, printable
from core.paper.weasy import pdf_bytes, render_html
from inventory.models import Location, StockLevel
from transfers.models import Transfer, TransferLine
from transfers.queries import with_lines
from transfers.states import TransferState


@dataclass(frozen=True, slots=True)
class SlipLine:
    """One line as it is printed. code: the barcode as a data URI; empty for a SKU that no Code 128 holds."""

    sku: str
    code: str
    title: str
    dir: Direction
    bin: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Slip:
    """A transfer as it is printed."""

    number: str
    code: str
    state: str
    origin: list[str]
    destination: list[str]
    reference: str
    expected_on: object
    note: str
    note_dir: Direction
    lines: list[SlipLine]
    units: int


def slips_of(transfer_ids: Sequence[int]) -> list[Slip]:
    """The slips of these transfers, in their order; a transfer that is gone has none. Few statements, whatever the number."""
    found = {transfer.pk: transfer for transfer in with_lines(Transfer.objects.filter(pk__in=transfer_ids))}
    bins = _bins(found.values())
    return [_slip(found[pk], bins) for pk in dict.fromkeys(transfer_ids) if pk in found]


def slips_pdf(slips: Sequence[Slip], *, language: str) -> bytes:
    """One A4 PDF, each slip beginning on a new page. Raises PdfUnavailable without Pango."""
    language = known_language(language)
    with translation.override(language):
        html = render_to_string(
            "transfers/slip.html",
            {"slips": slips, "language": language, "dir": "rtl" if translation.get_language_bidi() else "ltr"},
        )
    return pdf_bytes(render_html(html))


def _bins(transfers: object) -> dict[tuple[int, int], str]:
    """(variant, place) → bin at the destination, where the goods will lie. One statement."""
    found = list(transfers)  # type: ignore[call-overload]
    rows = StockLevel.objects.filter(
        variant_id__in={line.variant_id for t in found for line in t.lines.all()},
        location_id__in={t.destination_id for t in found},
    ).exclude(bin="")
    return {
        (variant_id, place): name for variant_id, place, name in rows.values_list("variant_id", "location_id", "bin")
    }


def _slip(transfer: Transfer, bins: dict[tuple[int, int], str]) -> Slip:
    left = transfer.state in (TransferState.IN_TRANSIT, TransferState.RECEIVED)
    lines = [
        _line(line, line.shipped if left else line.quantity, bins.get((line.variant_id, transfer.destination_id), ""))
        for line in transfer.lines.all()
        if line.shipped or not left
    ]
    note = printable(transfer.note)
    return Slip(
        number=transfer.number, code=code128_png(transfer.number), state=transfer.state, origin=_place(transfer.origin),
        destination=_place(transfer.destination), reference=printable(transfer.reference), expected_on=transfer.expected_on,
        note=note, note_dir=direction(note), lines=lines, units=sum(line.quantity for line in lines),
    )  # fmt: skip


def _line(line: TransferLine, quantity: int, bin_name: str) -> SlipLine:
    title = printable(line.variant.title, 120)
    return SlipLine(
        printable(line.variant.sku, 64),
        _code(line.variant.sku),
        title,
        direction(title),
        printable(bin_name, 40),
        quantity,
    )


def _code(text: str) -> str:
    try:
        return code128_png(text)
    except NotEncodable:
        return ""


def _place(location: Location) -> list[str]:
    address = location.postal_address
    lines = [location.name, *(line for line in address.lines() if line != location.name)]
    return [printable(line, 120) for line in lines if line.strip()]
