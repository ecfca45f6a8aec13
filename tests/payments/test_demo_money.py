"""The demo's money: there is something to see on each page, and a second time changes nothing."""

from __future__ import annotations

import pytest

from currencies.models import ExchangeRate
from oms.demo.money import seed_money, seed_rates
from oms.integrity import CHECKS
from orders.models import OrderRate
from payments.models import CreditAccount, PaymentMethod, StatementLine
from tests.factories.shop import NOW, make_channel, make_order

pytestmark = pytest.mark.django_db


def test_the_demo_has_rates_credit_and_a_statement() -> None:
    PaymentMethod.objects.get_or_create(name="Bank transfer", defaults={"kind": "bank_transfer"})
    counted = []
    for _twice in range(2):
        seed_rates(now=NOW)
        if not counted:
            make_order(make_channel(currency="USD"))
            for _n in range(3):
                make_order(paid=False)
        seed_money(now=NOW)
        counted.append((ExchangeRate.objects.count(), CreditAccount.objects.count(), StatementLine.objects.count()))
    assert counted[0] == counted[1] and all(counted[0])
    assert OrderRate.objects.get().source == "ecb"
    assert set(StatementLine.objects.values_list("certainty", flat=True)) == {"exact", "number", "none"}
    assert "credit_is_the_sum_of_its_ledger" in CHECKS
