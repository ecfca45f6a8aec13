"""Posting to channels over real HTTP: signed, once, again after a loss, never to an inner address."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from availability.models import ChannelAvailability, Endpoint, WebhookPost
from availability.operations.endpoints import change_key, key_mark, save_endpoint
from availability.operations.publishing import publish_due
from availability.webhooks import sending
from availability.webhooks.keys import new_secret, seal, unseal
from availability.webhooks.posting import NotTaken, prune_posts
from availability.webhooks.sending import is_public, post, read_url
from core.jobs import run_job
from core.models import Job, OutboxDelivery
from core.outbox import deliver, relay
from core.refusals import Invalid, Unavailable
from inventory.operations import Move, apply_moves
from orders.models import Channel
from tests.availability.receiver import Receiver, receiving, verify
from tests.availability.shop import LATER, settle, shown_of, tell
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_variant


@pytest.fixture
def _loopback(settings):
    settings.WEBHOOK_ALLOW_LOOPBACK = True


def endpoint_of(channel: Channel, receiver: Receiver) -> tuple[Endpoint, str]:
    secret = new_secret()
    endpoint = Endpoint.objects.create(channel=channel, url=receiver.url, secret=seal(secret), created_at=NOW)
    return endpoint, secret


def deliver_posts(now: datetime) -> list[str]:
    """Run the deliveries of changes that are due; the names of what they raised."""
    relay(now=now)
    raised = []
    for pk in OutboxDelivery.objects.filter(
        handler__endswith="post_changes", done_at__isnull=True, gave_up_at__isnull=True
    ).values_list("pk", flat=True):
        try:
            deliver(pk, now=now)
        except NotTaken as error:
            raised.append(str(error))
    return raised


# ---- the way of a message --------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_loopback")
def test_a_burst_arrives_as_one_signed_message():
    channel, variant, location = make_channel(name="Sklep Łódź"), make_variant("A-1"), make_location()
    with receiving() as receiver:
        _endpoint, secret = endpoint_of(channel, receiver)
        for n in range(50):
            with transaction.atomic():
                apply_moves([Move(variant.pk, location.pk, "on_hand", 1, "received")], cause=f"t:{n}", actor=ACTOR, now=NOW)  # fmt: skip
        settle()
        assert deliver_posts(NOW + LATER) == [] and deliver_posts(NOW + LATER) == []
    [(headers, body)] = receiver.calls
    assert verify(secret, headers, body) and not verify(new_secret(), headers, body)
    assert not verify(secret, headers, body + b" ")
    assert headers["webhook-timestamp"] == str(int((NOW + LATER).timestamp()))
    assert receiver.bodies[0]["data"] == {"channel": "Sklep Łódź", "items": [{"sku": "A-1", "available": 50, "version": 1}]}  # fmt: skip
    message = WebhookPost.objects.get()
    assert (message.state, message.status, message.attempts, message.items) == ("delivered", 204, 1, 1)
    assert headers["webhook-id"] == message.message_id


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_loopback")
def test_a_lost_answer_is_sent_once_more_with_the_same_id_and_version():
    channel, variant = make_channel(), make_variant("A")
    give_stock(variant, make_location(), 5)
    with receiving("lose") as receiver:
        endpoint_of(channel, receiver)
        settle()
        assert len(deliver_posts(NOW)) == 1
        assert WebhookPost.objects.get().state == "failing"
        assert deliver_posts(NOW + timedelta(minutes=2)) == []
    assert len(receiver.calls) == 2 and receiver.calls[0][1] == receiver.calls[1][1]
    assert receiver.calls[0][0]["webhook-id"] == receiver.calls[1][0]["webhook-id"]
    assert receiver.shown == {"A": (1, 5)}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_loopback")
def test_killed_between_post_and_note_it_is_sent_once_more(monkeypatch):
    """The worker dies after the receiver took it: the delivery is not marked done and comes again."""
    channel, variant = make_channel(), make_variant("A")
    give_stock(variant, make_location(), 5)
    with receiving() as receiver:
        endpoint_of(channel, receiver)
        settle()
        relay(now=NOW)
        delivery = OutboxDelivery.objects.get(handler__endswith="post_changes")

        class Killed(BaseException):
            pass

        def die(*args: object, **kwargs: object) -> None:
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr("core.outbox._mark_done", die)
            with pytest.raises(Killed):
                deliver(delivery.pk, now=NOW)
        assert deliver(delivery.pk, now=NOW + timedelta(minutes=2)) and not deliver(delivery.pk, now=NOW)
    assert len(receiver.calls) == 1, "that it was delivered was noted already: the repeat has nothing to send"
    WebhookPost.objects.update(state="waiting")
    OutboxDelivery.objects.update(done_at=None)
    with receiving() as again:
        Endpoint.objects.update(url=again.url)
        assert deliver(delivery.pk, now=NOW + timedelta(minutes=4))
    assert again.calls[0][1] == receiver.calls[0][1]
    assert again.calls[0][0]["webhook-id"] == receiver.calls[0][0]["webhook-id"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_loopback")
def test_a_late_message_never_puts_an_old_number_over_a_new_one():
    channel, variant, location = make_channel(), make_variant("A"), make_location()
    give_stock(variant, location, 5)
    with receiving(500) as receiver:
        endpoint_of(channel, receiver)
        settle()
        assert len(deliver_posts(NOW)) == 1
        give_stock(variant, location, 2)
        settle()
        assert deliver_posts(NOW + timedelta(minutes=5)) == []
    assert [call["data"]["items"][0]["version"] for call in receiver.bodies] == [1, 2]
    assert receiver.shown == {"A": (2, 7)}
    assert list(WebhookPost.objects.order_by("pk").values_list("state", flat=True)) == ["superseded", "delivered"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_loopback")
def test_it_is_tried_with_patience_and_given_up_in_the_end():
    channel, variant = make_channel(), make_variant("A")
    give_stock(variant, make_location(), 5)
    with receiving(*[503] * 20) as receiver:
        endpoint_of(channel, receiver)
        settle()
        now, waits = NOW, []
        for _ in range(12):
            assert len(deliver_posts(now)) == 1
            due = OutboxDelivery.objects.values_list("due_at", flat=True).get(handler__endswith="post_changes")
            waits.append((due - now).total_seconds())
            now = due
        assert deliver_posts(now) == []
    assert waits == sorted(waits) and waits[0] == 10 and waits[-1] == 3600
    message = WebhookPost.objects.get()
    assert (message.state, message.attempts, message.status) == ("gave_up", 12, 503)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_loopback")
def test_many_messages_do_not_wait_for_a_silent_receiver_one_after_another():
    channel, location = make_channel(), make_location()
    with receiving("lose") as receiver:
        endpoint_of(channel, receiver)
        for n in range(4):
            give_stock(make_variant(f"A-{n}"), location, 5)
            settle()
        assert len(deliver_posts(NOW)) == 4
        assert len(receiver.calls) == 1
        assert deliver_posts(NOW + timedelta(minutes=1)) == []
    assert len(receiver.calls) == 5 and len(receiver.shown) == 4


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_loopback")
def test_a_receiver_that_is_gone_is_not_called_again():
    channel, variant, location = make_channel(), make_variant("A"), make_location()
    give_stock(variant, location, 5)
    with receiving(410) as receiver:
        endpoint, _secret = endpoint_of(channel, receiver)
        settle()
        assert deliver_posts(NOW) == []
        give_stock(variant, location, 1)
        settle()
        assert deliver_posts(NOW) == []
    endpoint.refresh_from_db()
    assert len(receiver.calls) == 1 and not endpoint.active


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_loopback")
def test_without_an_endpoint_nothing_is_sent_and_a_new_one_begins_with_everything():
    channel, location = make_channel(), make_location()
    variants = [make_variant(f"A-{n}") for n in range(3)]
    for n, variant in enumerate(variants):
        give_stock(variant, location, n + 1)
    settle()
    assert deliver_posts(NOW) == [] and not WebhookPost.objects.exists()
    with receiving() as receiver:
        endpoint, secret = save_endpoint(channel_id=channel.pk, url=receiver.url, active=True, actor=ACTOR, now=NOW)
        assert unseal(endpoint.secret) == secret
        run_job(Job.objects.get(kind="availability").pk, clock=timezone.now)
        assert deliver_posts(NOW) == []
    assert receiver.shown == {"A-0": (1, 1), "A-1": (1, 2), "A-2": (1, 3)}, "versions stay: nothing changed"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_loopback")
def test_while_a_key_is_changed_both_sign():
    channel, variant, location = make_channel(), make_variant("A"), make_location()
    with receiving() as receiver:
        endpoint, old = endpoint_of(channel, receiver)
        endpoint, new = change_key(channel_id=channel.pk, mark=key_mark(endpoint), actor=ACTOR, now=NOW)
        give_stock(variant, location, 5)
        settle()
        deliver_posts(NOW)
        give_stock(variant, location, 1)
        settle()
        deliver_posts(NOW + timedelta(days=2))
    (during, first), (after, second) = receiver.calls
    assert verify(old, during, first) and verify(new, during, first)
    assert verify(new, after, second) and not verify(old, after, second)


@pytest.mark.django_db
@pytest.mark.usefixtures("_loopback")
def test_a_test_message_and_what_came_back(client_as):
    channel = make_channel()
    client, url = client_as("operations"), reverse("availability-webhook-test", args=[channel.pk])
    with receiving(204, 418) as receiver:
        _endpoint, secret = endpoint_of(channel, receiver)
        taken = client.post(url, follow=True).content.decode()
        refused = client.post(url, follow=True).content.decode()
    assert "The receiver took it: 204" in taken and "The receiver answered 418" in refused
    assert verify(secret, *receiver.calls[0]) and receiver.bodies[0]["type"] == "availability.test"
    assert "Nothing came back" in client.post(url, follow=True).content.decode()
    assert list(WebhookPost.objects.order_by("pk").values_list("state", flat=True)) == ["delivered", "gave_up", "gave_up"]  # fmt: skip


@pytest.mark.django_db
def test_messages_are_forgotten_after_two_weeks():
    endpoint = Endpoint.objects.create(channel=make_channel(), url="https://x.example/", secret="x", created_at=NOW)
    for n, age in enumerate((1, 20)):
        WebhookPost.objects.create(endpoint=endpoint, message_id=f"m{n}", body="{}", created_at=NOW - timedelta(days=age))  # fmt: skip
    assert prune_posts(now=NOW) == 1 and WebhookPost.objects.get().message_id == "m0"


@given(st.permutations(range(6)), st.lists(st.integers(0, 5), max_size=6))
def test_the_receiver_ends_with_the_newest_whatever_the_order(order, repeats):
    receiver = Receiver()
    messages = [f'{{"data": {{"items": [{{"sku": "A", "available": {n * 3}, "version": {n + 1}}}]}}}}' for n in range(6)]  # fmt: skip
    for n in [*order, *repeats]:
        receiver.take(messages[n].encode())
    assert receiver.shown == {"A": (6, 15)}


# ---- without Redis, without a worker ---------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_without_a_bell_the_sweep_finds_everything(monkeypatch):
    channel, variant = make_channel(), make_variant("A")
    monkeypatch.setattr("core.outbox.bell.ring", lambda task, *args: False)
    give_stock(variant, make_location(), 5)
    tell(timezone.now() - timedelta(minutes=1))
    from availability.tasks import publish_due as sweep

    assert sweep() == 1 and shown_of(channel, variant) == (5, 1)
    assert sweep() == 0


# ---- addresses -------------------------------------------------------------------------------------------------------

NEVER = [
    "http://127.1/", "https://127.1/", "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://0.0.0.0/",
    "https://169.254.169.254/latest/meta-data", "https://10.1.2.3/", "https://192.168.0.1/", "https://172.16.9.9/", "https://100.64.0.1/",
    "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://127.0.0.1.:443/", "https://[fe80::1]/", "https://[fc00::1]/",
    "https://[::127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://224.0.0.1/", "https://[ff02::1]/",
    "https://255.255.255.255/", "https://[::]/", "https://user:pass@shop.example/", "https://user@shop.example/", "https://shop.example:8080/",
    "https://shop.example:22/", "http://shop.example/", "file:///etc/hostname", "gopher://shop.example/", "ftp://shop.example/",
    "https:///path", "https://", "shop.example", "//shop.example/", "https://shop.example/#@127.0.0.1", "https://shop.example\\@127.0.0.1/",
    "https://shop.example/ x", "https://shop.example/\r\nhost: inner", "https://shop.example:99999/", "https://[::1", "javascript:alert(1)",
    "https://" + "a" * 600 + ".example/", "https://localhost/", "https://localhost:8000/",
]  # fmt: skip


@pytest.mark.parametrize("url", NEVER)
def test_these_addresses_are_never_called(url, monkeypatch):
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError(f"connected for {url}")

    monkeypatch.setattr(socket, "create_connection", refuse)
    answer = post(url, b"{}", {})
    assert answer.status == 0 and answer.text
    if not url.startswith("https://localhost"):
        with pytest.raises(Invalid):
            read_url(url)


@pytest.mark.parametrize(
    "inner",
    ["127.0.0.1", "10.0.0.5", "169.254.169.254", "0.0.0.0", "::1", "::ffff:10.0.0.1", "fd00::1", "fe80::1%eth0", "64:ff9b::a00:1"],
)  # fmt: skip
@pytest.mark.parametrize("beside", [[], ["93.184.216.34"]])
def test_a_name_that_leads_inside_is_not_called_even_beside_a_public_one(inner, beside, monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in [*beside, inner]]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
    monkeypatch.setattr(socket, "create_connection", lambda *args, **kwargs: pytest.fail("connected"))
    answer = post("https://shop.example/hook", b"{}", {})
    assert (answer.status, answer.text) == (0, "the name leads to an address that is not public")


def test_what_was_checked_is_what_is_connected_to(monkeypatch):
    """A name that answers otherwise the second time is asked once only."""
    asked, connected = [], []

    def resolver(host: str, *args: object, **kwargs: object) -> list:
        asked.append(host)
        address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]

    def connect(address: tuple, *args: object, **kwargs: object) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    monkeypatch.setattr(socket, "create_connection", connect)
    assert post("https://shop.example/hook", b"{}", {}).status == 0
    assert asked == ["shop.example"] and connected == [("93.184.216.34", 443)]


def test_loopback_needs_its_own_setting(settings):
    with receiving() as receiver:
        settings.WEBHOOK_ALLOW_LOOPBACK = False
        assert post(receiver.url, b"{}", {}).status == 0 and receiver.calls == []
        settings.WEBHOOK_ALLOW_LOOPBACK = True
        assert post(receiver.url, b'{"data": {"items": []}}', {}).status == 204 and len(receiver.calls) == 1
    for url in ("https://10.0.0.1/", "http://shop.example/", "http://169.254.169.254:80/"):
        assert post(url, b"{}", {}).status == 0


@pytest.mark.usefixtures("_loopback")
def test_a_redirect_is_not_followed():
    with receiving(302) as receiver:
        answer = post(receiver.url, b"{}", {})
    assert answer.status == 302 and not answer.accepted and len(receiver.calls) == 1


@pytest.mark.usefixtures("_loopback")
def test_a_slow_or_endless_answer_holds_nobody(monkeypatch):
    monkeypatch.setattr(sending, "TOTAL_SECONDS", 0.6)
    for answer in ("drip", "flood"):
        with receiving(answer) as receiver:
            began = time.monotonic()
            came = post(receiver.url, b"{}", {})
            assert time.monotonic() - began < 3
            assert len(receiver.calls) == 1
            assert len(came.text) <= 300
            assert came.accepted == (answer == "flood")
    assert came.text.startswith("xxx")


@pytest.mark.usefixtures("_loopback")
def test_proxies_of_the_environment_are_not_used(monkeypatch):
    with receiving() as proxy, receiving() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert post(receiver.url, b'{"data": {"items": []}}', {}).status == 204
        assert proxy.calls == [] and len(receiver.calls) == 1


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for localhost, made now and signed by itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "localhost.pem"
    plain = serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.mark.usefixtures("_loopback")
def test_certificates_are_checked_by_name(certificate, monkeypatch):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with receiving(ssl_context=context, host="localhost") as receiver:
        unknown = post(receiver.url, b"{}", {})
        assert unknown.status == 0 and "certificate" in unknown.text.lower()
        monkeypatch.setattr(sending, "tls_context", lambda: ssl.create_default_context(cafile=str(certificate)))
        assert post(receiver.url, b'{"data": {"items": []}}', {}).status == 204
        other_name = receiver.url.replace("localhost", "127.0.0.1")
        assert post(other_name, b"{}", {}).status == 0
    assert len(receiver.calls) == 1


@given(st.ip_addresses(v=4))
def test_addresses_inside_ipv6_are_judged_like_those_outside(address):
    wrapped = [
        ipaddress.ip_address(f"::ffff:{address}"),
        ipaddress.ip_address(int(ipaddress.ip_address("64:ff9b::")) + int(address)),
        ipaddress.ip_address((0x2002 << 112) + (int(address) << 80)),
    ]
    assert {is_public(one) for one in wrapped} == {is_public(address)}


# ---- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_lies_sealed_and_outlives_a_change_of_the_secret_key(settings):
    secret = new_secret()
    sealed = seal(secret)
    assert secret not in sealed and unseal(sealed) == secret
    old, settings.SECRET_KEY = settings.SECRET_KEY, "x" * 60
    with pytest.raises(Unavailable):
        unseal(sealed)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert unseal(sealed) == secret


def test_the_signature_is_that_of_the_standard():
    """The example of the Standard Webhooks specification."""
    from availability.webhooks.keys import signature

    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    assert signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="  # fmt: skip


@pytest.mark.django_db
def test_publishing_is_noted_even_where_nobody_listens():
    channel, variant = make_channel(), make_variant("A")
    give_stock(variant, make_location(), 5)
    tell()
    assert publish_due(now=NOW + LATER).changed == 1
    assert ChannelAvailability.objects.get(channel=channel).published_at == NOW + LATER
