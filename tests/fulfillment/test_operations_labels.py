"""Labels are bought once: crashes, lost answers, refusals, two buyers at once, cancellations in between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.actors import Actor
from core.models import TimelineEntry
from core.refusals import NotFound, Refusal, Stale
from fulfillment.carriers import carrier, register
from fulfillment.carriers.base import (
    Bought,
    BuyOutcome,
    CarrierDocument,
    FindOutcome,
    LabelRequest,
    LabelResult,
    Rate,
    RateRequest,
    Refused,
    TrackingUpdate,
    Unknown,
    Voided,
    VoidOutcome,
)
from fulfillment.carriers.base import NotFound as NoLabel
from fulfillment.models import CarrierNumberRange, Document, FulfillmentOrder, IssuedNumber, Package, Shipment
from fulfillment.operations.label_voids import void_unused_labels
from fulfillment.operations.labels import CLAIM, buy_label, buy_labels, buy_return_label
from fulfillment.operations.numbers import DatabaseNumbers
from fulfillment.operations.printing import paper
from fulfillment.operations.shipping import ship_fulfillment_order
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.hold_order import hold_order
from tests.factories.fulfillment import make_work, make_works

pytestmark = pytest.mark.django_db
ANNA = Actor("user", "1", "Anna")
BEN = Actor("user", "2", "Ben")


@dataclass
class OutsideCarrier:
    """A carrier with a ledger of its own, whose answers can be lost on the way and whose buying can be slow."""

    code: str = "builtin"
    name: str = "Outside"
    sold: list[str] = field(default_factory=list)
    voided: list[str] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    lose: set[str] = field(default_factory=set)
    raises: bool = False
    unreachable: bool = False
    hold_up: threading.Event | None = None
    documents: tuple[CarrierDocument, ...] = ()
    while_buying: Callable[[], None] = lambda: None

    @property
    def services(self) -> dict[str, str]:
        return {"standard": "Standard"}

    def rates(self, request: RateRequest) -> list[Rate]:
        return []

    def buy(self, request: LabelRequest) -> BuyOutcome:
        if request.reference in self.refuse:
            return Refused("no", self.refuse[request.reference])
        if self.unreachable:
            return Unknown("timeout")
        if self.hold_up:
            self.hold_up.wait(10)
        self.sold.append(request.reference)
        self.while_buying()
        if self.raises:
            raise ConnectionResetError("the process dies here")
        return Unknown("answer lost") if request.reference in self.lose else Bought(self._result(request))

    def find(self, request: LabelRequest) -> FindOutcome:
        if self.unreachable:
            return Unknown("timeout")
        return Bought(self._result(request)) if request.reference in self.sold else NoLabel()

    def void(self, tracking_number: str) -> VoidOutcome:
        if self.unreachable:
            return Unknown("timeout")
        self.voided.append(tracking_number)
        return Voided()

    def track(self, tracking_numbers: Sequence[str]) -> dict[str, list[TrackingUpdate]]:
        return {}

    def _result(self, request: LabelRequest) -> LabelResult:
        return LabelResult(
            request.reference, f"T-{request.reference}", Decimal("4.50"), "EUR", documents=self.documents
        )


@pytest.fixture
def outside() -> Iterator[OutsideCarrier]:
    """An outside carrier in the place of the built-in one."""
    own = carrier("builtin")
    other = OutsideCarrier()
    register(other)
    yield other
    register(own)


def buy(work: FulfillmentOrder, now: datetime, actor: Actor = ANNA) -> Shipment:
    return buy_label(fulfillment_order_id=work.pk, actor=actor, now=now)


def test_the_built_in_carrier_sells_a_label_with_a_number_of_its_range(now: datetime) -> None:
    work = make_work()
    shipment = buy(work, now)
    work.refresh_from_db()
    assert (shipment.state, shipment.reference, shipment.currency) == ("label_purchased", f"{work.number}-1", "EUR")
    assert shipment.cost is not None
    assert work.has_label
    package = Package.objects.get()
    assert package.tracking_number == shipment.label["tracking_number"]
    assert package.weight_grams == 3 * 400
    assert IssuedNumber.objects.get().reference == shipment.reference
    assert TimelineEntry.objects.get(kind="label.bought").data["tracking_number"] == package.tracking_number


def test_asking_again_buys_nothing(now: datetime) -> None:
    work = make_work()
    first = buy(work, now)
    assert buy(work, now, BEN).pk == first.pk
    assert (IssuedNumber.objects.count(), Package.objects.count()) == (1, 1)


def test_a_crash_after_the_purchase_is_settled_by_asking(
    outside: OutsideCarrier, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fulfillment.operations import labels

    work = make_work()
    with monkeypatch.context() as patch:
        patch.setattr(labels, "settle", lambda *args, **kwargs: (_ for _ in ()).throw(SystemExit("killed")))
        with pytest.raises(SystemExit):
            buy(work, now)
    assert outside.sold == [f"{work.number}-1"], "the carrier has sold it and we do not know"
    assert Shipment.objects.get().state == "label_requested"

    with pytest.raises(Stale, match="Anna is buying its label"):
        buy(work, now + CLAIM / 2, BEN)
    shipment = buy(work, now + CLAIM, BEN)
    assert shipment.state == "label_purchased"
    assert Package.objects.get().tracking_number == f"T-{work.number}-1"
    assert outside.sold == [f"{work.number}-1"], "bought once"


@pytest.mark.parametrize("fault", ["lost", "raises"])
def test_a_lost_answer_is_unknown_and_found_the_next_time(outside: OutsideCarrier, fault: str, now: datetime) -> None:
    work = make_work()
    reference = f"{work.number}-1"
    outside.lose, outside.raises = ({reference} if fault == "lost" else set()), fault == "raises"
    with pytest.raises(Refusal) as caught:
        buy(work, now)
    assert caught.value.code == "label_unknown"
    assert Shipment.objects.get().problem
    assert buy(work, now).state == "label_purchased", "an answered call frees the label at once"
    assert outside.sold == [reference]


def test_while_the_carrier_is_away_nothing_is_bought_blindly(outside: OutsideCarrier, now: datetime) -> None:
    work = make_work()
    outside.lose = {f"{work.number}-1"}
    with pytest.raises(Refusal):
        buy(work, now)
    outside.unreachable = True
    for _n in range(3):
        with pytest.raises(Refusal):
            buy(work, now)
    outside.unreachable = False
    buy(work, now)
    assert outside.sold == [f"{work.number}-1"]


def test_a_refusal_names_the_reason_and_the_next_try_uses_the_mended_address(now: datetime) -> None:
    work = make_work()
    order = work.order
    order.shipping_address = order.shipping_address | {"line1": ""}
    order.save(update_fields=["shipping_address"])
    with pytest.raises(Refusal, match="The carrier refused: The address has no street"):
        buy(work, now)
    order.shipping_address = order.shipping_address | {"line1": "ul. Nowa 7"}
    order.save(update_fields=["shipping_address"])
    shipment = buy(work, now)
    assert shipment.reference == f"{work.number}-2"
    assert "ul. Nowa 7" in shipment.label["recipient"]
    assert list(Shipment.objects.order_by("pk").values_list("state", flat=True)) == ["voided", "label_purchased"]


def test_of_a_batch_the_good_ones_are_bought_and_a_second_run_buys_only_the_rest(
    outside: OutsideCarrier, now: datetime
) -> None:
    works = make_works(10)
    outside.refuse = {f"{work.number}-1": "No such street" for work in works[2:4]}
    outside.lose = {f"{work.number}-1" for work in works[5:8]}
    ids = [work.pk for work in works]
    outcomes = buy_labels(fulfillment_order_ids=ids, actor=ANNA, now=now)
    assert [bool(outcomes[pk].shipment) for pk in ids] == [True] * 2 + [False] * 2 + [True] + [False] * 3 + [True] * 2
    assert "No such street" in outcomes[ids[2]].problem
    outside.refuse, outside.lose = {}, set()
    outcomes = buy_labels(fulfillment_order_ids=ids, actor=ANNA, now=now)
    assert all(outcome.shipment for outcome in outcomes.values())
    assert len(outside.sold) == len(set(outside.sold)) == 10
    assert Package.objects.count() == 10


@pytest.mark.parametrize("stop", ["hold", "cancel", "ship"])
def test_no_label_is_bought_for_what_must_not_leave(stop: str, now: datetime) -> None:
    work = make_work()
    if stop == "hold":
        hold_order(order_id=work.order_id, kind="fraud", reason="", actor=ANNA, now=now)
    elif stop == "cancel":
        cancel_order(order_id=work.order_id, units=None, reason="", actor=ANNA, now=now)
    else:
        ship_fulfillment_order(fulfillment_order_id=work.pk, actor=ANNA, now=now, fast_forward=True)
        assert buy(work, now).state == "in_transit", "its label is answered, no second one bought"
        return
    with pytest.raises(Refusal):
        buy(work, now)
    assert not Shipment.objects.exists()


def test_unknown_work_is_not_found(now: datetime) -> None:
    with pytest.raises(NotFound):
        buy_label(fulfillment_order_id=999_999_999, actor=ANNA, now=now)


def test_an_order_cancelled_while_the_label_is_bought_gets_its_money_back(
    outside: OutsideCarrier, now: datetime
) -> None:
    work = make_work()
    outside.while_buying = lambda: cancel_order(order_id=work.order_id, units=None, reason="", actor=BEN, now=now)
    shipment = buy(work, now)
    assert shipment.state == "void_requested"
    work.refresh_from_db()
    assert (work.state, work.has_label) == ("cancelled", False)
    assert void_unused_labels(actor=ANNA, now=now) == 1
    assert outside.voided == [f"T-{work.number}-1"]
    assert Shipment.objects.get().state == "voided"


def test_the_label_of_a_cancelled_order_is_voided_once_the_carrier_confirms(
    outside: OutsideCarrier, now: datetime
) -> None:
    work = make_work()
    buy(work, now)
    cancel_order(order_id=work.order_id, units=None, reason="", actor=BEN, now=now)
    outside.unreachable = True
    assert void_unused_labels(actor=ANNA, now=now) == 0
    assert Shipment.objects.get().state == "void_requested"
    outside.unreachable = False
    assert void_unused_labels(actor=ANNA, now=now) == 1
    assert void_unused_labels(actor=ANNA, now=now) == 0
    assert TimelineEntry.objects.filter(kind="label.voided").count() == 1


def test_a_label_that_the_carrier_drew_is_printed_as_it_came(outside: OutsideCarrier, now: datetime) -> None:
    outside.documents = (CarrierDocument("label", "application/pdf", b"%PDF-carrier"),)
    work = make_work()
    buy(work, now)
    assert Document.objects.get().kind == "label_pdf"
    assert paper(work.pk, "label_pdf") == b"%PDF-carrier"
    with pytest.raises(Refusal, match="no label of this kind"):
        paper(work.pk, "label_zpl")


def test_a_return_label_goes_the_other_way_and_is_bought_once(now: datetime) -> None:
    work = make_work()
    intent = Shipment.objects.create(
        order=work.order, direction="return", reference="return-1", carrier="builtin", service="standard",
        ship_from=work.order.shipping_address, ship_to=work.location.address, created_at=now,
    )  # fmt: skip
    first = buy_return_label(shipment_id=intent.pk, weight_grams=300, actor=ANNA, now=now)
    again = buy_return_label(shipment_id=intent.pk, weight_grams=300, actor=ANNA, now=now)
    assert (first.state, again.label["tracking_number"]) == ("label_purchased", first.label["tracking_number"])
    assert first.label["is_return"]
    assert IssuedNumber.objects.count() == 1
    with pytest.raises(NotFound):
        buy_return_label(shipment_id=buy(work, now).pk, actor=ANNA, now=now)


def test_an_empty_number_range_refuses_and_says_so(now: datetime) -> None:
    CarrierNumberRange.objects.create(carrier="builtin", next_number=5, last_number=4)
    with pytest.raises(Refusal, match="number range is used up"):
        buy(make_work(), now)


def test_a_void_number_is_never_issued_again() -> None:
    numbers = DatabaseNumbers("builtin")
    serial = numbers.issue("A")
    assert (numbers.issue("A"), numbers.issued("A"), numbers.issued("B")) == (serial, serial, None)
    assert (numbers.void(serial), numbers.void(serial), numbers.void(999)) == (True, True, False)
    assert numbers.issued("A") is None
    assert numbers.issue("B") == serial + 1


@pytest.mark.django_db(transaction=True)
def test_two_who_want_the_same_label_buy_one(
    outside: OutsideCarrier, threads: Callable[..., list[Any]], now: datetime
) -> None:
    work = make_work()
    outside.hold_up = threading.Event()

    def want(n: int) -> Any:
        if n == 0:
            threading.Timer(1.0, outside.hold_up.set).start()  # type: ignore[union-attr]
        return buy(work, now, Actor("user", str(n), f"Buyer {n}"))

    results = threads(6, want)
    bought = [result for result in results if isinstance(result, Shipment)]
    refused = [result for result in results if isinstance(result, Exception)]
    assert len(bought) == 1
    assert all(isinstance(error, Stale) and "is buying its label" in str(error) for error in refused), results
    assert outside.sold == [f"{work.number}-1"]
    assert (Shipment.objects.count(), Package.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_numbers_are_unique_under_concurrency(threads: Callable[..., list[Any]]) -> None:
    results = threads(8, lambda n: [DatabaseNumbers("builtin").issue(f"{n % 4}-{i}") for i in range(5)])
    assert len({number for numbers in results for number in numbers}) == 20
    assert results[:4] == results[4:]


@pytest.mark.django_db(transaction=True)
def test_overlapping_batches_buy_each_label_once(threads: Callable[..., list[Any]], now: datetime) -> None:
    ids = [work.pk for work in make_works(8)]
    orders = [ids[:6], ids[2:][::-1], ids[::-1]]
    results = threads(3, lambda n: buy_labels(fulfillment_order_ids=orders[n], actor=ANNA, now=now))
    assert not [result for result in results if isinstance(result, Exception)]
    later = now + CLAIM + timedelta(seconds=1)
    outcomes = buy_labels(fulfillment_order_ids=ids, actor=ANNA, now=later)
    assert all(outcome.shipment for outcome in outcomes.values())
    assert (IssuedNumber.objects.count(), Package.objects.count(), Shipment.objects.count()) == (8, 8, 8)
