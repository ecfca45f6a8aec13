"""A worker dies in the middle of a job: the next one goes on, and each effect has happened once."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import Count
from django.utils import timezone

from channels.models import ImportRun
from core.jobs import run_job, sweep
from core.models import Job, JobError, JobState, TimelineEntry
from fulfillment.models import Document, FulfillmentOrder, IssuedNumber, Package, Shipment
from fulfillment.operations.printing import start_print_job
from fulfillment.shipping_job import start_shipping
from inventory.models import Reservation, StockLevel, StockMovement
from orders.models import Order, OrderLine, PaymentRecord
from tests.browser.stack import ROOT, Stack, send, wait_for
from tests.channels.files import orders_file, queue
from tests.factories.fulfillment import make_works
from tests.factories.papers import page_sizes
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_variant
from tests.faults.dying import POINTS, make_portions_small

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
ORDERS = 34
PARCELS = 10


def die_at(stack: Stack, point: str, job: Job) -> None:
    """Let a worker process work on the job until it is killed there."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.dying", point, str(job.pk)], cwd=ROOT, env=stack.environment, capture_output=True, text=True,
        timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, f"it ended by itself: {done.returncode}\n{done.stderr[-2000:]}"
    job.refresh_from_db()
    assert job.state == JobState.RUNNING


def go_on(job: Job, monkeypatch: pytest.MonkeyPatch) -> Job:
    """What beat and another worker do once the lease of the dead one is over; before that nobody may touch the job."""
    make_portions_small(monkeypatch.setattr)
    assert run_job(job.pk, clock=timezone.now) is None, "the lease still holds"
    later = timezone.now() + timedelta(minutes=3)
    rung: list[Any] = []
    monkeypatch.setattr("core.jobs.bell.ring", lambda task, *args: rung.append((task, *args)))
    assert sweep(now=later) == 1
    assert rung == [("core.tasks.run_job", job.pk)]
    return run_job(job.pk, clock=lambda: later) or Job.objects.get(pk=job.pk)


def audits_are_clean() -> None:
    call_command("audit_stock", stdout=StringIO())
    call_command("check_integrity", stdout=StringIO())


def an_import() -> Job:
    """Orders of one SKU with stock for all but the last two, with one row that is refused."""
    channel = make_channel(name="Shop", time_zone="Europe/Warsaw")
    variant, location = make_variant("TEE"), make_location("Main")
    give_stock(variant, location, ORDERS - 3)
    rows = [{"Email": f"b{n}@example.com"} for n in range(ORDERS)]
    rows[5] |= {"Lineitem quantity": "many"}
    return Job.objects.get(pk=queue("orders", orders_file(*rows), channel).job_id)


def traces_of_import() -> dict[str, Any]:
    """Everything that an import leaves behind, without ids and times."""
    run = ImportRun.objects.get()
    return {
        "counts": (run.created, run.updated, run.unchanged, run.refused),
        "orders": sorted(Order.objects.values_list("number", "total", "payment", "backordered", "fulfillment")),
        "lines": sorted(OrderLine.objects.values_list("order__number", "sku", "ordered", "allocated", "backordered")),
        "paid": PaymentRecord.objects.count(),
        "work": sorted(FulfillmentOrder.objects.values_list("order__number", "state")),
        "reserved": sum(Reservation.objects.values_list("quantity", flat=True)),
        "levels": list(StockLevel.objects.values_list("on_hand", "reserved")),
        "moves": StockMovement.objects.count(),
        "history": sorted(
            TimelineEntry.objects.filter(subject__startswith="order:").values_list("kind").annotate(n=Count("id"))
        ),
        "refused": list(JobError.objects.values_list("line", "field", "message")),
    }


@pytest.fixture
def undisturbed(transactional_db: None) -> dict[str, Any]:
    """The same import with nothing happening to it; taken back afterwards."""
    from django.db import transaction

    patch = pytest.MonkeyPatch()
    make_portions_small(patch.setattr)
    with transaction.atomic():
        run_job(an_import().pk, clock=timezone.now)
        traces = traces_of_import()
        transaction.set_rollback(True)
    patch.undo()
    return traces


@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith("import")])
def test_an_import_ends_as_if_nothing_had_happened(
    stack: Stack, undisturbed: dict[str, Any], point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = an_import()
    die_at(stack, point, job)
    assert 0 < Order.objects.count() < ORDERS - 1
    ended = go_on(job, monkeypatch)
    assert ended.state == JobState.DONE_WITH_ERRORS
    assert traces_of_import() == undisturbed
    audits_are_clean()


@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith("print")])
def test_a_print_job_buys_no_label_twice(stack: Stack, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    works = make_works(PARCELS)
    job = start_print_job(
        fulfillment_order_ids=[work.pk for work in works], kinds=["label_pdf", "slip_a4"], actor=ACTOR, now=NOW
    )
    die_at(stack, point, job)
    bought_before = set(Package.objects.values_list("tracking_number", flat=True))
    assert bought_before
    ended = go_on(job, monkeypatch)
    assert (ended.state, ended.done, ended.failed) == (JobState.DONE, PARCELS, 0)
    assert bought_before <= set(Package.objects.values_list("tracking_number", flat=True))
    assert Shipment.objects.count() == Package.objects.count() == IssuedNumber.objects.count() == PARCELS
    assert Document.objects.count() == 2 * PARCELS
    assert len(page_sizes(bytes(ended.output.data))) == 2 * PARCELS
    printed = TimelineEntry.objects.filter(kind="fulfillment.printed").values("subject").annotate(n=Count("id"))
    assert sorted(row["n"] for row in printed) == [1] * PARCELS
    audits_are_clean()


def test_parcels_leave_once(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    works = make_works(PARCELS)
    job = start_shipping(fulfillment_order_ids=[work.pk for work in works], actor=ACTOR, now=NOW)
    die_at(stack, "ship: half of the parcels have left", job)
    assert FulfillmentOrder.objects.filter(state="shipped").count() == 4
    ended = go_on(job, monkeypatch)
    assert (ended.state, ended.failed) == (JobState.DONE, 0)
    assert FulfillmentOrder.objects.filter(state="shipped").count() == PARCELS
    assert Package.objects.count() == PARCELS
    sent = TimelineEntry.objects.filter(kind="fulfillment.shipped").values("subject").annotate(n=Count("id"))
    assert sorted(row["n"] for row in sent) == [1] * PARCELS
    audits_are_clean()


def test_a_celery_worker_is_killed_and_another_takes_over(stack: Stack) -> None:
    """The real thing: SIGKILL to worker, children and beat in mid-job; a new worker finds the job by its sweeps."""
    works = make_works(60)
    stack.start_worker()
    job = start_print_job(
        fulfillment_order_ids=[work.pk for work in works],
        kinds=["label_pdf", "slip_a4"],
        actor=ACTOR,
        now=timezone.now(),
    )
    send("core.tasks.run_job", job.pk)
    wait_for("the first label", Package.objects.exists, 40, pause=0.01)
    stack.kill("worker")
    job.refresh_from_db()
    assert job.open
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now())  # instead of waiting two minutes
    stack.start_worker(name="second")
    wait_for("the end of the job", lambda: Job.objects.get(pk=job.pk).state == JobState.DONE, 60)
    assert Shipment.objects.count() == Package.objects.count() == IssuedNumber.objects.count() == 60
    assert len(page_sizes(bytes(Job.objects.get(pk=job.pk).output.data))) == 120
    audits_are_clean()
