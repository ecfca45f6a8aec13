"""The way in: many slips or labels at once, one PDF each, and one that cannot be drawn never stops the others.

A document of fifty slips costs a third less CPU than fifty documents, so items are laid out in chunks and the chunk's
PDF is cut into one per item. Callers keep each by its `content_hash` and merge the kept ones when they print.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
import pikepdf
from pikepdf import Dictionary, Name

from core.paper.weasy import PdfUnavailable, pdf_bytes, render_html

from . import labels as label_sheets
from .labels import Label
from .picklist import PickList, pick_list_html
from .slips import Paper, Slip, slip_html, slip_template_sources, slips_html

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from weasyprint import Document

logger = logging.getLogger(__name__)
Item = TypeVar("Item")

# Memory grows by 0.8 MB a page; beyond fifty pages a larger document saves no more time.
SLIPS_PER_DOCUMENT = 50
LABELS_PER_DOCUMENT = 100
_DRAWN_OBJECT = re.compile(rb"(/[^\s/<>()\[\]]+)\s+Do\b")


@dataclass(frozen=True, slots=True)
class Rendered:
    """One item's PDF, or why it has none (a sentence for the job's list of errors)."""

    pdf: bytes | None
    error: str = ""


def render_slips(slips: Sequence[Slip], paper: Paper = "a4") -> list[Rendered]:
    """One PDF per slip, in order; a slip may have several pages. Raises PdfUnavailable when no PDF can be made at all."""
    return _in_chunks(slips, SLIPS_PER_DOCUMENT, lambda chunk: _slip_pdfs(chunk, paper))


def render_labels(labels: Sequence[Label]) -> list[Rendered]:
    """One single-page 4×6 in PDF per label, in order. Raises PdfUnavailable when the machine has no usable font."""
    return _in_chunks(
        labels, LABELS_PER_DOCUMENT, lambda chunk: _split(label_sheets.labels_pdf(chunk), [1] * len(chunk))
    )


def render_pick_list(pick_list: PickList) -> bytes:
    """The pick list as one A4 PDF. Raises PdfUnavailable without Pango."""
    return pdf_bytes(render_html(pick_list_html(pick_list)))


def slip_hash(slip: Slip, paper: Paper) -> str:
    """Key of a slip's PDF: changes with its data, the paper, and the templates it is drawn with."""
    return content_hash(slip, paper.encode(), *slip_template_sources())


def label_hash(label: Label) -> str:
    """Key of a label's PDF: changes with its data and the code that draws it."""
    return content_hash(label, *label_sheets.label_sources())


def content_hash(content: DataclassInstance, *look: bytes) -> str:
    """SHA-256 (64 hex digits) of a dataclass and of what decides its look: equal content and look, equal paper."""
    digest = hashlib.sha256(type(content).__name__.encode() + b"\0" + orjson.dumps(content, default=_plain))
    digest.update(_look_digest(look))
    return digest.hexdigest()


@lru_cache(maxsize=16)
def _look_digest(parts: tuple[bytes, ...]) -> bytes:
    """Digests of what decides the look, one after the other: the same for thousands of papers."""
    return b"".join(hashlib.sha256(part).digest() for part in parts)


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be part of a content hash.")


def _in_chunks(items: Sequence[Item], size: int, draw: Callable[[Sequence[Item]], list[bytes]]) -> list[Rendered]:
    return [
        rendered for start in range(0, len(items), size) for rendered in _isolated(items[start : start + size], draw)
    ]  # fmt: skip


def _isolated(items: Sequence[Item], draw: Callable[[Sequence[Item]], list[bytes]]) -> list[Rendered]:
    """Draw together; when that fails, halve until the broken item stands alone: log2(n) extra layouts for one broken."""
    try:
        return [Rendered(pdf) for pdf in draw(items)]
    except PdfUnavailable:
        raise
    except Exception as error:
        if len(items) == 1:
            logger.exception("A document could not be drawn")
            return [Rendered(None, f"{type(error).__name__}: {error}")]
    middle = len(items) // 2
    return _isolated(items[:middle], draw) + _isolated(items[middle:], draw)


def _slip_pdfs(slips: Sequence[Slip], paper: Paper) -> list[bytes]:
    anchors = [f"slip-{position}" for position in range(len(slips))]
    bodies = [slip_html(slip, anchor=anchor) for slip, anchor in zip(slips, anchors, strict=True)]
    document = render_html(slips_html(bodies, paper))
    return _split(pdf_bytes(document), _pages_per_anchor(document, anchors))


def _pages_per_anchor(document: Document, anchors: Sequence[str]) -> list[int]:
    """How many pages each anchored part has, given that each begins on a new page."""
    first_page: dict[str, int] = {}
    for number, page in enumerate(document.pages):
        for anchor in page.anchors:
            first_page.setdefault(anchor, number)  # a part that goes on has its anchor on each of its pages
    return [after - start for start, after in pairwise([*map(first_page.__getitem__, anchors), len(document.pages)])]


def _split(pdf: bytes, page_counts: Sequence[int]) -> list[bytes]:
    """Cut a PDF into consecutive parts of the given numbers of pages; same input, same bytes."""
    parts, start = [], 0
    with pikepdf.open(io.BytesIO(pdf)) as source:
        if sum(page_counts) != len(source.pages):
            raise ValueError(f"{len(source.pages)} pages for {len(page_counts)} documents")
        for page in source.pages:
            _drop_foreign_images(page.obj)
        for count in page_counts:
            with pikepdf.new() as part:
                part.pages.extend(source.pages[start : start + count])
                target = io.BytesIO()
                part.save(target, deterministic_id=True)
            parts.append(target.getvalue())
            start += count
    return parts


def _drop_foreign_images(page: pikepdf.Object) -> None:
    """Give the page its own list of images: all pages of a document share one, with every barcode of the chunk in it."""
    resources = page.get(Name.Resources)
    if resources is None or Name.XObject not in resources:
        return
    drawn = {match.decode() for match in _DRAWN_OBJECT.findall(page.Contents.read_bytes())}
    own = Dictionary(dict(resources.items()))
    own[Name.XObject] = Dictionary({name: image for name, image in resources.XObject.items() if name in drawn})
    page.Resources = own
