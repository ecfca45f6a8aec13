"""Many PDFs as one print file."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable

import pikepdf
from pikepdf import Dictionary, Name, Object, Page, Pdf


def merge(documents: Iterable[bytes], *, separator: bytes | None = None) -> bytes:
    """All pages of all documents in the given order, with the separator's pages between any two documents.

    Takes an iterator, so that thousands can stream from storage. Labels and slips of one batch carry the same fonts;
    each font is kept once. Same input, same bytes. Raises pikepdf.PdfError for what is no PDF.
    """
    fonts: dict[bytes, Object] = {}
    with pikepdf.new() as merged:
        for number, document in enumerate(documents):
            if separator is not None and number:
                _append(merged, separator, fonts)
            _append(merged, document, fonts)
        target = io.BytesIO()
        merged.save(target, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return target.getvalue()


def page_count(document: bytes) -> int:
    """The number of pages of a PDF. Raises pikepdf.PdfError for what is no PDF."""
    with pikepdf.open(io.BytesIO(document)) as pdf:
        return len(pdf.pages)


def _append(merged: Pdf, document: bytes, fonts: dict[bytes, Object]) -> None:
    with pikepdf.open(io.BytesIO(document)) as source:
        before = len(merged.pages)
        merged.pages.extend(source.pages)
        for page in merged.pages[before:]:
            _share_fonts(page, fonts)


def _share_fonts(page: Page, fonts: dict[bytes, Object]) -> None:
    """Let the page use the first copy of each of its fonts; the copies become unreachable and are not written."""
    resources = page.obj.get(Name.Resources)
    if not isinstance(resources, Dictionary) or Name.Font not in resources:
        return
    page_fonts = resources[Name.Font]
    for name in list(page_fonts.keys()):
        if (key := _font_key(page_fonts[name])) is not None:
            page_fonts[name] = fonts.setdefault(key, page_fonts[name])


def _font_key(font: Object) -> bytes | None:
    """Hash of an embedded composite font: its program, widths and character map; None for any other font."""
    try:
        descendant = font[Name.DescendantFonts][0]
        descriptor = descendant[Name.FontDescriptor]
        program = descriptor[Name.FontFile2 if Name.FontFile2 in descriptor else Name.FontFile3]
        parts = [
            program.read_raw_bytes(),
            font[Name.ToUnicode].read_raw_bytes(),
            descendant[Name.W].unparse(resolved=True),
        ]
    except (KeyError, AttributeError, IndexError):
        return None
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.digest()
