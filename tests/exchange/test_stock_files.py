"""Stock out of a file and into one: what comes back is what was taken out, and a changed cell is the only change."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels import jobs
from channels.models import ImportRun
from core.jobs import run_job
from core.models import Job, JobState
from inventory.models import StockLevel, StockMovement
from inventory.operations import Move, apply_moves
from oms.exchange.kinds import exchange_of
from oms.orchestration.import_stock import import_stock
from tests.channels.files import bring_in, counts, csv_file, errors, queue
from tests.factories.exchange import bring_plain, changed, rows_of, take_out
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order, make_variant
from tests.factories.units import followed_units

pytestmark = pytest.mark.django_db
BUCKETS = ("on_hand", "safety_stock", "damaged", "quality_control", "incoming")


def stock() -> dict[tuple[str, str], tuple]:
    rows = StockLevel.objects.values_list("variant__sku", "location__name", *BUCKETS, "bin")
    return {(sku, place): tuple(rest) for sku, place, *rest in rows}


def stock_file(*rows: dict[str, object]) -> bytes:
    return csv_file(*rows)


@pytest.fixture
def place():
    return make_location("Main", code="MAIN")


def test_every_bucket_is_set_through_the_ledger_and_the_second_time_nothing_changes(place):
    make_variant("TEE")
    file = stock_file(
        {"sku": "TEE", "location": "Main", "on_hand": 40, "safety_stock": 5, "damaged": 2, "quality_control": 1, "bin": "A-1", "incoming": 20}
    )  # fmt: skip
    run = bring_plain("inventory", file)
    assert counts(run) == (1, 0, 0, 0)
    assert stock() == {("TEE", "Main"): (40, 5, 2, 1, 20, "A-1")}
    moves = StockMovement.objects.values_list("bucket", "quantity", "reason", "cause", "actor")
    assert set(moves) == {
        (bucket, n, "imported", f"job:{run.job_id}", "system:import")
        for bucket, n in zip(BUCKETS, (40, 5, 2, 1, 20), strict=True)
    }
    assert counts(bring_plain("inventory", file)) == (0, 0, 1, 0)
    assert StockMovement.objects.count() == 5


def test_a_column_that_is_left_out_and_an_empty_count_change_nothing(place):
    variant = make_variant("TEE")
    give_stock(variant, place, 9, bin="A-1")
    give_stock(variant, place, 2, bucket="damaged")
    assert counts(bring_plain("inventory", stock_file({"sku": "TEE", "location": "MAIN", "safety_stock": 3}))) == (
        0,
        1,
        0,
        0,
    )
    assert counts(
        bring_plain("inventory", stock_file({"sku": "TEE", "location": "Main", "on_hand": "", "damaged": "2"}))
    ) == (0, 0, 1, 0)
    assert stock() == {("TEE", "Main"): (9, 3, 2, 0, 0, "A-1")}
    assert counts(bring_plain("inventory", stock_file({"sku": "TEE", "location": "Main", "bin": ""}))) == (0, 1, 0, 0)
    assert stock() == {("TEE", "Main"): (9, 3, 2, 0, 0, "")}


@pytest.mark.parametrize("format_", ["plain", "shopify"])
def test_what_is_taken_out_comes_back_without_a_change(place, format_):
    other = make_location("=cmd|' /C calc'!A0", code="EVIL")
    tee, mug = make_variant("TEE", options={"Size": "M", "Colour": "Red"}), make_variant('+MUG;,"x"')
    give_stock(tee, place, 10, bin="@A1")
    give_stock(tee, place, 25, bucket="safety_stock")  # more than there is
    give_stock(tee, place, 3, bucket="damaged")
    give_stock(mug, other, 4, bin="-5")
    give_stock(mug, other, 6, bucket="incoming")
    make_order(make_channel(), [(mug.sku, 2)])
    before = stock()
    data = take_out("inventory", format_)
    assert b"\n=cmd" not in data and b",=cmd" not in data and b",@A1" not in data
    run = bring_in("inventory", data, format_=format_)
    assert errors(run) == []
    assert counts(run) == (0, 0, 2, 0)
    assert stock() == before
    column = "on_hand" if format_ == "plain" else "On hand (new)"
    more = changed(
        data, lambda row: row.update({column: "44"}) if "MUG" in row.get("sku", row.get("SKU", "")) else None
    )
    run = bring_in("inventory", more, format_=format_)
    assert counts(run) == (0, 1, 1, 0)
    after = dict(before)
    after[(mug.sku, other.name)] = (44, *before[(mug.sku, other.name)][1:])
    assert stock() == after


def test_rows_that_cannot_be_are_named_by_line_and_column_and_the_rest_is_taken(place):
    tee = make_variant("TEE")
    give_stock(tee, place, 5)
    make_order(make_channel(), [(tee.sku, 4)])
    for sku in ("A", "B", "SET"):
        make_variant(sku)
    make_variant("BUNDLE", is_bundle=True)
    run = bring_plain(
        "inventory",
        stock_file(
            {"sku": "TEE", "location": "Main", "on_hand": 3},
            {"sku": "NOPE", "location": "Main", "on_hand": 3},
            {"sku": "A", "location": "Moon", "on_hand": 3},
            {"sku": "A", "location": "Main", "on_hand": "1,5"},
            {"sku": "B", "location": "Main", "on_hand": 3, "damaged": 4},
            {"sku": "BUNDLE", "location": "Main", "on_hand": 1},
            {"sku": "SET", "location": "Main", "on_hand": 7},
            {"sku": "SET", "location": "MAIN", "on_hand": 8},
            {"sku": "SET", "location": "Main", "on_hand": 9},
        ),
    )
    assert counts(run) == (1, 0, 0, 8)
    assert [(line, field) for line, field, _why in errors(run)] == [
        (2, "on_hand"), (3, "sku"), (4, "location"), (5, "on_hand"), (6, "on_hand"), (7, "sku"), (9, "location"), (10, "sku"),
    ]  # fmt: skip
    assert stock()[("SET", "Main")][0] == 7


def test_units_that_documents_bring_stay_incoming(place):
    variant = make_variant("TEE")
    with transaction.atomic():
        apply_moves([Move(variant.pk, place.pk, "incoming", 10, "incoming")], cause="purchase:7", actor=ACTOR, now=NOW)
        apply_moves([Move(variant.pk, place.pk, "incoming", 5, "incoming")], cause="adjustment:x", actor=ACTOR, now=NOW)
    assert counts(bring_plain("inventory", stock_file({"sku": "TEE", "location": "Main", "incoming": 10}))) == (
        0,
        1,
        0,
        0,
    )
    run = bring_plain("inventory", stock_file({"sku": "TEE", "location": "Main", "incoming": 9}))
    assert counts(run) == (0, 0, 0, 1) and errors(run)[0][:2] == (2, "incoming")


def test_a_unit_with_a_serial_number_is_not_counted_away_and_stops_no_other_row(place):
    units = followed_units(place)
    make_variant("TEE")
    run = bring_plain(
        "inventory",
        stock_file(
            {"sku": "PHONE", "location": "Main", "on_hand": 1},
            {"sku": "MILK", "location": "Main", "on_hand": 3},
            {"sku": "TEE", "location": "Main", "on_hand": 2},
        ),
    )
    assert counts(run) == (1, 1, 0, 1)
    assert "serial numbers" in errors(run)[0][2]
    units["lot_level"].refresh_from_db()
    assert units["lot_level"].on_hand == 3


def test_a_trial_says_what_would_change_and_changes_nothing(place):
    give_stock(make_variant("TEE"), place, 9)
    make_variant("MUG")
    file = stock_file(
        {"sku": "TEE", "location": "Main", "on_hand": 12},
        {"sku": "MUG", "location": "Main", "on_hand": 1},
        {"sku": "NOPE", "location": "Main", "on_hand": 1},
    )
    run = bring_plain("inventory", file, trial=True)
    assert counts(run) == (1, 1, 0, 1)
    assert run.differences == [
        {"line": 2, "what": "TEE · Main", "state": "updated", "changes": [["on_hand", "9", "12"]]},
        {"line": 3, "what": "MUG · Main", "state": "created", "changes": [["on_hand", "", "1"]]},
    ]
    assert stock() == {("TEE", "Main"): (9, 0, 0, 0, 0, "")}
    assert StockMovement.objects.count() == 1
    assert counts(bring_plain("inventory", file)) == (1, 1, 0, 1)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_encodings_and_delimiters_are_read(place, encoding, delimiter):
    make_variant("Żółć")
    data = f'sku{delimiter}location{delimiter}on_hand\r\nŻółć{delimiter}"Main"{delimiter}7\r\n'.encode(encoding)
    assert counts(bring_plain("inventory", data)) == (1, 0, 0, 0)


def test_a_killed_import_goes_on_after_its_last_portion(place, monkeypatch):
    monkeypatch.setattr(jobs, "PORTION", {**jobs.PORTION, "inventory": 2})
    for n in range(5):
        make_variant(f"S{n}")
    run = queue(
        "inventory",
        stock_file(*({"sku": f"S{n}", "location": "Main", "on_hand": n + 1} for n in range(5))),
        format_="plain",
    )
    calls = []

    def dies(records, **told):
        calls.append(len(records))
        if len(calls) == 2:
            raise SystemExit("killed")
        return import_stock(records, **told)

    monkeypatch.setattr(jobs, "import_stock", dies)
    with pytest.raises(SystemExit):
        run_job(run.job_id, clock=timezone.now)
    assert StockLevel.objects.count() == 2
    Job.objects.update(lease_until=timezone.now())
    run_job(run.job_id, clock=timezone.now)
    assert calls == [2, 2, 2, 1]
    assert counts(ImportRun.objects.get()) == (5, 0, 0, 0)
    assert StockMovement.objects.count() == 5


def test_a_killed_export_goes_on_after_its_last_part(place, monkeypatch):
    from oms.exchange import exporting

    monkeypatch.setattr(exporting, "PORTION", 2)
    for n in range(5):
        give_stock(make_variant(f"S{n}"), place, n + 1)
    whole = take_out("inventory")
    assert [row["sku"] for row in rows_of(whole)] == [f"S{n}" for n in range(5)]
    job = exporting.start_export(exchange=exchange_of("inventory"), actor=ACTOR, now=NOW)
    joined = exporting.ExportJob.save
    calls = []

    def dies(self, job, worked, *, now):
        calls.append(len(worked.portion.rows))
        if len(calls) == 2:
            raise SystemExit("killed")
        return joined(self, job, worked, now=now)

    monkeypatch.setattr(exporting.ExportJob, "save", dies)
    with pytest.raises(SystemExit):
        run_job(job.pk, clock=timezone.now)
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now())
    run_job(job.pk, clock=timezone.now)
    job.refresh_from_db()
    assert calls == [2, 2, 2, 1] and job.state == JobState.DONE
    assert bytes(job.output.data) == whole
    from core.models import StoredFile

    assert StoredFile.objects.count() == 2  # the parts are gone


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp", "Zs")), min_size=1, max_size=12)
COUNT = st.integers(0, 500)
LEVELS = st.lists(
    st.tuples(
        st.sampled_from(["=1+1", "'=x", "+48", "-5", "@a", "TEE", "＝x", "'plain", '"q"']), st.booleans(), COUNT, COUNT, COUNT, COUNT, COUNT,
        st.one_of(st.just(""), st.sampled_from(["=A1", "'=A", "\t-1".strip(), "A-1"])),
    ),
    max_size=8, unique_by=lambda row: row[:2],
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(levels=LEVELS, names=st.lists(NAMES, min_size=2, max_size=2, unique_by=lambda name: name.casefold()))
def test_whatever_lies_there_comes_back_as_it_was(levels, names):
    import unicodedata

    with transaction.atomic():
        places = [make_location(unicodedata.normalize("NFC", name), code=f"C{n}") for n, name in enumerate(names)]
        variants = {sku: make_variant(sku) for sku in {row[0] for row in levels}}
        for sku, second, on_hand, safety, damaged, quality, incoming, bin_name in levels:
            place = places[second]
            moves = zip(BUCKETS, (on_hand + damaged + quality, safety, damaged, quality, incoming), strict=True)
            apply_moves(
                [Move(variants[sku].pk, place.pk, b, n, "received") for b, n in moves],
                cause="test:1",
                actor=ACTOR,
                now=NOW,
            )
            StockLevel.objects.filter(variant=variants[sku], location=place).update(bin=bin_name)
        before, rows = stock(), StockMovement.objects.count()
        for format_ in ("plain", "shopify"):
            data = take_out("inventory", format_)
            run = bring_in("inventory", data, format_=format_)
            assert errors(run) == [] and counts(run) == (0, 0, len(before), 0)
        assert (stock(), StockMovement.objects.count()) == (before, rows)
        StockLevel.objects.all().delete()  # a new house: the file alone brings everything back
        data = take_out_of(before)
        bring_plain("inventory", data)
        assert stock() == before
        transaction.set_rollback(True)


def take_out_of(levels: dict[tuple[str, str], tuple]) -> bytes:
    from oms.exchange.exporting import csv_bytes

    header = ("sku", "location", *BUCKETS, "bin")
    return csv_bytes([header, *((*key, *value) for key, value in levels.items())])
