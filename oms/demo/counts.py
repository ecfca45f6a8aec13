"""Counts and set-aside goods of the demo shop: counts in each state, some months of accuracy, cases with a photo."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

from PIL import Image, ImageDraw

from core.actors import Actor
from counts.models import CountSchedule, StockCount
from counts.operations import create_count, finish_count, post_count, record_line
from counts.operations.creating import CountScope, CountSettings
from counts.queries import bins_of
from counts.rules import rank_bins
from inventory.models import Location, LocationKind, StockLevel
from quality.operations import Picture, check_picture, open_nonconformance, resolve_nonconformance

ACTOR = Actor.system("demo")
MONTHS = 3
BINS = 3


def seed_counts(*, now: datetime) -> None:
    """Make them at the place that comes first. Posted counts lie some weeks apart, so that the accuracy has a course."""
    place = Location.objects.filter(active=True, kind=LocationKind.WAREHOUSE).order_by("rank", "pk").first()
    if place is None or StockCount.objects.exists():
        return
    bins = [one.facts.bin for one in rank_bins(bins_of(place.pk, now=now), now=now) if one.facts.bin]
    for n in range(MONTHS):
        when = now - timedelta(days=6 + 9 * (MONTHS - n))
        part = bins[n * BINS : (n + 1) * BINS]
        if part:
            post_count(
                count_id=_counted(place, part, off=3 - n, now=when).pk,
                unlisted="leave",
                partly=True,
                actor=ACTOR,
                now=when,
            )
    rest = bins[MONTHS * BINS :]
    if len(rest) >= 2 * BINS:
        _counted(place, rest[:BINS], off=1, now=now - timedelta(hours=3))
        create_count(
            location_id=place.pk, scope=CountScope("bins", bins=rest[BINS : 2 * BINS]), settings=CountSettings(second_person=False, note="Cycle count"),
            actor=ACTOR, now=now - timedelta(hours=1),
        )  # fmt: skip
    CountSchedule.objects.create(
        location=place, kind="bins", bins=10, every_days=7, next_on=(now + timedelta(days=3)).date()
    )
    _cases(place, now=now)


def _counted(place: Location, bins: list[str], *, off: int, now: datetime) -> StockCount:
    """A finished count of these bins, in which every fifth SKU is off by one."""
    count = create_count(
        location_id=place.pk,
        scope=CountScope("bins", bins=bins),
        settings=CountSettings(tolerance_units=2),
        actor=ACTOR,
        now=now,
    )
    held = dict(StockLevel.objects.filter(location=place).values_list("variant_id", "on_hand"))
    for n, line in enumerate(count.lines.order_by("bin", "pk")):
        there = held[line.variant_id] - (1 if n % 5 < off and held[line.variant_id] else 0)
        record_line(
            count_id=count.pk,
            variant_id=line.variant_id,
            bin_name=line.bin,
            quantity=there,
            done=True,
            actor=ACTOR,
            now=now,
        )
    finish_count(count_id=count.pk, actor=ACTOR, now=now)
    return StockCount.objects.get(pk=count.pk)


def _cases(place: Location, *, now: datetime) -> None:
    free = StockLevel.objects.filter(
        location=place, available__gte=6, variant__is_bundle=False, variant__tracking="none"
    ).order_by("variant_id")
    wishes = [
        ("damaged", "transit", 2),
        ("quality_control", "inspection", 4),
        ("quarantine", "recall", 3),
        ("damaged", "packaging", 2),
    ]
    for n, (level, (kind, reason, units)) in enumerate(zip(free, wishes, strict=False)):
        when = now - timedelta(days=4 - n)
        case = open_nonconformance(
            variant_id=level.variant_id, location_id=place.pk, kind=kind, quantity=units, reason=reason, source="stock" if n % 2 else "receipt",
            note="" if n else "The carton was wet on one side.", photos=[_photo()] if n == 0 else (), actor=ACTOR, now=when,
        )  # fmt: skip
        if n == len(wishes) - 1:
            resolve_nonconformance(
                case_id=case.pk, resolution="restock", quantity=1, note="Only the outer carton", actor=ACTOR, now=now
            )
            resolve_nonconformance(case_id=case.pk, resolution="scrap", quantity=1, actor=ACTOR, now=now)


def _photo() -> Picture:
    """A drawn carton: the demo brings no pictures."""
    picture = Image.new("RGB", (640, 420), "#d8d2c4")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((140, 110, 500, 340), fill="#b98a55", outline="#7d5a33", width=5)
    draw.line((140, 200, 500, 200), fill="#7d5a33", width=4)
    draw.ellipse((330, 230, 470, 330), fill="#6f4f2d")
    made = io.BytesIO()
    picture.save(made, format="PNG")
    return check_picture(made.getvalue())
