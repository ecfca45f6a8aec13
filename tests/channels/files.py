"""Files of channels for tests, and imports of them through the product."""

from __future__ import annotations

import csv
import io
from typing import Any

from django.utils import timezone

from channels.models import ImportRun
from channels.operations import inspect_file, start_import
from core.actors import Actor
from core.jobs import run_job
from orders.models import Channel
from tests.factories.shop import NOW, make_channel

ACTOR = Actor.system("import")
PAID = {
    "Name": "#1", "Id": "900001", "Email": "ana@example.com", "Financial Status": "paid", "Fulfillment Status": "unfulfilled", "Currency": "EUR",
    "Total": "10.00", "Created at": "2026-11-18 10:00:00 +0100", "Lineitem quantity": "1", "Lineitem name": "Tee", "Lineitem price": "10.00",
    "Lineitem sku": "TEE", "Lineitem fulfillment status": "pending", "Shipping Name": "Ana", "Shipping Address1": "ul. Długa 5",
    "Shipping City": "Kraków", "Shipping Zip": "'30-001", "Shipping Country": "PL", "Cancelled at": "", "Refunded Amount": "",
    "Outstanding Balance": "",
}  # fmt: skip
SHIPPED = {
    "Fulfillment Status": "fulfilled",
    "Lineitem fulfillment status": "fulfilled",
    "Fulfilled at": "2026-11-19 10:00:00 +0100",
}
CANCELLED = {"Financial Status": "voided", "Cancelled at": "2026-11-19 10:00:00 +0100"}


def csv_file(*rows: dict[str, Any]) -> bytes:
    """The rows as a CSV file with every column that any of them has."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    file = io.StringIO()
    writer = csv.DictWriter(file, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def orders_file(*changes: dict[str, Any]) -> bytes:
    """An order export; each dict is one row, by its difference to a paid, open order of one tee."""
    return csv_file(
        *[PAID | {"Name": f"#{n}", "Id": str(900000 + n)} | change for n, change in enumerate(changes, start=1)]
    )


def queue(
    kind: str,
    data: bytes,
    channel: Channel | None = None,
    *,
    format_: str = "shopify",
    trial: bool = False,
    **options: Any,
) -> ImportRun:
    """An import that waits for a worker; plain files belong to no channel."""
    if channel is None and format_ == "shopify":
        channel = make_channel(time_zone="Europe/Warsaw")
    inspection = inspect_file(data, kind=kind, channel=channel, format_=format_, **options)
    return start_import(
        kind=kind, format_=format_, channel=channel, file_name=f"{kind}.csv", data=data, inspection=inspection, trial=trial,
        actor=ACTOR, now=NOW,
    )  # fmt: skip


def bring_in(kind: str, data: bytes, channel: Channel | None = None, **options: Any) -> ImportRun:
    """An import, worked to its end."""
    run = queue(kind, data, channel, **options)
    run_job(run.job_id, clock=timezone.now)
    return ImportRun.objects.select_related("job").get(pk=run.pk)


def counts(run: ImportRun) -> tuple[int, int, int, int]:
    """(created, updated, unchanged, refused)."""
    return run.created, run.updated, run.unchanged, run.refused


def errors(run: ImportRun) -> list[tuple[int | None, str, str]]:
    """(line, field, message) of the refused rows."""
    return list(run.job.errors.order_by("line", "id").values_list("line", "field", "message"))
