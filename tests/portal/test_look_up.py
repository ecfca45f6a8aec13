"""Order number and e-mail: the same answer for known and unknown, limited, and never a flood of mail."""

from __future__ import annotations

import pytest
from django.test import Client

from core import outbox
from core.models import OutboxDelivery, OutboxEvent, OutgoingMail
from tests.factories.returns import make_shop
from tests.factories.shop import NOW, make_order

URL = "/track/"


def ask(client: Client, number: str, email: str) -> tuple[int, str]:
    response = client.post(URL, {"number": number, "email": email})
    return response.status_code, response.headers.get("Location", "")


def deliver_links() -> None:
    outbox.relay(now=NOW)
    for pk in OutboxDelivery.objects.filter(event__name="tracking_link.asked", done_at=None).values_list(
        "pk", flat=True
    ):
        outbox.deliver(pk, now=NOW)


@pytest.mark.django_db
class TestAnswer:
    def test_known_and_unknown_get_the_same(self, client: Client) -> None:
        order = make_order(number="#7001", email="zofia@example.com")
        make_shop()
        answers, statements = set(), []
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        for number, email in [
            ("7001", "zofia@example.com"),
            ("7001", "other@example.com"),
            ("9999", "zofia@example.com"),
        ]:
            with CaptureQueriesContext(connection) as queries:
                answers.add(ask(client, number, email))
            statements.append([query["sql"].split()[0] for query in queries])
        assert answers == {(302, "/track/?sent=1")}
        assert statements[0] == statements[1] == statements[2]
        assert OutboxEvent.objects.filter(name="tracking_link.asked").count() == 3
        assert order.token not in client.get("/track/?sent=1").content.decode()

    @pytest.mark.parametrize("number", ["7002", "#7002", " 7002 "])
    @pytest.mark.parametrize("email", ["zofia@example.com", "ZOFIA@example.com"])
    def test_the_link_goes_to_the_address_of_the_order(self, client: Client, number: str, email: str) -> None:
        order = make_order(number="#7002", email="Zofia@example.com")
        ask(client, number, email)
        deliver_links()
        mail = OutgoingMail.objects.get()
        assert mail.to == order.email
        assert f"/t/{order.token}/" in mail.text

    def test_a_wrong_pair_mails_nobody(self, client: Client) -> None:
        make_order(number="#7003", email="zofia@example.com")
        ask(client, "7003", "thief@example.com")
        ask(client, "", "")
        deliver_links()
        assert not OutgoingMail.objects.exists()

    def test_an_order_without_an_address_is_nobodys(self, client: Client) -> None:
        make_order(number="#7004", email="")
        client.post(URL, {"number": "7004", "email": ""})
        deliver_links()
        assert not OutgoingMail.objects.exists()

    def test_asked_for_again_it_is_mailed_once_an_hour(self, client: Client) -> None:
        make_order(number="#7005", email="zofia@example.com")
        for _ in range(4):
            ask(client, "7005", "zofia@example.com")
        deliver_links()
        assert OutgoingMail.objects.count() == 1

    def test_input_is_kept_when_it_is_refused(self, client: Client) -> None:
        response = client.post(URL, {"number": "<b>7</b>", "email": "not an address"})
        assert response.status_code == 422
        assert "&lt;b&gt;7&lt;/b&gt;" in response.content.decode()

    def test_looking_writes_nothing(self, client: Client) -> None:
        client.get(URL)
        assert not OutboxEvent.objects.exists()

    def test_it_may_not_be_kept_or_indexed(self, client: Client) -> None:
        headers = client.get(URL).headers
        assert headers["Cache-Control"] == "private, no-store"
        assert "noindex" in headers["X-Robots-Tag"]


@pytest.mark.django_db
class TestLimits:
    def test_guessing_addresses_for_one_number_ends_soon(self, client: Client) -> None:
        codes = [ask(Client(REMOTE_ADDR=f"192.0.2.{i}"), "8001", f"guess{i}@example.com")[0] for i in range(8)]
        assert codes == [302] * 6 + [429] * 2

    def test_guessing_numbers_from_one_network_ends_soon(self, client: Client) -> None:
        codes = [ask(client, str(9000 + i), f"guess{i}@example.com")[0] for i in range(22)]
        assert codes == [302] * 20 + [429] * 2

    def test_known_and_unknown_numbers_are_limited_alike(self, client: Client) -> None:
        make_order(number="#7006", email="zofia@example.com")
        for number in ("7006", "7007"):
            codes = [
                ask(Client(REMOTE_ADDR=f"198.51.100.{i}"), number, f"g{number}{i}@example.com")[0] for i in range(7)
            ]
            assert codes == [302] * 6 + [429]


def test_twenty_at_once_do_not_get_past_the_limit(committed: None, threads) -> None:
    codes = threads(20, lambda i: ask(Client(REMOTE_ADDR=f"192.0.2.{i}"), "8002", f"guess{i}@example.com")[0])
    assert sorted(codes) == [302] * 6 + [429] * 14
