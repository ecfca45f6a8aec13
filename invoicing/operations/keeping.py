"""A document's PDF is kept: the first one drawn is the one that everybody gets from then on."""

from __future__ import annotations

from django.db import transaction

from core.files import store_file
from core.models import StoredFile
from invoicing.models import Document


def keep_pdf(document_id: int, data: bytes) -> StoredFile:
    """Keep the PDF of a document that has none; where somebody was faster, the answer is theirs."""
    with transaction.atomic():
        document = Document.objects.select_for_update(no_key=True).only("pk", "number", "file").get(pk=document_id)
        if document.file_id is None:
            file = store_file(name=document.file_name, content_type="application/pdf", data=data)
            Document.objects.filter(pk=document_id).update(file=file)
            return file
    return StoredFile.objects.get(pk=document.file_id)
