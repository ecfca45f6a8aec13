"""The built-in carrier: one label per reference, numbers that check, rates from the tables, refusals that say why."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.addresses import Address
from fulfillment.carriers import carrier, register, registered
from fulfillment.carriers.base import (
    Bought,
    Carrier,
    LabelDirection,
    LabelRequest,
    NotFound,
    Parcel,
    RateRequest,
    Refused,
    TrackingUpdate,
    Voided,
)  # fmt: skip
from fulfillment.carriers.builtin import BuiltinCarrier
from fulfillment.carriers.builtin.tariff import billable_grams, standard_tariff
from fulfillment.carriers.builtin.tracking_numbers import RangeExhausted, check_digit, serial_of, tracking_number
from fulfillment.documents.render import render_labels
from tests.factories.papers import codes_on, page_images

SHOP = Address(name="Shop", line1="Hafenstraße 12", city="Hamburg", postal_code="20359", country="DE")
POLE = Address(
    name="Łucja", line1="ul. Prosta 1", city="Warszawa", postal_code="00-050", country="PL", phone="+48 22 1"
)
PARCEL = Parcel(weight_grams=900)


class Numbers:
    """A number range in memory."""

    def __init__(self, last: int = 99_999_999) -> None:
        self.serials: dict[str, int] = {}
        self.voided: set[int] = set()
        self.last = last

    def issue(self, reference: str) -> int:
        if reference not in self.serials and len(self.serials) >= self.last:
            raise RangeExhausted
        return self.serials.setdefault(reference, len(self.serials) + 1)

    def issued(self, reference: str) -> int | None:
        serial = self.serials.get(reference)
        return None if serial in self.voided else serial

    def void(self, serial: int) -> bool:
        if serial not in self.serials.values():
            return False
        self.voided.add(serial)
        return True


@pytest.fixture
def numbers() -> Numbers:
    return Numbers()


@pytest.fixture
def builtin(numbers: Numbers) -> BuiltinCarrier:
    return BuiltinCarrier(lambda: numbers)


def request(reference: str = "FO-1-1", **fields) -> LabelRequest:  # type: ignore[no-untyped-def]
    known = LabelRequest(reference, "standard", SHOP, POLE, PARCEL, date(2026, 11, 22), order_number="#1")
    return dataclasses.replace(known, **fields)


def test_it_is_a_carrier_and_can_be_registered(builtin: BuiltinCarrier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fulfillment.carriers.registry._carriers", {})
    assert isinstance(builtin, Carrier)
    with pytest.raises(KeyError, match="known are none"):
        carrier("builtin")
    register(builtin)
    assert carrier("builtin") is builtin
    assert registered() == {"builtin": builtin}


def test_a_bought_label_says_everything_and_its_number_scans(builtin: BuiltinCarrier) -> None:
    outcome = builtin.buy(request(tracking_url="https://shop.example/t/x"))
    assert isinstance(outcome, Bought)
    result = outcome.result
    assert (result.reference, result.amount, result.currency) == ("FO-1-1", Decimal("12.10"), "EUR")
    assert result.label is not None
    assert result.label.routing_code == "PL-000 · R1"
    assert result.label.recipient == ("Łucja", "ul. Prosta 1", "00-050 WARSZAWA", "POLAND", "Tel. +48 22 1")
    [image] = page_images(render_labels([result.label])[0].pdf or b"")
    assert codes_on(image) == {"Code128": result.tracking_number, "QRCode": "https://shop.example/t/x"}


def test_the_same_reference_is_the_same_label_and_another_is_another(builtin: BuiltinCarrier, numbers: Numbers) -> None:
    first, again, other = builtin.buy(request()), builtin.buy(request()), builtin.buy(request("FO-2-1"))
    assert first == again != other
    assert len(numbers.serials) == 2


def test_an_unknown_purchase_is_settled_by_its_reference(builtin: BuiltinCarrier, numbers: Numbers) -> None:
    assert builtin.find(request()) == NotFound()
    assert numbers.serials == {}
    bought = builtin.buy(request())
    assert builtin.find(request()) == bought


def test_a_void_label_is_gone_and_voiding_twice_is_no_error(builtin: BuiltinCarrier) -> None:
    outcome = builtin.buy(request())
    assert isinstance(outcome, Bought)
    assert [builtin.void(outcome.result.tracking_number) for _ in range(2)] == [Voided(), Voided()]
    assert builtin.find(request()) == NotFound()
    for foreign in ("ZS000000998XZ", "1Z999AA10123456784", ""):
        assert isinstance(builtin.void(foreign), Refused)


def test_a_return_label_goes_from_the_customer_to_the_shop(builtin: BuiltinCarrier) -> None:
    outcome = builtin.buy(request(sender=POLE, recipient=SHOP, direction=LabelDirection.RETURN))
    assert isinstance(outcome, Bought)
    assert outcome.result.label is not None
    assert outcome.result.label.is_return
    assert outcome.result.label.routing_code == "DE-203 · R1"


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        ({"service": "teleport"}, "no_such_service", "teleport"),
        ({"recipient": dataclasses.replace(POLE, name="")}, "address_incomplete", "name"),
        ({"recipient": dataclasses.replace(POLE, line1=" ")}, "address_incomplete", "street"),
        ({"sender": dataclasses.replace(SHOP, city="")}, "address_incomplete", "city"),
        ({"recipient": dataclasses.replace(POLE, country="QQ")}, "address_incomplete", "country"),
        ({"parcel": Parcel(40_000)}, "parcel_too_heavy", "heavy"),
        ({"parcel": Parcel(100, 1000, 1000, 1000)}, "parcel_too_heavy", "large"),
    ],
)
def test_a_refusal_says_why_and_takes_no_number(
    builtin: BuiltinCarrier, numbers: Numbers, change: dict, code: str, word: str
) -> None:
    outcome = builtin.buy(request(**change))
    assert isinstance(outcome, Refused)
    assert outcome.code == code
    assert word in outcome.reason
    assert numbers.serials == {}


def test_a_used_up_range_is_a_refusal() -> None:
    spent = Numbers(last=1)
    builtin = BuiltinCarrier(lambda: spent)
    assert isinstance(builtin.buy(request("FO-1-1")), Bought)
    refused = builtin.buy(request("FO-2-1"))
    assert isinstance(refused, Refused)
    assert refused.code == "numbers_exhausted"
    assert isinstance(builtin.buy(request("FO-1-1")), Bought)


def test_only_its_own_numbers_are_tracked(numbers: Numbers, now) -> None:  # type: ignore[no-untyped-def]
    seen = TrackingUpdate("in_transit", now)
    tracked = BuiltinCarrier(lambda: numbers, tracking=lambda number: [seen] if number.startswith("ZS") else None)
    ours, unseen = tracking_number("ZS", 1), tracking_number("ZX", 2)
    assert tracked.track([ours, unseen, "1Z999AA10123456784"]) == {ours: [seen]}
    assert BuiltinCarrier(lambda: numbers).track([ours]) == {}


# ---- tracking numbers ------------------------------------------------------------------------------------------------


def test_the_check_digit_is_that_of_upu_s10() -> None:
    assert check_digit(47_312_482) == 9  # the example of the standard
    assert tracking_number("ZX", 47_312_482) == "ZX473124829XZ"


@given(st.integers(0, 99_999_999), st.integers(2, 9), st.integers(1, 9))
def test_every_single_wrong_digit_is_noticed(serial: int, position: int, shift: int) -> None:
    number = tracking_number("ZS", serial)
    assert serial_of(number) == serial
    assert serial_of(f" {number.lower()} ") == serial
    wrong = str((int(number[position]) + shift) % 10)
    changed = number[:position] + wrong + number[position + 1 :]
    digit_differs = check_digit(int(changed[2:10])) != int(changed[10])
    assert (serial_of(changed) is None) == digit_differs


@pytest.mark.parametrize(
    "text", ["", "ZX47312482XZ", "RR473124829PL", "ZX473124829X", "ZX473124820XZ", "ZX٤٧٣١٢٤٨٢9XZ"]
)
def test_what_is_no_number_of_ours_has_no_serial(text: str) -> None:
    assert serial_of(text) is None


@pytest.mark.parametrize("serial", [-1, 100_000_000])
def test_a_serial_has_eight_digits(serial: int) -> None:
    with pytest.raises(ValueError, match="eight digits"):
        check_digit(serial)


# ---- rates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "destination", "km", "zone"),
    [
        ("DE", "DE", 40, "D1"), ("DE", "DE", 150, "D1"), ("DE", "DE", 151, "D2"), ("DE", "DE", None, "D2"), ("DE", "DE", 501, "D3"),
        ("DE", "PL", None, "R1"), ("DE", "PL", 1000, "R1"), ("DE", "TR", 2000, "R2"), ("DE", "BR", None, "I"), ("BR", "AR", 900, "R1"),
        ("de", "pl", None, "R1"), ("DE", "QQ", 10, "I"), ("QQ", "XX", 10, "I"),
    ],
)  # fmt: skip
def test_zones_follow_countries_and_distance(origin: str, destination: str, km: int | None, zone: str) -> None:
    assert standard_tariff().zone(origin, destination, km) == zone


def test_rates_are_sorted_by_price_and_faster_is_dearer(builtin: BuiltinCarrier) -> None:
    rates = builtin.rates(RateRequest(SHOP, POLE, PARCEL, date(2026, 11, 22)))
    assert [(rate.service, str(rate.amount), rate.transit_days) for rate in rates] == [
        ("economy", "9.10", (5, 9)),
        ("standard", "12.10", (3, 5)),
        ("express", "26.50", (1, 2)),
    ]
    assert {rate.currency for rate in rates} == {"EUR"}
    assert [rate.service for rate in builtin.rates(RateRequest(SHOP, POLE, Parcel(20_000), date(2026, 11, 22)))] == [
        "standard",
        "express",
    ]
    assert builtin.rates(RateRequest(SHOP, POLE, Parcel(31_501), date(2026, 11, 22))) == []


def test_volume_counts_when_it_weighs_more() -> None:
    assert billable_grams(Parcel(900, 400, 300, 200)) == 4800
    assert billable_grams(Parcel(5000, 400, 300, 200)) == 5000
    assert billable_grams(Parcel(1, 10, 10, 51)) == 2
    with pytest.raises(ValueError, match="negative"):
        Parcel(-1)


def test_the_tables_are_whole_and_heavier_further_or_faster_never_costs_less() -> None:
    tariff = standard_tariff()
    zones = {zone for _service, zone in tariff.prices}
    assert zones == {"D1", "D2", "D3", "R1", "R2", "I"}
    assert set(tariff.prices) == {(service, zone) for service in tariff.services for zone in zones}
    for brackets in tariff.prices.values():
        assert all(
            lighter.max_grams < heavier.max_grams and lighter.amount <= heavier.amount
            for lighter, heavier in pairwise(brackets)
        )
    for service in tariff.services:
        for nearer, further in pairwise(["D1", "D2", "D3", "R1", "R2", "I"]):
            assert tariff.prices[service, nearer][0].amount <= tariff.prices[service, further][0].amount
    assert all(isinstance(price.amount, Decimal) for prices in tariff.prices.values() for price in prices)
