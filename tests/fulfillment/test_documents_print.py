"""Print runs: merged in order, fonts once, memory flat; pick lists in the order of the walk; separator sheets."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fulfillment.documents.merge import merge, page_count
from fulfillment.documents.picklist import PickLine, PickList, bin_key, pick_stops, sku_totals
from fulfillment.documents.render import render_labels, render_pick_list, render_slips
from fulfillment.documents.separator import separator_sheet
from tests.factories.papers import codes_on, make_label, make_slip, page_images, page_sizes, text_of


def test_a_print_run_has_all_pages_in_the_given_order() -> None:
    labels = [rendered.pdf or b"" for rendered in render_labels([make_label(f"N{n:03d}") for n in range(12)])]
    order = random.Random(7).sample(range(12), 12)
    merged = merge(labels[n] for n in order)
    assert [codes_on(image)["Code128"] for image in page_images(merged)] == [f"N{n:03d}" for n in order]


def test_a_print_run_keeps_each_font_once() -> None:
    labels = [rendered.pdf or b"" for rendered in render_labels([make_label(f"N{n:03d}") for n in range(40)])]
    merged = merge(labels)
    with pikepdf.open(io.BytesIO(merged)) as pdf:
        programs = [obj for obj in pdf.objects if isinstance(obj, pikepdf.Dictionary) and "/FontFile2" in obj]
    assert len(programs) == 2
    assert len(merged) < sum(map(len, labels)) / 4


def test_slips_and_labels_merge_and_stay_readable() -> None:
    slip = render_slips([make_slip(ship_to=("Zażółć Gęślą Jaźń",))])[0].pdf or b""
    label = render_labels([make_label()])[0].pdf or b""
    merged = merge([label, slip, label])
    assert page_sizes(merged) == [(288, 432), (595, 842), (288, 432)]
    assert text_of(merged).count("Zażółć Gęślą-Jaźń") == 2
    assert "Zażółć Gęślą Jaźń" in text_of(merged)


def test_separators_stand_between_documents_only() -> None:
    label = render_labels([make_label()])[0].pdf or b""
    sheet = separator_sheet("Wave 12", ["Zone A", "30 parcels", "محمدرضا"], "4x6")
    assert page_sizes(sheet) == [(288, 432)]
    merged = merge([label, label, label], separator=sheet)
    assert page_count(merged) == 5
    assert text_of(merged).count("Wave 12") == 2
    assert page_count(merge([label], separator=sheet)) == 1
    assert page_sizes(separator_sheet("A", [], "a4")) == [(595, 842)]


def test_merging_nothing_gives_an_empty_run_and_garbage_is_refused() -> None:
    assert page_count(merge([])) == 0
    with pytest.raises(pikepdf.PdfError):
        merge([b"no pdf"])


def test_the_same_run_has_the_same_bytes() -> None:
    label = render_labels([make_label()])[0].pdf or b""
    assert merge([label, label]) == merge([label, label])


def test_memory_stays_flat_over_thousands_of_parcels() -> None:
    """1,000 labels streamed through a merge: peak memory grows by less than 40 kB a label."""
    program = (
        "import resource, sys\n"
        "from fulfillment.documents.merge import merge\n"
        "pdf = sys.stdin.buffer.read()\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "merge([pdf] * 100); before = peak()\n"
        "merge(pdf for _ in range(1000)); print(peak() - before)\n"
    )
    label = render_labels([make_label()])[0].pdf or b""
    result = subprocess.run(
        [sys.executable, "-c", program], input=label, cwd=Path(__file__).resolve().parents[2], capture_output=True, check=True
    )  # fmt: skip
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes on macOS, in kB elsewhere
    assert int(result.stdout) * unit < 1000 * 40_000


# ---- pick lists ------------------------------------------------------------------------------------------------------

WALK = ["A-1", "A-2", "A-10", "A-10-1", "B-1", "B-03", "C", ""]


def test_bins_are_walked_in_natural_order() -> None:
    shuffled = random.Random(3).sample(WALK, len(WALK))
    assert sorted(shuffled, key=bin_key) == WALK


@given(st.lists(st.text(max_size=8), min_size=2, max_size=8))
def test_any_bin_names_can_be_ordered(names: list[str]) -> None:
    in_order = sorted(names, key=bin_key)
    assert [bool(name.strip()) for name in in_order] == sorted((bool(name.strip()) for name in names), reverse=True)
    assert all(bin_key(before) <= bin_key(after) for before, after in pairwise(in_order))


def test_a_stop_sums_its_sku_and_says_which_tote() -> None:
    lines = [
        PickLine("MUG", "Mug", "A-10", 2, "FO-1", "T1"),
        PickLine("TEE", "Tee", "A-2", 1, "FO-1", "T1"),
        PickLine("MUG", "Mug", "A-10", 3, "FO-2"),
        PickLine("MUG", "Mug", "A-10", 1, "FO-1", "T1"),
        PickLine("MUG", "Mug", "B-1", 4, "FO-3", "T3"),
    ]
    stops = pick_stops(lines)
    assert [(stop.bin, stop.sku, stop.quantity, stop.shares) for stop in stops] == [
        ("A-2", "TEE", 1, (("T1 (FO-1)", 1),)),
        ("A-10", "MUG", 6, (("T1 (FO-1)", 3), ("FO-2", 3))),
        ("B-1", "MUG", 4, (("T3 (FO-3)", 4),)),
    ]
    assert sku_totals(lines) == {"MUG": 10, "TEE": 1}


def test_a_pick_list_prints_its_walk_and_totals_and_scans(now) -> None:  # type: ignore[no-untyped-def]
    lines = tuple(PickLine(f"SKU-{n:03d}", f"Thing {n}", f"A-{n}", n, f"FO-{n % 5}", f"T{n % 5}") for n in range(1, 61))
    pdf = render_pick_list(PickList("PL-000007", "Main warehouse", now, lines))
    text = text_of(pdf)
    assert page_count(pdf) > 1
    assert text.index("SKU-002") < text.index("SKU-010") < text.index("SKU-060") < text.index("Totals by SKU")
    for part in ("Main warehouse", "Units: 1,830", "Fulfillment orders: 5", "60 × T0 (FO-0)"):
        assert part in text or part.replace(",", "") in text
    assert codes_on(page_images(pdf)[0]) == {"Code128": "PL-000007"}


def test_a_persian_pick_list_is_in_persian(now) -> None:  # type: ignore[no-untyped-def]
    pdf = render_pick_list(PickList("PL-1", "انبار", now, (PickLine("MUG", "لیوان", "A-1", 2, "FO-1"),), "fa"))
    assert codes_on(page_images(pdf)[0]) == {"Code128": "PL-1"}
    assert "MUG" in text_of(pdf)
