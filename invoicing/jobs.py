"""Many documents at once: issued, put into one file, mailed, each as a background job that goes on where it stopped."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.files import store_file
from core.jobs import JobKind, register_job, report_error, start_job
from core.models import Job, StoredFile
from core.paper.weasy import pdf_available
from core.refusals import Invalid, Refusal, Unavailable
from fulfillment.documents.merge import merge
from invoicing.drawing import draw
from invoicing.mailing import ask_for_mail
from invoicing.models import Document
from invoicing.operations.issuing import bill_order
from invoicing.operations.keeping import keep_pdf
from orders.models import Order

CHUNK = 20
#: The most documents in one file: it is put together in memory.
MOST_IN_A_FILE = 2000
FORMATS = ("pdf", "zip")


def start_issuing(
    *, order_ids: Sequence[int], scope: str = "whole", mail: bool = False, actor: Actor, now: datetime
) -> Job:
    """Queue the billing of many orders, each in a transaction of its own. Raises Invalid for none."""
    ids = _some(order_ids)
    return start_job(
        kind=IssueInvoices.name, title=_("Invoices of {count} orders").format(count=len(ids)), actor=actor, now=now,
        params={"ids": ids, "scope": scope, "mail": mail, "actor": [actor.kind, actor.key, actor.label]},
    )  # fmt: skip


def start_file(*, document_ids: Sequence[int], form: str, actor: Actor, now: datetime) -> Job:
    """Queue one file of many documents: "pdf", one after the other, or "zip", a file each. Raises Invalid, Unavailable without PDF."""
    ids = _some(document_ids)
    if form not in FORMATS:
        raise Invalid("bad_format", _("Either “pdf” or “zip”."), field="format")
    _need_pdf()
    name = f"invoices-{now:%Y%m%d-%H%M%S}"
    return start_job(
        kind=InvoiceFile.name, title=_("{count} documents as a file").format(count=len(ids)), actor=actor, now=now,
        params={"ids": ids, "format": form, "name": name},
    )  # fmt: skip


def start_mailing(*, document_ids: Sequence[int], actor: Actor, now: datetime) -> Job:
    """Queue the mailing of many documents to their customers. Raises Invalid, Unavailable without PDF."""
    ids = _some(document_ids)
    _need_pdf()
    return start_job(
        kind=MailInvoices.name, title=_("{count} documents by e-mail").format(count=len(ids)), actor=actor, now=now,
        params={"ids": ids, "actor": [actor.kind, actor.key, actor.label]},
    )  # fmt: skip


def _some(ids: Sequence[int]) -> list[int]:
    found = list(dict.fromkeys(ids))
    if not found:
        raise Invalid("nothing_selected", _("Select at least one row first."), field="id")
    return found


def _need_pdf() -> None:
    available, hint = pdf_available()
    if not available:
        raise Unavailable("pdf_off", hint)


@register_job
class IssueInvoices(JobKind):
    """Orders, one a step."""

    name = "issue-invoices"
    permission = "invoices.view"

    def prepare(self, job: Job, *, now: datetime) -> None:
        job.total = len(job.params["ids"])

    def save(self, job: Job, worked: Any, *, now: datetime) -> bool:
        ids, place = job.params["ids"], job.cursor.get("place", 0)
        if place < len(ids):
            self._bill(job, ids[place], now=now)
            job.cursor = {"place": place + 1}
            job.done = place + 1 - job.failed
        return place + 1 >= len(ids)

    def _bill(self, job: Job, order_id: int, *, now: datetime) -> None:
        try:
            with transaction.atomic():  # a refusal undoes this order's part alone
                made = bill_order(
                    order_id=order_id, scope=job.params["scope"], mail=job.params["mail"], actor=Actor(*job.params["actor"]), now=now
                )  # fmt: skip
            if not made:
                _note(job, order_id, _("There is nothing to invoice."))
        except Refusal as refusal:
            _note(job, order_id, refusal.message)


def _note(job: Job, order_id: int, message: str) -> None:
    number = Order.objects.filter(pk=order_id).values_list("number", flat=True).first()
    report_error(job, reference=number or str(order_id), message=message)


@register_job
class InvoiceFile(JobKind):
    """Draw what has no PDF yet, chunk by chunk; then put all of it into one file in the order of the numbers."""

    name = "invoice-file"
    permission = "invoices.view"

    def prepare(self, job: Job, *, now: datetime) -> None:
        asked = job.params["ids"]
        ordered = list(Document.objects.filter(pk__in=asked).order_by("issued_on", "pk").values_list("pk", flat=True))
        job.params = job.params | {"ids": ordered[:MOST_IN_A_FILE]}
        job.total = len(job.params["ids"])
        job.cursor = {"at": 0}
        for pk in sorted(set(asked) - set(job.params["ids"])):
            report_error(job, reference=str(pk), message=_("It is not in the file: gone, or too many were asked for."))

    def work(self, job: Job) -> Any:
        chunk = self._chunk(job)
        if not chunk:
            return _file(job)
        return [(one.pk, draw(one)) for one in Document.objects.filter(pk__in=chunk, file__isnull=True).order_by("pk")]

    def save(self, job: Job, worked: Any, *, now: datetime) -> bool:
        if isinstance(worked, bytes):
            pdf = job.params["format"] == "pdf"
            job.output = store_file(
                name=f"{job.params['name']}.{job.params['format']}", data=worked,
                content_type="application/pdf" if pdf else "application/zip",
            )  # fmt: skip
            return True
        for pk, data in worked:
            keep_pdf(pk, data)
        job.cursor = {"at": job.cursor["at"] + len(self._chunk(job))}
        job.done = job.cursor["at"]
        return job.total == 0

    def _chunk(self, job: Job) -> list[int]:
        ids: list[int] = job.params["ids"]
        return ids[job.cursor["at"] :][:CHUNK]


def _file(job: Job) -> bytes:
    documents = Document.objects.in_bulk(job.params["ids"])
    found = [documents[pk] for pk in job.params["ids"]]

    def data(document: Document) -> bytes:
        return bytes(StoredFile.objects.only("data").get(pk=document.file_id).data)

    if job.params["format"] == "pdf":
        return merge(data(one) for one in found)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in found:
            archive.writestr(zipfile.ZipInfo(one.file_name, one.issued_at.timetuple()[:6]), data(one))
    return target.getvalue()


@register_job
class MailInvoices(JobKind):
    """Documents, one a step; the mail's key is the job's, so that a repeated step says nothing twice."""

    name = "mail-invoices"
    permission = "invoices.view"

    def prepare(self, job: Job, *, now: datetime) -> None:
        job.total = len(job.params["ids"])

    def save(self, job: Job, worked: Any, *, now: datetime) -> bool:
        ids, place = job.params["ids"], job.cursor.get("place", 0)
        if place < len(ids):
            try:
                ask_for_mail(document_id=ids[place], key=f"job-{job.pk}", actor=Actor(*job.params["actor"]), now=now)
            except Refusal as refusal:
                report_error(job, reference=self._number(ids[place]), message=refusal.message)
            job.cursor = {"place": place + 1}
            job.done = place + 1 - job.failed
        return place + 1 >= len(ids)

    def _number(self, pk: int) -> str:
        return str(Document.objects.filter(pk=pk).values_list("number", flat=True).first() or pk)
