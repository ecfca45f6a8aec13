"""What a currency was worth on a day: the bank's files, rates by hand, inverse and cross rates, and how long they hold."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from core.actors import Actor
from core.jobs import run_job
from core.money import exponent, is_exact, quantize
from core.refusals import Invalid
from currencies.ecb import Quoted, read_ecb
from currencies.jobs import start_rates_import
from currencies.models import ExchangeRate, RateFeed, Source
from currencies.operations import delete_rate, fetch_rates, save_rate, take_rates
from currencies.queries import convert, rate_on
from tests.conftest import NOW
from tests.currencies.files import ecb_file

pytestmark = pytest.mark.django_db
ACTOR = Actor.system("test")
FRIDAY = date(2026, 11, 20)


def hand(base: str, quote: str, rate: str, day: date = FRIDAY) -> ExchangeRate:
    return save_rate(base=base, quote=quote, day=day, rate=Decimal(rate), actor=ACTOR, now=NOW)


def test_the_banks_file_is_read_as_it_is() -> None:
    data = ecb_file(
        {FRIDAY: {"USD": "1.0512", "JPY": "162.29", "ISK": "N/A"}, FRIDAY - timedelta(days=1): {"USD": "1.05"}}
    )
    assert read_ecb(data) == [
        Quoted(FRIDAY, "USD", Decimal("1.0512")),
        Quoted(FRIDAY, "JPY", Decimal("162.29")),
        Quoted(FRIDAY - timedelta(days=1), "USD", Decimal("1.05")),
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<Cube currency='USD'", b"<Cube currency='US'"), (b"rate='1.05'", b"rate='0'"), (b"rate='1.05'", b"rate='-1'"),
        (b"rate='1.05'", b"rate='NaN'"), (b"rate='1.05'", b"rate='1e999'"), (b"rate='1.05'", b"rate='one'"),
        (b"rate='1.05'", b"rate='1.00000000001'"), (b"time='2026-11-20'", b"time='yesterday'"), (b" time='2026-11-20'", b""),
        (b"eurofxref\"", b"other\""), (b"</gesmes:Envelope>", b""),
        (b"<gesmes:Envelope", b'<!DOCTYPE x [<!ENTITY a "b">]><gesmes:Envelope'),
    ],
)  # fmt: skip
def test_what_is_not_the_banks_file_is_refused(old: bytes, new: bytes) -> None:
    data = ecb_file({FRIDAY: {"USD": "1.05"}})
    assert old in data
    with pytest.raises(Invalid) as refused:
        read_ecb(data.replace(old, new, 1))
    assert refused.value.field == "file"


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        read_ecb(data)


def test_a_file_taken_twice_changes_nothing_and_never_what_a_person_said() -> None:
    hand("EUR", "USD", "2")
    rates = [Quoted(FRIDAY, "USD", Decimal("1.05")), Quoted(FRIDAY, "PLN", Decimal("4.3"))]
    assert take_rates(rates) == 1
    assert take_rates(rates) == 0
    assert take_rates([Quoted(FRIDAY, "PLN", Decimal("4.4"))]) == 1  # the bank corrected itself
    assert dict(ExchangeRate.objects.values_list("quote", "rate")) == {"USD": Decimal(2), "PLN": Decimal("4.4")}


def test_a_rate_holds_for_seven_days_and_the_newest_counts() -> None:
    hand("EUR", "USD", "1.05", FRIDAY - timedelta(days=2))
    hand("EUR", "USD", "1.06", FRIDAY)
    found = rate_on("EUR", "USD", FRIDAY + timedelta(days=7))
    assert found is not None
    assert (found.rate, found.source, found.quoted_on) == (Decimal("1.06"), Source.MANUAL, FRIDAY)
    assert rate_on("EUR", "USD", FRIDAY + timedelta(days=8)) is None
    before = rate_on("EUR", "USD", FRIDAY - timedelta(days=1))
    assert before is not None and before.rate == Decimal("1.05")  # never one of a day to come
    assert rate_on("EUR", "USD", FRIDAY - timedelta(days=3)) is None


def test_the_rate_itself_comes_before_its_inverse_and_that_before_the_cross_rate() -> None:
    take_rates([Quoted(FRIDAY, "USD", Decimal("1.25")), Quoted(FRIDAY, "PLN", Decimal("5"))])
    assert rate_on("USD", "EUR", FRIDAY).rate == Decimal("0.8")  # type: ignore[union-attr]
    assert rate_on("USD", "PLN", FRIDAY).rate == Decimal(4)  # type: ignore[union-attr]
    hand("PLN", "USD", "0.2")
    assert rate_on("USD", "PLN", FRIDAY).rate == Decimal(5)  # type: ignore[union-attr]
    hand("USD", "PLN", "6")
    assert rate_on("USD", "PLN", FRIDAY).rate == Decimal(6)  # type: ignore[union-attr]
    assert rate_on("PLN", "USD", FRIDAY).rate == Decimal("0.2")  # type: ignore[union-attr]
    assert rate_on("PLN", "PLN", FRIDAY).rate == 1  # type: ignore[union-attr]


def test_legs_of_a_cross_rate_are_of_the_same_day() -> None:
    take_rates([Quoted(FRIDAY - timedelta(days=1), "USD", Decimal("1.2")), Quoted(FRIDAY, "PLN", Decimal("5"))])
    assert rate_on("USD", "PLN", FRIDAY) is None
    take_rates([Quoted(FRIDAY - timedelta(days=1), "PLN", Decimal("6"))])
    found = rate_on("USD", "PLN", FRIDAY)
    assert found is not None
    assert (found.rate, found.quoted_on) == (Decimal(5), FRIDAY - timedelta(days=1))


_rates = st.decimals(min_value="0.001", max_value="50000", places=4)


@given(usd=_rates, pln=_rates)
def test_what_is_worked_out_is_rounded_half_up_to_ten_decimals(usd: Decimal, pln: Decimal) -> None:
    ExchangeRate.objects.all().delete()
    take_rates([Quoted(FRIDAY, "USD", usd), Quoted(FRIDAY, "PLN", pln)])
    place = Decimal("0.0000000001")
    inverse, cross = rate_on("USD", "EUR", FRIDAY), rate_on("USD", "PLN", FRIDAY)
    assert inverse is not None and inverse.rate == (1 / usd).quantize(place, ROUND_HALF_UP)
    assert cross is not None and cross.rate == (pln / usd).quantize(place, ROUND_HALF_UP)


@given(
    amount=st.decimals(min_value=0, max_value=10**9, places=3),
    rate=st.decimals(min_value="0.0000000001", max_value=10**4, places=10),
    currency=st.sampled_from(["JPY", "EUR", "KWD"]),
)
def test_a_converted_amount_is_exact_in_its_currency_and_at_most_half_a_unit_off(
    amount: Decimal, rate: Decimal, currency: str
) -> None:
    converted = convert(amount, rate, currency)
    assert is_exact(converted, currency)
    assert converted == quantize(amount * rate, currency)
    assert abs(converted - amount * rate) <= Decimal(5).scaleb(-exponent(currency) - 1)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"base": "EURO"}, "base"), ({"quote": "U$D"}, "quote"), ({"quote": "EUR"}, "quote"), ({"rate": Decimal(0)}, "rate"),
        ({"rate": Decimal("-1")}, "rate"), ({"rate": Decimal("NaN")}, "rate"), ({"rate": Decimal("1e-11")}, "rate"),
        ({"day": FRIDAY + timedelta(days=2)}, "day"), ({"day": date(1998, 1, 1)}, "day"),
    ],
)  # fmt: skip
def test_a_wrong_rate_is_refused_at_its_field(values: dict[str, Any], field: str) -> None:
    given_ = {"base": "EUR", "quote": "USD", "day": FRIDAY, "rate": Decimal(1)} | values
    with pytest.raises(Invalid) as refused:
        save_rate(**given_, actor=ACTOR, now=NOW)
    assert refused.value.field == field
    assert not ExchangeRate.objects.exists()


@pytest.mark.parametrize(
    "values",
    [{"rate": 0}, {"quote": "EUR"}, {"quote": "usd"}, {"source": "hearsay"}],
)
def test_the_database_refuses_what_is_no_rate(values: dict[str, Any]) -> None:
    row = {"base": "EUR", "quote": "USD", "day": FRIDAY, "rate": 1, "source": "ecb"} | values
    with pytest.raises(IntegrityError), transaction.atomic():
        ExchangeRate.objects.create(**row)
    ExchangeRate.objects.create(base="EUR", quote="USD", day=FRIDAY, rate=1, source="ecb")
    with pytest.raises(IntegrityError), transaction.atomic():
        ExchangeRate.objects.create(base="EUR", quote="USD", day=FRIDAY, rate=2, source="manual")


def test_only_a_rate_by_hand_can_be_taken_away() -> None:
    mine = hand("EUR", "USD", "1.1")
    take_rates([Quoted(FRIDAY, "PLN", Decimal("4.3"))])
    with pytest.raises(Invalid):
        delete_rate(rate_id=ExchangeRate.objects.get(quote="PLN").pk, actor=ACTOR, now=NOW)
    delete_rate(rate_id=mine.pk, actor=ACTOR, now=NOW)
    assert list(ExchangeRate.objects.values_list("quote", flat=True)) == ["PLN"]


def test_an_uploaded_file_is_kept_by_a_job_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("currencies.jobs.PORTION", 3)
    days = {FRIDAY - timedelta(days=n): {"USD": f"1.{n + 1}", "PLN": "4.3"} for n in range(4)}
    job = start_rates_import(data=ecb_file(days), name="eurofxref-hist.xml", actor=ACTOR, now=NOW)
    run_job(job.pk, clock=lambda: NOW)
    job.refresh_from_db()
    assert (job.state, job.done, ExchangeRate.objects.count()) == ("done", 8, 8)


class _Bank(BaseHTTPRequestHandler):
    answer: tuple[int, bytes] = (200, b"")

    def do_GET(self) -> None:
        status, body = self.answer
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def bank(settings: Any) -> Any:
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    server = HTTPServer(("127.0.0.1", 0), _Bank)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/eurofxref-daily.xml"
    server.shutdown()
    server.server_close()


def test_rates_are_fetched_and_a_failure_is_told_and_keeps_what_was(bank: str) -> None:
    _Bank.answer = (200, ecb_file({FRIDAY: {"USD": "1.05"}}))
    assert fetch_rates(bank, now=NOW) == 1
    feed = RateFeed.objects.get()
    assert (feed.latest_day, feed.came_at, feed.trouble) == (FRIDAY, NOW, "")
    later = NOW + timedelta(hours=4)
    for answer in ((500, b"no"), (302, b""), (200, b"<html>maintenance</html>")):
        _Bank.answer = answer
        assert fetch_rates(bank, now=later) == 0
        feed.refresh_from_db()
        assert feed.trouble and feed.came_at == NOW and feed.asked_at == later
    assert ExchangeRate.objects.count() == 1


@pytest.mark.parametrize("url", ["http://www.example.com/x.xml", "https://10.0.0.1/x.xml", "https://127.0.0.1/x.xml", "file:///etc/passwd"])  # fmt: skip
def test_an_inner_or_insecure_address_is_never_called(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.create_connection", lambda *a, **k: pytest.fail("it was called"))
    assert fetch_rates(url, now=NOW) == 0
    assert RateFeed.objects.get().trouble


def test_nothing_is_fetched_unless_an_address_is_configured(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    from currencies.tasks import fetch_exchange_rates

    settings.EXCHANGE_RATES_URL = ""
    assert fetch_exchange_rates() == 0
    assert not RateFeed.objects.exists()
