"""Many transfer slips as one PDF, in the background."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core.files import store_file
from core.jobs import JobKind, register_job, report_error
from core.models import Job
from core.paper.weasy import PdfUnavailable
from core.refusals import Refusal, Unavailable
from transfers.models import Transfer
from transfers.slips import slips_of, slips_pdf

SLIPS_JOB = "transfer_slips"
#: So many slips at most; they are laid out as one document.
SLIPS_AT_ONCE = 200


@register_job
class SlipsJob(JobKind):
    """params: `ids` in the order of printing, `language`."""

    name = SLIPS_JOB
    permission = "transfers.view"

    def prepare(self, job: Job, *, now: datetime) -> None:
        """One step."""
        job.total = len(job.params["ids"])

    def work(self, job: Job) -> Any:
        """Draw them."""
        slips = slips_of(job.params["ids"])
        if not slips:
            raise Refusal("nothing_to_print", "None of these transfers exists any more.")
        try:
            return slips_pdf(slips, language=job.params["language"])
        except PdfUnavailable as off:
            raise Unavailable("pdf_off", str(off)) from off

    def save(self, job: Job, worked: Any, *, now: datetime) -> bool:
        """Keep the file; name those that were not there any more."""
        job.output = store_file(name=f"transfer-slips-{job.pk}.pdf", content_type="application/pdf", data=worked)
        known = set(Transfer.objects.filter(pk__in=job.params["ids"]).values_list("pk", flat=True))
        for pk in job.params["ids"]:
            if pk not in known:
                report_error(job, reference=str(pk), message="There is no such transfer.")
        job.done = len(known)
        return True
