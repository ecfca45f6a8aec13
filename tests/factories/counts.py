"""Counts and cases in each state."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from counts.models import CountSchedule, StockCount
from counts.operations import create_count, finish_count, record_line
from counts.operations.creating import CountScope
from inventory.models import Location, Variant
from quality.operations import check_picture, open_nonconformance
from tests.factories.shop import ACTOR, NOW


def picture(kind: str = "JPEG", size: tuple[int, int] = (60, 40), mode: str = "RGB", **more: Any) -> bytes:
    """A picture file, red where it has colours."""
    made = io.BytesIO()
    Image.new(mode, size, "red" if mode == "RGB" else None).save(made, format=kind, **more)
    return made.getvalue()


def make_count(
    variant: Variant, location: Location, *, counted: int | None = None, finished: bool = False
) -> StockCount:
    """A count of one SKU, as far as it is wanted."""
    scope = CountScope("skus", variant_ids=[variant.pk])
    count = create_count(location_id=location.pk, scope=scope, actor=ACTOR, now=NOW)
    if counted is not None:
        line = count.lines.get()
        record_line(count_id=count.pk, variant_id=variant.pk, bin_name=line.bin, quantity=counted, actor=ACTOR, now=NOW)
    if finished:
        finish_count(count_id=count.pk, anyway=True, actor=ACTOR, now=NOW)
        count.refresh_from_db()
    return count


def counts_and_cases(variant: Variant, location: Location) -> dict[str, Any]:
    """What the walk over all addresses wants."""
    case = open_nonconformance(
        variant_id=variant.pk, location_id=location.pk, kind="damaged", quantity=3, reason="transit", source="stock",
        photos=[check_picture(picture())], actor=ACTOR, now=NOW,
    )  # fmt: skip
    schedule = CountSchedule.objects.create(location=location, kind="bins", next_on=NOW.date())
    counted = make_count(variant, location, counted=400, finished=True)
    return {
        "count_open": make_count(variant, location, counted=400),
        "count_counted": counted,
        "count_line": counted.lines.get(),
        "count_schedule": schedule,
        "case": case,
        "photo": case.photos.get(),
    }
