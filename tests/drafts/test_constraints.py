"""What the database itself refuses: one failing row for each constraint."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from drafts.models import DraftLine, DraftOrder, HeldStock
from tests.factories.drafts import make_draft
from tests.factories.shop import NOW, give_stock, make_location, make_variant

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("draft_state_known", {"state": "lost"}),
        ("draft_scenario_known", {"scenario": "dream"}),
        ("draft_terms_known", {"terms": "never"}),
        ("draft_discount_holds", {"discount_kind": "percent", "discount_value": Decimal(101)}),
        ("draft_discount_holds", {"discount_kind": "none", "discount_value": Decimal(1)}),
        ("draft_amounts_not_negative", {"total": Decimal(-1)}),
        ("draft_completed_is_an_order", {"state": "completed"}),
        ("draft_closed_holds_nothing", {"state": "cancelled", "hold_until": NOW}),
    ],
)
def test_of_a_draft(name, wrong) -> None:
    draft = make_draft()
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        DraftOrder.objects.filter(pk=draft.pk).update(**wrong)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("draft_line_counts", {"quantity": 0}),
        ("draft_line_price_not_negative", {"unit_price": Decimal(-1)}),
        ("draft_line_tax_is_a_fraction", {"tax_rate": Decimal(1)}),
        ("draft_line_discount_holds", {"discount_kind": "amount", "discount_value": Decimal(0)}),
    ],
)
def test_of_a_line(name, wrong) -> None:
    make_draft([(make_variant(), 1)])
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        DraftLine.objects.update(**wrong)


def test_of_held_stock() -> None:
    tee, place = make_variant(), make_location()
    give_stock(tee, place, 5)
    line = make_draft([(tee, 1)]).lines.get()
    HeldStock.objects.create(line=line, variant=tee, location=place, quantity=1)
    with pytest.raises(IntegrityError, match="held_stock_once"), transaction.atomic():
        HeldStock.objects.create(line=line, variant=tee, location=place, quantity=1)
    with pytest.raises(IntegrityError, match="held_stock_counts"), transaction.atomic():
        HeldStock.objects.update(quantity=0)
