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
    """Add the pages. A font that is there already is taken out of the source first: copying it would cost most of the work."""
    with pikepdf.open(io.BytesIO(document)) as source:
        keys = [_font_keys(page) for page in source.pages]
        for page, of_page in zip(source.pages, keys, strict=True):
            for name in [name for name, key in of_page.items() if key in fonts]:
                page.obj[Name.Resources][Name.Font][name] = Dictionary()
        before = len(merged.pages)
        merged.pages.extend(source.pages)
        for page, of_page in zip(merged.pages[before:], keys, strict=True):
            for name, key in of_page.items():
                page_fonts = page.obj[Name.Resources][Name.Font]
                page_fonts[name] = fonts.setdefault(key, page_fonts[name])


def _font_keys(page: Page) -> dict[str, bytes]:
    """Name → key of the page's embedded fonts that another document may carry as well."""
    resources = page.obj.get(Name.Resources)
    if not isinstance(resources, Dictionary) or Name.Font not in resources:
        return {}
    found = ((name, _font_key(font)) for name, font in resources[Name.Font].items())
    return {name: key for name, key in found if key is not None}


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
