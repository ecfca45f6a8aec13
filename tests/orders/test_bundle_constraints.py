"""What the database itself holds of bundles as they were sold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from orders.models import OrderBundle, OrderLine
from tests.factories.bundles import make_bundle
from tests.factories.shop import make_location, make_order, make_variant

pytestmark = pytest.mark.django_db


@pytest.fixture
def bundle(db) -> OrderBundle:
    make_location()
    make_bundle("SET", {make_variant("LAMP"): 1})
    return make_order(lines=[("SET", 1)]).bundles.get()


def again(bundle: OrderBundle, **fields: Any) -> None:
    values = {
        "order": bundle.order,
        "position": 9,
        "variant": bundle.variant,
        "sku": "SET",
        "title": "Set",
        "quantity": 1,
    }
    OrderBundle.objects.create(**values | fields)


def of_line(sold: OrderBundle, **fields: Any) -> None:
    OrderLine.objects.filter(bundle=sold).update(**fields)


BREAKS = {
    "order_bundle_position": lambda bundle: again(bundle, position=bundle.position),
    "order_bundle_counts": lambda bundle: again(bundle, quantity=0),
    "order_bundle_amounts": lambda bundle: again(bundle, discount=Decimal(-1)),
    "order_line_of_a_bundle_counts": lambda bundle: of_line(bundle, per_bundle=0),
}


def test_every_constraint_of_sold_bundles_has_its_breach_here():
    named = {constraint.name for constraint in OrderBundle._meta.constraints}
    assert named | {"order_line_of_a_bundle_counts"} == set(BREAKS)


@pytest.mark.parametrize("name", BREAKS)
def test_a_row_that_breaks_a_constraint_is_refused_by_the_database(bundle, name):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        BREAKS[name](bundle)


@pytest.mark.parametrize("fields", [{"per_bundle": None}, {"bundle": None}])
def test_a_line_is_of_a_bundle_with_a_count_or_of_none_without(bundle, fields):
    with pytest.raises(IntegrityError, match="order_line_of_a_bundle_counts"), transaction.atomic():
        of_line(bundle, **fields)
