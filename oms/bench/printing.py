"""Labels and packing slips in bulk: bought, drawn and merged by the print job; and the reprint that only reads."""

from __future__ import annotations

import random
from datetime import datetime

from django.utils import timezone

from core.jobs import run_job
from core.models import Job
from fulfillment.models import FulfillmentOrder
from fulfillment.operations.printing import start_print_job
from oms.bench.data import ACTOR, make_shop, use_database
from oms.bench.measuring import Figure, Meter
from oms.bench.writing import orders
from oms.orchestration.place_order import place_orders

#: Raw: the print job's own PDF, read back from the database once.
KINDS = ("label_pdf", "slip_a4")


def bench_labels(meter: Meter, size: int, now: datetime) -> list[Figure]:
    """`size` labels and slips cold, then once more."""
    use_database("labels", lambda: make_shop(now=now))
    place_orders(orders(size, random.Random(3), now=now), actor=ACTOR, now=now)
    ids = list(
        FulfillmentOrder.objects.filter(has_label=False, state="open")
        .order_by("-pk")
        .values_list("pk", flat=True)[:size]
    )
    cold = _print(meter, f"labels: {size} labels and slips cold", ids, now)
    again = _print(meter, f"labels: the same {size} once more", ids, now)
    read = meter.run("raw", [lambda: bytes(Job.objects.order_by("-pk")[0].output.data)] * 3)
    read.cpu_ms /= max(1, len(ids))
    return [cold, again.against(read)]


def _print(meter: Meter, name: str, ids: list[int], now: datetime) -> Figure:
    def work() -> None:
        job = start_print_job(fulfillment_order_ids=ids, kinds=KINDS, actor=ACTOR, now=now)
        done = run_job(job.pk, clock=timezone.now)
        if done is None or done.state != "done":
            why = [error.message for error in done.errors.all()[:3]] if done else "not started"
            raise RuntimeError(f"print job: {done.state if done else ''} {done.message if done else ''} {why}")

    figure = meter.run(name, [work], per_call=len(ids))
    figure.note = f"{figure.cpu_ms * len(ids) / 1000:.2f} s CPU in all"
    return figure
