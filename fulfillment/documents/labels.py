"""Shipping labels, 4×6 in: one layout in printer dots, drawn as PDF here and as ZPL in `zpl`.

The few words that are not data are English, as on every carrier's label: depots read them, not customers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from core.paper.codes import CODE128_QUIET_ZONE, NotEncodable, code128_modules, qr_modules
from core.paper.text import printable

from . import fonts, sheet
from .sheet import DOTS_PER_INCH, Bars, Box, Element, QrCode, Text, block, centred, fitted, sheets_pdf

WIDTH, HEIGHT = 4 * DOTS_PER_INCH, 6 * DOTS_PER_INCH
MARGIN = 24
_INNER = WIDTH - 2 * MARGIN
_NARROWEST_MODULE = 2  # dots
_ADDRESS_SIZES = (42, 38, 34, 30, 26, 22, 20, 18)


@dataclass(frozen=True, slots=True)
class Label:
    """What a label says. `service_code` is one or two big letters, `qr` the text of the QR code (empty: none).

    `sender` and `recipient` are address lines as printed; weight in grams; parcel n of `parcels`.
    """

    carrier: str
    service: str
    service_code: str
    routing_code: str
    tracking_number: str
    sender: tuple[str, ...]
    recipient: tuple[str, ...]
    weight_grams: int
    reference: str = ""
    order_number: str = ""
    contents: str = ""
    ship_on: date | None = None
    parcel: int = 1
    parcels: int = 1
    is_return: bool = False
    qr: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, for keeping a label's content with its shipment."""
        content = {field.name: getattr(self, field.name) for field in fields(self)}
        return content | {
            "sender": list(self.sender),
            "recipient": list(self.recipient),
            "ship_on": self.ship_on.isoformat() if self.ship_on else None,
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Label:
        """The label that `to_json` wrote; TypeError for keys that are not a label's."""
        ship_on = content["ship_on"]
        return cls(
            **content
            | {
                "sender": tuple(content["sender"]),
                "recipient": tuple(content["recipient"]),
                "ship_on": date.fromisoformat(ship_on) if ship_on else None,
            }
        )


def label_layout(label: Label) -> list[Element]:
    """Everything on a label with its place. Raises NotEncodable for a tracking number that no Code 128 holds."""
    return [
        *_service_band(label),
        *block(label.sender, x=MARGIN, y=212, width=340, height=150, sizes=(22, 20, 18, 16), title="FROM"),
        *_facts(label),
        *_qr(label),
        Box(MARGIN, 388, _INNER, 3),
        *block(label.recipient, x=MARGIN, y=402, width=_INNER, height=272, sizes=_ADDRESS_SIZES, title="SHIP TO"),
        Box(MARGIN, 688, _INNER, 3),
        *centred(label.routing_code, x=MARGIN, y=702, width=_INNER, size=84),
        Box(MARGIN, 806, _INNER, 3),
        _bars(label.tracking_number),
        *centred(label.tracking_number, x=MARGIN, y=1070, width=_INNER, size=38),
        Box(MARGIN, 1126, _INNER, 3),
        *block(_footer_lines(label), x=MARGIN, y=1136, width=_INNER, height=70, sizes=(22, 20, 18, 16)),
    ]


def labels_pdf(labels: Sequence[Label]) -> bytes:
    """One PDF with a 4×6 in page per label. Raises NoFont, or NotEncodable for a label that cannot be drawn."""
    return sheets_pdf([label_layout(label) for label in labels], width=WIDTH, height=HEIGHT)


@cache
def label_sources() -> tuple[bytes, ...]:
    """What the look of a label depends on besides its data: the code that draws it."""
    return tuple(Path(str(path)).read_bytes() for path in (__file__, sheet.__file__))


def _service_band(label: Label) -> Iterator[Element]:
    letters = printable(label.service_code, 2)
    size = 130 if len(letters) == 1 else 90
    yield Box(MARGIN, MARGIN, 164, 164)
    width = fonts.text_width(letters, bold=True) * size
    yield Text(round(MARGIN + 82 - width / 2), round(MARGIN + 82 - size * 0.58), letters, size, bold=True, white=True)
    service = f"RETURN · {label.service}" if label.is_return else label.service
    yield from fitted(service, x=MARGIN + 188, y=MARGIN + 14, width=_INNER - 188, size=56, bold=True)
    yield from fitted(label.carrier, x=MARGIN + 188, y=MARGIN + 92, width=_INNER - 188, size=32)


def _facts(label: Label) -> Iterator[Element]:
    kilograms, grams = divmod(label.weight_grams, 1000)
    lines = [
        f"Parcel {label.parcel} of {label.parcels}",
        f"Weight {kilograms}.{grams:03d} kg",
        label.ship_on.isoformat() if label.ship_on else "",
        label.contents,
    ]
    yield from block(lines, x=MARGIN + 356, y=212, width=206, height=170, sizes=(24, 22, 20, 18, 16))


def _qr(label: Label) -> Iterator[Element]:
    """In the corner right of the facts, 180 dots square with its quiet zone inside the free space."""
    if not label.qr:
        return
    side = len(qr_modules(label.qr))
    module = max(2, min(5, 172 // side))
    yield QrCode(WIDTH - MARGIN - side * module, 204, module, label.qr)


def _bars(data: str) -> Bars:
    """As wide as fits with its quiet zones, but not above 4 dots (0.5 mm) a module, nor below 2, which scanners miss."""
    modules = len(code128_modules(data))
    module = min(4, WIDTH // (modules + 2 * CODE128_QUIET_ZONE))
    if module < _NARROWEST_MODULE:
        raise NotEncodable(f"{data!r} is too long for a Code 128 on a label.")
    return Bars((WIDTH - modules * module) // 2, 826, module, 230, data)


def _footer_lines(label: Label) -> list[str]:
    order = f"Order {label.order_number}" if label.order_number else ""
    reference = f"Ref {label.reference}" if label.reference else ""
    return [order, reference]
