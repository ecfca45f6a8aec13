"""The PDF of a document: the kept one, or drawn now (outside any transaction) and kept from then on."""

from __future__ import annotations

import base64
from datetime import date

from core.models import Shop, StoredFile
from core.paper.weasy import PdfUnavailable
from core.refusals import Unavailable
from core.shop import shop
from invoicing.models import Document
from invoicing.operations.keeping import keep_pdf
from invoicing.paper import document_pdf


def pdf_of(document: Document) -> StoredFile:
    """The file of a document, the same bytes each time. Raises Unavailable where this machine cannot make PDF."""
    if document.file_id is not None:
        return StoredFile.objects.get(pk=document.file_id)
    return keep_pdf(document.pk, draw(document))


def draw(document: Document) -> bytes:
    """Draw a document; writes nothing. Raises Unavailable."""
    try:
        return document_pdf(document, corrects=_corrected(document), logo=logo_of(shop()))
    except PdfUnavailable as off:
        raise Unavailable("pdf_off", str(off)) from off


def _corrected(document: Document) -> tuple[str, date] | None:
    if document.corrects_id is None:
        return None
    found: tuple[str, date] = Document.objects.values_list("number", "issued_on").get(pk=document.corrects_id)
    return found


def logo_of(own: Shop) -> str:
    """The shop's logo as a data URI; empty without one."""
    if own.logo is None:
        return ""
    return f"data:{own.logo.content_type};base64,{base64.b64encode(bytes(own.logo.data)).decode()}"
