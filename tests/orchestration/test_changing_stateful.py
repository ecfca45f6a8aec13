"""Any sequence of changes, payments, refunds, cancels, picks and shipments: money adds up, stock is whole, previews come true.

Run longer with OMS_CAMPAIGN_EXAMPLES.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from core.addresses import Address
from core.money import quantize, smallest_unit
from core.refusals import Refusal
from fulfillment.models import FulfillmentOrder
from fulfillment.operations.picking import pick_line
from fulfillment.operations.shipping import ship_fulfillment_order
from inventory.models import Variant
from inventory.operations import adjust_stock
from inventory.operations.auditing import audit_stock
from oms.integrity import check_integrity
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.changing import Preview, parse_changes, preview_change, submit_change
from oms.orchestration.changing.editing import open_edit
from oms.orchestration.hold_order import hold_order, release_holds
from oms.orchestration.place_order import place_order
from oms.orchestration.requests import NewLine, NewOrder
from oms.orchestration.settle_return import settle_return
from orders.amounts import line_value, value_of_first
from orders.models import Order, OrderLine, TaxRate
from orders.operations import record_payment, record_refund
from orders.status import compute_statuses
from returns.operations import Received, Verdict, inspect_return, receive_return
from returns.operations.asking import LineRequest, request_return
from returns.operations.deciding import approve_return
from returns.queries import line_worths, proposed_refund
from tests.factories.bundles import make_bundle
from tests.factories.returns import make_shop
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_variant

pytestmark = pytest.mark.django_db(transaction=True)
EXAMPLES = int(os.environ.get("OMS_CAMPAIGN_EXAMPLES", "6"))
SEED = int(os.environ.get("OMS_CAMPAIGN_SEED", "20261122"))
STEPS = 30
_serial = itertools.count(1)
KINDS = (
    "remove", "quantity", "add", "add_bundle", "custom", "swap", "reprice", "discount", "percent", "order_discount", "order_percent",
    "address", "service", "shipping_price", "split", "contact",
)  # fmt: skip
small = st.integers(1, 4)
cents = st.integers(0, 3000)


class ChangingMachine(RuleBasedStateMachine):
    """One shop, one currency, a few orders that everything happens to."""

    tally: Counter[str] = Counter()

    @initialize(currency=st.sampled_from(["EUR", "JPY", "KWD"]), included=st.booleans(), hold_unpaid=st.booleans())
    def open_shop(self, currency: str, included: bool, hold_unpaid: bool) -> None:
        n = next(_serial)
        self.currency, self.included = currency, included
        make_shop()
        TaxRate.objects.get_or_create(country="PL", defaults={"name": "VAT", "rate": Decimal("0.23")})
        TaxRate.objects.get_or_create(country="DE", defaults={"name": "VAT", "rate": Decimal("0.19")})
        self.channel = make_channel(currency=currency, hold_unpaid=hold_unpaid)
        self.places = [make_location(), make_location(country="DE", latitude=52.5, longitude=13.4)]
        self.skus = [f"{name}-{n}" for name in ("LAMP", "BULB", "CABLE")]
        lamp, bulb, cable = (make_variant(sku, price=self.amount(999)) for sku in self.skus)
        make_variant(f"GIFT-{n}", requires_shipping=False, price=self.amount(250))
        self.bundle, self.gift = f"SET-{n}", f"GIFT-{n}"
        make_bundle(self.bundle, {lamp: 1, bulb: 3}, price=self.amount(1999))
        for variant in (lamp, bulb, cable):
            for place in self.places:
                give_stock(variant, place, 8)
        self.orders: list[int] = []
        self.given_back: dict[int, Decimal] = {}  # line → what its refunded units were worth
        self.place([(0, 3, 999), (1, 4, 333), (4, 2, 1999)], 100, 490, paid=True, tax="0.23")
        self.place([(2, 3, 1000), (3, 2, 250)], 0, 0, paid=False, tax=None)

    def amount(self, units: int) -> Decimal:
        """So many of the currency's smallest unit."""
        return units * smallest_unit(self.currency)

    def order(self, n: int) -> Order | None:
        return Order.objects.get(pk=self.orders[n % len(self.orders)]) if self.orders else None

    def told(self, name: str, refusal: Refusal | None = None) -> None:
        self.tally[f"{name}:{refusal.code}" if refusal else name] += 1

    def place(self, wanted: Any, discount: int, shipping: int, *, paid: bool, tax: str | None) -> None:
        skus = [*self.skus, self.gift, self.bundle]
        rate = Decimal(tax) if tax else None
        lines = []
        for which, quantity, price in wanted:
            net = self.amount(price) * quantity
            taxed = net * rate / (1 + rate if self.included else 1) if rate else Decimal(0)
            tax_amount = quantize(taxed, self.currency)
            lines.append(NewLine(skus[which], quantity, self.amount(price), tax=tax_amount, tax_rate=rate))
        value = sum((line.unit_price * line.quantity for line in lines), Decimal(0))
        n = next(_serial)
        request = NewOrder(
            channel_id=self.channel.pk, external_id=f"s-{n}", number=f"S{n}", placed_at=NOW, currency=self.currency, lines=tuple(lines),
            shipping_address=_address("PL"), discount_total=min(self.amount(discount), value), shipping_total=self.amount(shipping),
            tax_included=self.included,
        )  # fmt: skip
        placed = place_order(request, actor=ACTOR, now=NOW)
        order = Order.objects.get(pk=placed.order_id)
        self.orders.append(order.pk)
        if paid and order.total:
            record_payment(order_id=order.pk, amount=order.total, method="card", key="first", actor=ACTOR, now=NOW)
        self.told("place")

    @rule(
        n=st.integers(0, 9), kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=3), which=st.integers(0, 9), units=small,
        price=cents, percent=st.integers(0, 100),
    )  # fmt: skip
    def change(self, n: int, kinds: list[str], which: int, units: int, price: int, percent: int) -> None:
        order = self.order(n)
        if order is None:
            return
        asked = [self._asked(order, kind, which + k, units, price, percent) for k, kind in enumerate(kinds)]
        changes = parse_changes([one for one in asked if one] or [{"kind": "change_contact", "phone": "1"}])
        before = {line.pk: (line.unit_price, line.discount, line.tax) for line in order.lines.all()}
        edit = open_edit(order, lock=False)
        in_hand = {pk for pk, line in edit.lines.items() if line.ordered - line.cancelled > edit.free[pk]}
        try:
            seen = preview_change(order_id=order.pk, changes=changes, actor=ACTOR, now=NOW)
        except Refusal as refusal:
            self.told("preview", refusal)
            assert Order.objects.get(pk=order.pk).version == order.version
            return
        assert Order.objects.get(pk=order.pk).version == order.version, "a preview changed something"
        try:
            made = submit_change(
                order_id=order.pk, changes=changes, version=seen.version, digest=seen.digest, key=f"{seen.version}", actor=ACTOR, now=NOW
            )  # fmt: skip
        except Refusal as refusal:
            self.told("change", refusal)
            expected = seen.refused[0].code if seen.refused else "nothing was refused before"
            assert refusal.code == expected  # noqa: PT017 - what was shown is what comes
            return
        self.came_true(order, seen, made.effect)
        for kind in kinds:
            self.told(f"change.{kind}")
        if set(kinds) <= {"split", "contact"}:
            assert seen.effect.amount("current_total")[0] == seen.effect.amount("current_total")[1], (
                "a split costs nothing"
            )
        if "split" not in kinds:
            now = {line.pk: (line.unit_price, line.discount, line.tax) for line in order.lines.all()}
            assert all(now[pk] == before[pk] for pk in in_hand & set(before)), "the price of what is in hand changed"

    def came_true(self, order: Order, seen: Preview, effect: dict[str, Any]) -> None:
        assert not seen.refused and effect == seen.effect.to_json()
        after = Order.objects.get(pk=order.pk)
        for name in ("total", "tax_total", "current_total", "owed_by_customer", "owed_to_customer"):
            assert seen.effect.amount(name)[1] == getattr(after, name), name

    def _asked(
        self, order: Order, kind: str, which: int, units: int, price: int, percent: int
    ) -> dict[str, Any] | None:
        lines = [*order.lines.filter(bundle=None).order_by("pk").values_list("pk", flat=True)]
        references = [*lines, *(f"bundle-{pk}" for pk in order.bundles.order_by("pk").values_list("pk", flat=True))]
        line, sku = references[which % len(references)] if references else 0, self.skus[which % 3]
        amount = str(self.amount(price))
        country = "DE" if order.ship_country == "PL" else "PL"
        return {
            "remove": {"kind": "remove_units", "line": line, "units": units},
            "quantity": {"kind": "set_quantity", "line": line, "quantity": units},
            "add": {"kind": "add_line", "sku": sku, "quantity": units, "price": amount},
            "add_bundle": {"kind": "add_line", "sku": self.bundle, "quantity": units, "price": amount},
            "custom": {"kind": "add_line", "title": "Words", "quantity": units, "price": amount, "tax_rate": "0.08"},
            "swap": {"kind": "swap_variant", "line": line, "sku": sku},
            "reprice": {"kind": "reprice", "line": line, "price": amount},
            "discount": {"kind": "discount_line", "line": line, "amount": amount},
            "percent": {"kind": "discount_line", "line": line, "percent": percent},
            "order_discount": {"kind": "discount_order", "amount": amount},
            "order_percent": {"kind": "discount_order", "percent": percent},
            "address": {"kind": "change_address", "address": _address(country).to_json()},
            "service": {"kind": "change_shipping", "method": "express" if units % 2 else "standard"},
            "shipping_price": {"kind": "change_shipping", "price": amount},
            "split": {"kind": "split_line", "line": line, "units": units},
            "contact": {"kind": "change_contact", "name": f"Name {units}"},
        }[kind]  # fmt: skip

    @rule(
        wanted=st.lists(st.tuples(st.integers(0, 4), small, st.integers(1, 3000)), min_size=1, max_size=3), discount=cents, shipping=cents,
        paid=st.booleans(), tax=st.sampled_from([None, "0.23", "0.07"]),
    )  # fmt: skip
    def one_more(self, wanted: Any, discount: int, shipping: int, paid: bool, tax: str | None) -> None:
        if len(self.orders) < 4:
            self.place(wanted, discount, shipping, paid=paid, tax=tax)

    @rule(
        n=st.integers(0, 9),
        kind=st.sampled_from(KINDS),
        which=st.integers(0, 9),
        units=small,
        price=cents,
        percent=st.integers(0, 30),
    )
    def change_one(self, n: int, kind: str, which: int, units: int, price: int, percent: int) -> None:
        self.change(n, [kind], which, units, price, percent)

    @rule(
        n=st.integers(0, 9),
        kind=st.sampled_from(KINDS),
        which=st.integers(0, 9),
        units=small,
        price=cents,
        percent=st.integers(0, 30),
    )
    def change_another(self, n: int, kind: str, which: int, units: int, price: int, percent: int) -> None:
        self.change(n, [kind], which, units, price, percent)

    @rule(n=st.integers(0, 9), part=st.integers(1, 100))
    def pay(self, n: int, part: int) -> None:
        order = self.order(n)
        amount = quantize(order.owed_by_customer * part / 100, self.currency) if order else Decimal(0)
        if order and amount:
            record_payment(
                order_id=order.pk, amount=amount, method="card", key=f"p{next(_serial)}", actor=ACTOR, now=NOW
            )
            self.told("pay")

    @rule(n=st.integers(0, 9), which=st.integers(0, 9), for_units=st.booleans(), part=st.integers(1, 100))
    def refund(self, n: int, which: int, for_units: bool, part: int) -> None:
        order = self.order(n)
        left = order.captured_total - order.refunded_total if order else Decimal(0)
        if order is None or not left:
            return
        amount = quantize(left * part / 100, self.currency) or left
        lines = [line for line in order.lines.order_by("pk") if line.refunded < line.ordered] if for_units else []
        units = {lines[which % len(lines)].pk: 1} if lines else {}
        record_refund(
            order_id=order.pk, amount=amount, reason="", key=f"r{next(_serial)}", lines=units, actor=ACTOR, now=NOW
        )
        for pk in units:
            line = OrderLine.objects.get(pk=pk)
            self.given_back[pk] = value_of_first(
                line, line.refunded, tax_included=self.included, currency=self.currency
            )
        self.told("refund")

    @rule(n=st.integers(0, 9), which=st.integers(0, 9), units=small, rarely=st.integers(0, 9))
    def cancel(self, n: int, which: int, units: int, rarely: int) -> None:
        if (order := self.order(n)) is None:
            return
        lines = list(order.lines.order_by("pk").values_list("pk", flat=True))
        chosen = None if rarely == 0 else {lines[which % len(lines)]: units}
        try:
            cancel_order(order_id=order.pk, units=chosen, reason="", actor=ACTOR, now=NOW)
            self.told("cancel")
        except Refusal as refusal:
            self.told("cancel", refusal)

    @rule(n=st.integers(0, 9), which=st.integers(0, 9), ship=st.booleans())
    def work(self, n: int, which: int, ship: bool) -> None:
        order = self.order(n)
        works = (
            list(FulfillmentOrder.objects.filter(order=order, state__in=["open", "picking"]).order_by("pk"))
            if order
            else []
        )
        if not works:
            return
        work = works[which % len(works)]
        try:
            if ship:
                ship_fulfillment_order(fulfillment_order_id=work.pk, fast_forward=True, actor=ACTOR, now=NOW)
            else:
                line = work.lines.filter(quantity__gt=0).order_by("pk").first()
                pick_line(fulfillment_order_id=work.pk, line_id=line.pk if line else 0, units=1, actor=ACTOR, now=NOW)
            self.told("ship" if ship else "pick")
        except Refusal as refusal:
            self.told("ship" if ship else "pick", refusal)

    @rule(n=st.integers(0, 9), which=st.integers(0, 9), part=st.integers(0, 100))
    def send_back(self, n: int, which: int, part: int) -> None:
        """A unit of a line that was sent comes back, is looked at, and is settled with a part of what it was worth."""
        order = self.order(n)
        if order and not order.parcels:
            self.work(n, which, ship=True)
        sent = [
            line for line in order.lines.order_by("pk") if line.requires_shipping and line.shipped > line.return_requested
        ] if order else []  # fmt: skip
        if not sent:
            return
        line, who = sent[which % len(sent)], {"actor": ACTOR, "now": NOW}
        try:
            made = request_return(
                order_id=order.pk,
                lines=[LineRequest(line.pk, 1, "does_not_fit")],
                customer_note="",
                request_key=f"return-key-{next(_serial)}",
                **who,
            )
            if made.state == "requested":
                approve_return(return_id=made.pk, **who)
            own = made.lines.get()
            receive_return(return_id=made.pk, lines=[Received(own.pk, 1)], location_id=self.places[0].pk, **who)
            inspect_return(return_id=made.pk, verdicts=[Verdict(own.pk, "restock", 1)], **who)
            made.refresh_from_db()
            worth = proposed_refund(made, line_worths(made))
            settle_return(return_id=made.pk, amount=quantize(worth * part / 100, self.currency), **who)
            self.told("return")
        except Refusal as refusal:
            self.told("return", refusal)
        for own in OrderLine.objects.filter(pk=line.pk):
            if own.refunded > line.refunded:
                self.given_back[own.pk] = value_of_first(
                    own, own.refunded, tax_included=self.included, currency=self.currency
                )

    @rule(n=st.integers(0, 9), on=st.booleans())
    def hold(self, n: int, on: bool) -> None:
        if (order := self.order(n)) is None:
            return
        try:
            if on:
                hold_order(order_id=order.pk, kind="operator", actor=ACTOR, now=NOW)
            else:
                release_holds(order_id=order.pk, actor=ACTOR, now=NOW)
            self.told("hold" if on else "release")
        except Refusal as refusal:
            self.told("hold", refusal)

    @rule(which=st.integers(0, 2), place=st.integers(0, 1), units=st.integers(-3, 6))
    def stock(self, which: int, place: int, units: int) -> None:
        variant = Variant.objects.get(sku=self.skus[which])
        try:
            adjust_stock(
                variant_id=variant.pk,
                location_id=self.places[place].pk,
                quantity=units,
                reason="correction",
                actor=ACTOR,
                now=NOW,
            )
            self.told("stock")
        except Refusal as refusal:
            self.told("stock", refusal)

    @invariant()
    def everything_is_whole(self) -> None:
        assert audit_stock() == []
        assert check_integrity()[1] == []

    @invariant()
    def money_adds_up(self) -> None:
        for order in Order.objects.filter(pk__in=getattr(self, "orders", ())):
            lines = list(order.lines.all())
            statuses = compute_statuses(order, lines, holds=order.holds.filter(released_at=None).count())
            assert order.payment == statuses.payment and order.lifecycle == statuses.lifecycle
            goods = sum((line_value(line, tax_included=order.tax_included) for line in lines), Decimal(0))
            lines_tax = sum((line.tax for line in lines), Decimal(0))
            shipping_tax = Decimal(0) if order.tax_included else order.tax_total - lines_tax
            assert order.total == goods + order.shipping_total + shipping_tax + order.adjustment_total
            assert order.tax_total >= lines_tax and order.adjustment_total == 0
            assert order.total == quantize(order.total, order.currency) and 0 <= order.cancelled_total <= order.total
            assert not (order.owed_by_customer and order.owed_to_customer)
            kept = order.captured_total - order.refunded_total
            if order.owed_to_customer:
                assert kept - order.owed_to_customer == order.current_total
            if order.owed_by_customer:
                assert order.captured_total - order.overpayment_refunded + order.owed_by_customer == order.current_total

    @invariant()
    def what_was_given_back_is_still_in_its_line(self) -> None:
        for line in OrderLine.objects.filter(pk__in=getattr(self, "given_back", ())).select_related("order"):
            assert line_value(line, tax_included=line.order.tax_included) >= self.given_back[line.pk]


def _address(country: str) -> Address:
    city, code = ("Kraków", "30-001") if country == "PL" else ("Berlin", "10115")
    return Address(name="Zofia Kowalska", line1="ul. Długa 5", city=city, postal_code=code, country=country)


def test_any_sequence_of_changes_and_everything_else() -> None:
    ChangingMachine.tally = Counter()
    run_state_machine_as_test(
        seed(SEED)(ChangingMachine),
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck), database=None,
            phases=[Phase.generate, Phase.shrink] if "OMS_CAMPAIGN_EXAMPLES" in os.environ else [Phase.generate],
        ),
    )  # fmt: skip
    done = {name for name in ChangingMachine.tally if ":" not in name}
    print(dict(sorted(ChangingMachine.tally.items())))  # shown with -s
    assert {"place", "pay", "refund", "cancel", "return"} <= done and sum(
        name.startswith("change.") for name in done
    ) >= 8
