"""Bulk printing: pick order, broken ones listed, killed and resumed at the chunk, reprint without purchase."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pikepdf
import pypdfium2
import pytest
import zxingcpp

from core.actors import Actor
from core.jobs import LEASE, run_job, sweep
from core.models import Job, JobError
from core.refusals import Invalid, Refusal, Unavailable
from fulfillment import printing_job
from fulfillment.models import Document, FulfillmentOrder, IssuedNumber, Package
from fulfillment.operations import printing
from fulfillment.operations.printing import paper, print_now, start_pick_list_job, start_print_job
from fulfillment.operations.shipping import ship_fulfillment_order
from fulfillment.queries import in_pick_order
from fulfillment.shipping_job import start_shipping
from inventory.models import StockLevel, StockMovement
from oms.orchestration.hold_order import hold_order
from tests.factories.fulfillment import make_work, make_works

pytestmark = pytest.mark.django_db
ANNA = Actor("user", "1", "Anna")
BOTH = ("label_pdf", "slip_4x6")


def start(works: list[FulfillmentOrder], now: datetime, kinds: tuple[str, ...] = BOTH) -> Job:
    return start_print_job(fulfillment_order_ids=[work.pk for work in works], kinds=kinds, actor=ANNA, now=now)


def finish(job: Job, now: datetime) -> Job:
    done = run_job(job.pk, clock=lambda: now)
    assert done is not None
    return done


def codes(pdf: bytes) -> list[set[str]]:
    """What a scanner reads on each page, printed at 203 dpi."""
    pages = pypdfium2.PdfDocument(pdf)
    return [{found.text for found in zxingcpp.read_barcodes(page.render(scale=203 / 72).to_pil())} for page in pages]


def bins(works: list[FulfillmentOrder], names: list[str]) -> None:
    for work, name in zip(works, names, strict=True):
        FulfillmentOrder.objects.filter(pk=work.pk).update(first_bin=name)


def test_labels_and_slips_come_in_pick_order_and_scan(now: datetime) -> None:
    works = make_works(3)
    bins(works, ["B-10", "B-2", "A-7"])
    job = finish(start(works, now), now)
    assert (job.state, job.done, job.total, job.failed) == ("done", 3, 3, 0)
    assert job.output is not None
    pages = codes(bytes(job.output.data))
    expected = [works[2], works[1], works[0]]
    assert len(pages) == 6
    for position, work in enumerate(expected):
        number = Package.objects.get(shipment__fulfillment_order=work).tracking_number
        assert number in pages[2 * position]
        assert work.number in pages[2 * position + 1]
    assert all(work.printed_at == now for work in FulfillmentOrder.objects.all())


def test_a_reprint_reads_what_is_kept_and_buys_nothing(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    works = make_works(3)
    first = finish(start(works, now), now)
    for name in ("render_labels", "render_slips"):
        monkeypatch.setattr(printing, name, lambda items, *rest: [] if not items else pytest.fail("drawn again"))
    second = finish(start(works, now), now)
    assert first.output is not None
    assert second.output is not None
    assert bytes(first.output.data) == bytes(second.output.data)
    assert (IssuedNumber.objects.count(), Package.objects.count(), Document.objects.count()) == (3, 3, 6)


def test_what_changed_is_drawn_again_and_the_old_paper_goes(now: datetime) -> None:
    work = make_work()
    print_now(fulfillment_order_id=work.pk, kinds=BOTH, actor=ANNA, now=now)
    before = dict(Document.objects.values_list("kind", "content_hash"))
    work.order.customer_note = "Please ring twice"
    work.order.save(update_fields=["customer_note"])
    print_now(fulfillment_order_id=work.pk, kinds=BOTH, actor=ANNA, now=now)
    after = dict(Document.objects.values_list("kind", "content_hash"))
    assert before["label_pdf"] == after["label_pdf"]
    assert before["slip_4x6"] != after["slip_4x6"]
    assert Document.objects.count() == 2


def test_broken_ones_are_listed_and_the_rest_print(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing_job, "CHUNK", 2)
    works = make_works(5)
    order = works[1].order
    order.shipping_address = order.shipping_address | {"line1": ""}
    order.save(update_fields=["shipping_address"])
    hold_order(order_id=works[3].order_id, kind="fraud", reason="", actor=ANNA, now=now)
    FulfillmentOrder.objects.filter(pk=works[4].pk).update(number="№4")  # no barcode holds it
    gone = 999_999_999
    job = start_print_job(fulfillment_order_ids=[*(w.pk for w in works), gone], kinds=BOTH, actor=ANNA, now=now)
    job = finish(job, now)
    assert (job.state, job.done, job.failed) == ("done_with_errors", 6, 4)
    reasons = dict(JobError.objects.values_list("reference", "message"))
    assert "no street" in reasons[works[1].number]
    assert "On hold" in reasons[works[3].number]
    assert "cannot be drawn" in reasons["№4"]
    assert reasons[str(gone)] == "There is no such fulfillment order."
    assert job.output is not None
    pages = codes(bytes(job.output.data))
    assert [works[0].number in pages[1], works[2].number in pages[3], len(pages)] == [True, True, 4]
    printed = set(FulfillmentOrder.objects.filter(printed_at__isnull=False).values_list("pk", flat=True))
    assert printed == {works[0].pk, works[2].pk}


def test_when_nothing_can_be_printed_the_job_ends_with_its_reasons(now: datetime) -> None:
    work = make_work()
    hold_order(order_id=work.order_id, kind="fraud", reason="", actor=ANNA, now=now)
    job = finish(start([work], now), now)
    assert (job.state, job.failed, job.output_id) == ("done_with_errors", 1, None)


@pytest.mark.parametrize("step", [0, 1, 2, 3])
@pytest.mark.parametrize("part", ["work", "save"])
def test_a_killed_worker_resumes_at_the_chunk_and_nothing_happens_twice(
    step: int, part: str, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing_job, "CHUNK", 1)
    works = make_works(3)
    job = start(works, now)
    original, calls = getattr(printing_job.PrintJob, part), []

    def killed(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(part)
        result = original(self, *args, **kwargs)
        if len(calls) == step + 1:
            raise SystemExit("killed")
        return result

    monkeypatch.setattr(printing_job.PrintJob, part, killed)
    with pytest.raises(SystemExit):
        run_job(job.pk, clock=lambda: now)
    job.refresh_from_db()
    assert (job.state, job.done) == ("running", min(step, 3))

    later = now + LEASE + timedelta(seconds=1)
    assert run_job(job.pk, clock=lambda: now) is None, "its lease still runs"
    assert sweep(now=later) == 1
    done = finish(job, later)
    assert (done.state, done.done, done.failed) == ("done", 3, 0)
    assert done.output is not None
    assert len(pikepdf.open(io.BytesIO(bytes(done.output.data))).pages) == 6
    assert (IssuedNumber.objects.count(), Package.objects.count(), Document.objects.count()) == (3, 3, 6)
    assert calls.count(part) == 5, "each step once, and the killed one again"


def test_a_worker_whose_lease_was_taken_writes_nothing(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    works = make_works(2)
    job = start(works, now)
    original = printing_job.PrintJob.work

    def slow(self: Any, job: Job) -> Any:
        worked = original(self, job)
        Job.objects.filter(pk=job.pk).update(lease="another worker")
        return worked

    monkeypatch.setattr(printing_job.PrintJob, "work", slow)
    run_job(job.pk, clock=lambda: now)
    job.refresh_from_db()
    assert (job.lease, job.done) == ("another worker", 0)
    assert not Document.objects.exists()


def test_a_full_disk_keeps_the_purchase_and_says_nothing_is_printed(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = make_work()
    with monkeypatch.context() as patch:
        patch.setattr(
            printing_job,
            "keep_documents",
            lambda *args, **kwargs: (_ for _ in ()).throw(OSError(28, "No space left on device")),
        )
        job = start([work], now)
        with pytest.raises(OSError, match="No space left"):
            run_job(job.pk, clock=lambda: now)
    work.refresh_from_db()
    assert (work.has_label, work.printed_at, Document.objects.count()) == (True, None, 0)
    later = now + timedelta(hours=1)
    assert finish(job, later).state == "done"
    assert IssuedNumber.objects.count() == 1


def test_zpl_labels_are_one_file_for_the_printer(now: datetime) -> None:
    works = make_works(2)
    job = finish(start(works, now, ("label_zpl",)), now)
    assert job.output is not None
    data = bytes(job.output.data)
    assert job.output.name.endswith(".zpl")
    assert (data.count(b"^XA"), data.count(b"^XZ")) == (2, 2)


def test_slips_alone_buy_no_label(now: datetime) -> None:
    works = make_works(2)
    job = finish(start(works, now, ("slip_a4",)), now)
    assert job.state == "done"
    assert not IssuedNumber.objects.exists()
    assert job.output is not None
    with pikepdf.open(io.BytesIO(bytes(job.output.data))) as pdf:
        assert [round(float(page.mediabox[2])) for page in pdf.pages] == [595, 595]


@pytest.mark.parametrize("kinds", [(), ("cv",), ("label_zpl", "slip_a4"), ("return_label_pdf",)])
def test_only_what_can_be_printed_is_taken(kinds: tuple[str, ...], now: datetime) -> None:
    work = make_work()
    with pytest.raises(Invalid):
        start([work], now, kinds)
    with pytest.raises(Invalid):
        start([], now)


def test_without_pdf_it_says_what_to_install_and_zpl_still_prints(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "pdf_available", lambda: (False, "Pango is missing."))
    work = make_work()
    with pytest.raises(Unavailable, match="Pango is missing"):
        start([work], now)
    with pytest.raises(Unavailable, match="Pango is missing"):
        start_pick_list_job(fulfillment_order_ids=[work.pk], actor=ANNA, now=now)
    assert finish(start([work], now, ("label_zpl",)), now).state == "done"


def test_a_paper_can_be_opened_without_writing(now: datetime, django_assert_num_queries: Callable[..., Any]) -> None:
    work = make_work()
    assert paper(work.pk, "slip_a4").startswith(b"%PDF")
    with pytest.raises(Refusal, match="no label yet"):
        paper(work.pk, "label_pdf")
    assert not Document.objects.exists()
    ship_fulfillment_order(fulfillment_order_id=work.pk, actor=ANNA, now=now, fast_forward=True)
    assert paper(work.pk, "label_pdf").startswith(b"%PDF")
    assert not Document.objects.exists()


def test_the_pick_list_walks_the_bins_once(now: datetime) -> None:
    works = make_works(2)
    job = start_pick_list_job(fulfillment_order_ids=[w.pk for w in works], actor=ANNA, now=now)
    done = finish(job, now)
    assert done.state == "done"
    assert done.output is not None
    text = pypdfium2.PdfDocument(bytes(done.output.data))[0].get_textpage().get_text_bounded()
    positions = [text.index(name) for name in ("A-1", "A-2")]
    assert positions == sorted(positions)
    assert all(work.number in text for work in works)


def test_pick_order_reads_numbers_as_numbers(now: datetime) -> None:
    works = make_works(4)
    bins(works, ["A-10", "A-9", "", "a-2"])
    assert in_pick_order([work.pk for work in works]) == [works[3].pk, works[1].pk, works[0].pk, works[2].pk]


def test_many_parcels_ship_as_a_job_and_a_killed_one_goes_on(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    from fulfillment import shipping_job

    works = make_works(4)
    hold_order(order_id=works[2].order_id, kind="fraud", reason="", actor=ANNA, now=now)
    job = start_shipping(fulfillment_order_ids=[w.pk for w in works], actor=ANNA, now=now)
    original, calls = shipping_job.ship_fulfillment_order, []

    def killed(**kwargs: Any) -> Any:
        shipped = original(**kwargs)
        calls.append(kwargs["fulfillment_order_id"])
        if len(calls) == 2:
            raise SystemExit("killed")
        return shipped

    monkeypatch.setattr(shipping_job, "ship_fulfillment_order", killed)
    with pytest.raises(SystemExit):
        run_job(job.pk, clock=lambda: now)
    done = finish(job, now + LEASE + timedelta(seconds=1))
    assert (done.state, done.done, done.failed) == ("done_with_errors", 4, 1)
    assert JobError.objects.get().reference == works[2].number
    assert FulfillmentOrder.objects.filter(state="shipped").count() == 3
    assert StockMovement.objects.filter(reason="shipped", bucket="on_hand").count() == 6
    assert all(level.reserved >= 0 for level in StockLevel.objects.all())
