"""Ten thousand changed levels in one go: as many statements as for one, and seconds are left over."""

from __future__ import annotations

import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory.models import Product, ReorderPolicy, StockLevel, Variant
from replenishment.models import Alert, Need
from replenishment.operations import evaluate_all, evaluate_subjects
from replenishment.operations.evaluating import COMPARE, parameters_for
from tests.factories.shop import NOW, make_location

pytestmark = pytest.mark.django_db
LEVELS = 10_000


def many_levels(count: int) -> list[tuple[int, int]]:
    """Variants at two places, each with stock and a policy at both; every tenth also in total."""
    product = Product.objects.create(handle="many", title="Many")
    places = [make_location(), make_location()]
    variants = Variant.objects.bulk_create(
        [Variant(product=product, sku=f"M-{n}", title=f"M {n}", search_text=f"m-{n}") for n in range(count // 2)]
    )
    subjects = [(variant.pk, place.pk) for variant in variants for place in places]
    StockLevel.objects.bulk_create([StockLevel(variant_id=v, location_id=p, on_hand=10) for v, p in subjects])
    wanted = [*subjects, *((variant.pk, None) for variant in variants[::10])]
    ReorderPolicy.objects.bulk_create(
        [ReorderPolicy(variant_id=v, location_id=p, reorder_point=4, order_up_to=20, updated_at=NOW) for v, p in wanted]
    )
    return subjects


def timed(act) -> tuple[float, int]:
    """Seconds and statements."""
    with CaptureQueriesContext(connection) as queries:
        begun = time.perf_counter()
        act()
        return time.perf_counter() - begun, len(queries)


def test_ten_thousand_changes_are_a_matter_of_seconds(record_property) -> None:
    subjects = many_levels(LEVELS)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    figures = {}

    def evaluate() -> None:
        evaluate_subjects(subjects, now=timezone.now())

    figures["nothing crosses"] = timed(evaluate)
    StockLevel.objects.update(on_hand=1)
    figures["all cross"] = timed(evaluate)
    assert Alert.objects.filter(state="open").count() == Need.objects.count() == LEVELS + LEVELS // 20
    figures["nothing new"] = timed(evaluate)
    StockLevel.objects.update(on_hand=50)
    figures["all recover"] = timed(evaluate)
    assert not Alert.objects.exclude(state="resolved").exists()
    assert not Need.objects.exists()
    figures["sweep, nothing to do"] = timed(lambda: evaluate_all(now=timezone.now()))
    figures["one level"] = timed(lambda: evaluate_subjects(subjects[:1], now=timezone.now()))
    for name, (seconds, statements) in figures.items():
        print(f"{name}: {seconds * 1000:.0f} ms, {statements} statements")
        record_property(name, round(seconds, 3))
        assert seconds < 20, name  # an order of magnitude above what a quiet machine needs
    assert max(statements for _seconds, statements in figures.values()) <= 7


def test_a_few_changes_read_a_few_rows() -> None:
    """Whatever the number of policies: they are looked up by key, not walked."""
    subjects = many_levels(LEVELS)
    StockLevel.objects.filter(pk__in=StockLevel.objects.order_by("pk").values("pk")[:500]).update(on_hand=1)
    evaluate_all(now=NOW)
    assert Alert.objects.count() >= 500
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {COMPARE}", parameters_for(subjects[:50], NOW))
        plan = "\n".join(row[0] for row in cursor.fetchall())
    for table in (
        "inventory_reorderpolicy",
        "inventory_stocklevel",
        "inventory_variant",
        "replenishment_alert",
        "replenishment_need",
    ):
        assert f"Seq Scan on {table}" not in plan, plan
