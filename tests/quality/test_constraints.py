"""What the database itself refuses of nonconformances."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from quality.operations import open_nonconformance, resolve_nonconformance
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_variant


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE quality_nonconformance SET state = 'lost'",
        "UPDATE quality_nonconformance SET source = 'sky'",
        "UPDATE quality_nonconformance SET bucket = 'quality_control'",
        "UPDATE quality_nonconformance SET kind = 'quarantine'",
        "UPDATE quality_nonconformance SET open_quantity = quantity + 1",
        "UPDATE quality_nonconformance SET adopted = quantity + 1",
        "UPDATE quality_nonconformance SET open_quantity = 0",
        "UPDATE quality_nonconformance SET state = 'resolved'",
        "UPDATE quality_decision SET quantity = 0",
        "UPDATE quality_decision SET resolution = 'burn'",
        "UPDATE quality_decision SET resolution = 'move'",
        "UPDATE quality_decision SET kind = 'damaged'",
    ],
)
def test_the_database_refuses_it(statement: str) -> None:
    level = give_stock(make_variant(), make_location(), 9)
    case = open_nonconformance(
        variant_id=level.variant_id, location_id=level.location_id, kind="damaged", quantity=4, reason="transit", source="stock", actor=ACTOR, now=NOW
    )  # fmt: skip
    resolve_nonconformance(case_id=case.pk, resolution="scrap", quantity=1, actor=ACTOR, now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
