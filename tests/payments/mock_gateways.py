"""Stripe and PayPal as one stateful HTTP server on loopback: real requests, a ledger of money, idempotency keys, and faults.

A fault is armed for the next request that matches and names when the line goes dead: "before" the work is done, "after" it (the
answer is lost), "error" (500 after the work), "refuse" (402/422 without work).
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Answer = tuple[int, dict[str, Any]]


class Problem(Exception):
    """The gateway says no."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(code)
        self.status, self.code, self.text = status, code, text


class Ledger:
    """All payments at the gateway, in its smallest units."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.payments: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, Answer] = {}
        self.faults: list[tuple[str, str]] = []
        self.log: list[tuple[str, str, str]] = []
        self.numbers = iter(range(1, 10_000_000))
        self.multicapture = True
        self.check_idempotency = True
        self.verified = True
        self.delay = 0.0

    def name(self, prefix: str) -> str:
        return f"{prefix}_{next(self.numbers):06d}"

    def arm(self, path: str, when: str) -> None:
        """Have the next request whose "METHOD path" matches fail."""
        self.faults.append((path, when))

    def fault_for(self, line: str) -> str:
        for index, (pattern, when) in enumerate(self.faults):
            if re.search(pattern, line):
                del self.faults[index]
                return when
        return ""

    def new_payment(self, amount: int, currency: str, manual: bool, names: dict[str, str]) -> dict[str, Any]:
        payment = {
            "id": "", "parent": self.name("cs"), "amount": amount, "currency": currency, "manual": manual, "names": names,
            "status": "open", "captured": 0, "captures": [], "refunds": [], "url": "", "authorization": "",
        }  # fmt: skip
        self.payments[payment["parent"]] = payment
        return payment

    def find(self, name: str) -> dict[str, Any]:
        for payment in self.payments.values():
            if name in (payment["id"], payment["parent"], payment["authorization"]) or any(
                name == capture["id"] for capture in payment["captures"]
            ):
                return payment
        raise Problem(404, "resource_missing", f"No such thing: {name}")

    def refunded(self, payment: dict[str, Any]) -> int:
        return sum(refund["amount"] for refund in payment["refunds"] if refund["status"] != "failed")

    def customer_pays(self, parent: str) -> str:
        """The customer pays on the gateway's page; the payment's name at Stripe."""
        with self.lock:
            payment = self.find(parent)
            assert payment["status"] == "open", payment["status"]
            payment["id"] = payment["id"] or self.name("pi")
            if payment["parent"].startswith("cs"):
                payment["status"] = "authorized" if payment["manual"] else "captured"
                if not payment["manual"]:
                    self.take(payment, payment["amount"], "", final=True)
            else:
                payment["status"] = "approved"
            return str(payment["id"])

    def take(self, payment: dict[str, Any], amount: int, key: str, *, final: bool) -> dict[str, Any]:
        """Capture."""
        if payment["captured"] + amount > payment["amount"]:
            raise Problem(400, "amount_too_large", "More than is authorised.")
        payment["captured"] += amount
        capture = {"id": self.name("cap"), "amount": amount, "key": key}
        payment["captures"].append(capture)
        payment["status"] = "captured" if final or payment["captured"] == payment["amount"] else "authorized"
        return capture

    def give_back(self, payment: dict[str, Any], amount: int, key: str, capture: str) -> dict[str, Any]:
        """Refund."""
        if self.refunded(payment) + amount > payment["captured"]:
            raise Problem(400, "charge_already_refunded", "More than was captured.")
        if capture:
            whole = next(c["amount"] for c in payment["captures"] if c["id"] == capture)
            gone = sum(r["amount"] for r in payment["refunds"] if r["capture"] == capture and r["status"] != "failed")
            if gone + amount > whole:
                raise Problem(422, "REFUND_AMOUNT_EXCEEDED", "More than this capture.")
        refund = {"id": self.name("re"), "amount": amount, "key": key, "capture": capture, "status": "succeeded"}
        payment["refunds"].append(refund)
        return refund

    def let_go(self, payment: dict[str, Any]) -> None:
        """Void."""
        if payment["status"] not in ("open", "authorized", "approved"):
            raise Problem(400, "payment_intent_unexpected_state", f"It is {payment['status']}.")
        payment["status"] = "captured" if payment["captured"] else "cancelled"


def nested(form: str) -> dict[str, Any]:
    """Stripe's form fields (a[b][0][c]=1) as nested dicts."""
    result: dict[str, Any] = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        first, *rest = re.findall(r"[^\[\]]+", name)
        here, last = result, first
        for part in rest:
            here, last = here.setdefault(last, {}), part
        here[last] = value
    return result


class Stripe:
    """Stripe's answers about the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def answer(self, method: str, path: str, query: dict[str, Any], body: str) -> dict[str, Any]:  # noqa: C901 - one case an address
        form, parts = nested(body), path.strip("/").split("/")[1:]
        match (method, parts):
            case ("GET", ["balance"]):
                return {"object": "balance", "livemode": False, "available": []}
            case ("POST", ["checkout", "sessions"]):
                intent, price = form["payment_intent_data"], form["line_items"]["0"]["price_data"]
                payment = self.ledger.new_payment(
                    int(price["unit_amount"]),
                    price["currency"],
                    intent["capture_method"] == "manual",
                    intent["metadata"],
                )
                payment["url"], payment["created"] = (
                    f"https://checkout.stripe.test/{payment['parent']}",
                    int(time.time()),
                )
                return self.session(payment)
            case ("GET", ["checkout", "sessions"]):
                mine = [p for p in self.ledger.payments.values() if p["parent"].startswith("cs")]
                return {
                    "object": "list",
                    "has_more": False,
                    "url": "/v1/checkout/sessions",
                    "data": [self.session(p) for p in mine],
                }
            case ("GET", ["checkout", "sessions", name]):
                return self.session(self.ledger.find(name))
            case ("POST", ["checkout", "sessions", name, "expire"]):
                payment = self.ledger.find(name)
                if payment["status"] != "open":
                    raise Problem(400, "resource_unavailable", "Only open sessions can be expired.")
                payment["status"] = "expired"
                return self.session(payment)
            case ("GET", ["payment_intents", name]):
                return self.intent(self.ledger.find(name))
            case ("POST", ["payment_intents", name, "capture"]):
                payment = self.ledger.find(name)
                if payment["status"] != "authorized":
                    raise Problem(400, "payment_intent_unexpected_state", f"It is {payment['status']}.")
                final = form.get("final_capture", "true") == "true" or not self.ledger.multicapture
                self.ledger.take(payment, int(form["amount_to_capture"]), "", final=final)
                return self.intent(payment)
            case ("POST", ["payment_intents", name, "cancel"]):
                payment = self.ledger.find(name)
                self.ledger.let_go(payment)
                return self.intent(payment)
            case ("GET", ["refunds"]):
                payment = self.ledger.find(query["payment_intent"])
                data = [self.refund(payment, refund) for refund in payment["refunds"]]
                return {"object": "list", "has_more": False, "url": "/v1/refunds", "data": data}
            case ("POST", ["refunds"]):
                payment = self.ledger.find(form["payment_intent"])
                key = form.get("metadata", {}).get("call", "")
                return self.refund(payment, self.ledger.give_back(payment, int(form["amount"]), key, ""))
        raise Problem(404, "unknown", f"{method} {path}")

    def session(self, payment: dict[str, Any]) -> dict[str, Any]:
        done = payment["status"] not in ("open", "expired")
        return {
            "id": payment["parent"], "object": "checkout.session", "url": payment["url"] or None,
            "status": "complete" if done else payment["status"], "currency": payment["currency"],
            "amount_total": payment["amount"], "payment_intent": payment["id"] or None,
            "client_reference_id": payment["names"].get("payment"), "expires_at": int(time.time()) + 80_000,
        }  # fmt: skip

    def intent(self, payment: dict[str, Any]) -> dict[str, Any]:
        words = {"authorized": "requires_capture", "captured": "succeeded", "cancelled": "canceled"}
        multi = "available" if self.ledger.multicapture else "unavailable"
        charge = {
            "id": "ch_" + payment["id"], "object": "charge", "amount": payment["amount"], "status": "succeeded",
            "payment_method_details": {"card": {"brand": "visa", "last4": "4242", "multicapture": {"status": multi}}},
        }  # fmt: skip
        return {
            "id": payment["id"], "object": "payment_intent", "currency": payment["currency"], "amount": payment["amount"],
            "amount_received": payment["captured"], "status": words.get(payment["status"], "requires_payment_method"),
            "capture_method": "manual" if payment["manual"] else "automatic", "metadata": payment["names"],
            "latest_charge": charge,
        }  # fmt: skip

    def refund(self, payment: dict[str, Any], refund: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": refund["id"], "object": "refund", "amount": refund["amount"], "currency": payment["currency"],
            "status": refund["status"], "payment_intent": payment["id"], "metadata": {"call": refund["key"]},
        }  # fmt: skip


class PayPal:
    """PayPal's answers about the ledger; amounts in hundredths."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def answer(self, method: str, path: str, _query: dict[str, Any], body: str) -> dict[str, Any]:  # noqa: C901 - one case an address
        if path == "/v1/oauth2/token":
            return {"access_token": "A21.mock", "token_type": "Bearer", "expires_in": 32400}
        given, parts = json.loads(body or "{}"), path.strip("/").split("/")[1:]
        match (method, parts):
            case ("POST", ["notifications", "verify-webhook-signature"]):
                return {"verification_status": "SUCCESS" if self.ledger.verified else "FAILURE"}
            case ("POST", ["checkout", "orders"]):
                unit = given["purchase_units"][0]
                payment = self.ledger.new_payment(
                    units(unit["amount"]["value"]), unit["amount"]["currency_code"], given["intent"] == "AUTHORIZE",
                    {"payment": unit["custom_id"]},
                )  # fmt: skip
                del self.ledger.payments[payment["parent"]]
                payment["parent"] = payment["id"] = self.ledger.name("PP")
                self.ledger.payments[payment["parent"]] = payment
                link = {"rel": "payer-action", "href": f"https://paypal.test/{payment['id']}"}
                return self.order(payment) | {"links": [link]}
            case ("GET", ["checkout", "orders", name]):
                return self.order(self.ledger.find(name))
            case ("POST", ["checkout", "orders", name, "authorize" | "capture" as verb]):
                payment = self.ledger.find(name)
                if payment["status"] != "approved":
                    raise Problem(422, "ORDER_NOT_APPROVED", "Payer has not yet approved the Order for payment.")
                if verb == "capture":
                    self.ledger.take(payment, payment["amount"], "", final=True)
                else:
                    payment["status"], payment["authorization"] = "authorized", self.ledger.name("AUTH")
                return self.order(payment)
            case ("POST", ["payments", "authorizations", name, "capture"]):
                payment = self.ledger.find(name)
                if payment["status"] != "authorized":
                    raise Problem(422, "AUTHORIZATION_VOIDED", "A voided authorization cannot be captured.")
                if any(capture["key"] == given["invoice_id"] for capture in payment["captures"]):
                    raise Problem(422, "DUPLICATE_INVOICE_ID", "This invoice was paid.")
                amount = units(given["amount"]["value"])
                return self.capture(
                    payment, self.ledger.take(payment, amount, given["invoice_id"], final=given["final_capture"])
                )
            case ("POST", ["payments", "authorizations", name, "void"]):
                self.ledger.let_go(self.ledger.find(name))
                return {}
            case ("POST", ["payments", "captures", name, "refund"]):
                payment = self.ledger.find(name)
                amount = units(given["amount"]["value"])
                return self.refund(payment, self.ledger.give_back(payment, amount, given["custom_id"], name))
        raise Problem(404, "RESOURCE_NOT_FOUND", f"{method} {path}")

    def order(self, payment: dict[str, Any]) -> dict[str, Any]:
        words = {"open": "PAYER_ACTION_REQUIRED", "approved": "APPROVED", "expired": "VOIDED"}
        held = {
            "authorized": "PARTIALLY_CAPTURED" if payment["captured"] else "CREATED",
            "captured": "CAPTURED",
            "cancelled": "VOIDED",
        }
        payments: dict[str, Any] = {
            "captures": [self.capture(payment, capture) for capture in payment["captures"]],
            "refunds": [self.refund(payment, refund) for refund in payment["refunds"]],
        }
        if payment["authorization"]:
            payments["authorizations"] = [
                {
                    "id": payment["authorization"],
                    "status": held[payment["status"]],
                    "amount": money(payment, payment["amount"]),
                }
            ]
        unit = {
            "amount": money(payment, payment["amount"]),
            "custom_id": payment["names"]["payment"],
            "payments": payments,
        }
        return {
            "id": payment["id"], "status": words.get(payment["status"], "COMPLETED"), "purchase_units": [unit],
            "intent": "AUTHORIZE" if payment["manual"] else "CAPTURE",
            "payment_source": {"paypal": {"email_address": "buyer@example.com"}},
        }  # fmt: skip

    def capture(self, payment: dict[str, Any], capture: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": capture["id"],
            "status": "COMPLETED",
            "amount": money(payment, capture["amount"]),
            "invoice_id": capture["key"],
        }

    def refund(self, payment: dict[str, Any], refund: dict[str, Any]) -> dict[str, Any]:
        words = {"succeeded": "COMPLETED", "pending": "PENDING", "failed": "FAILED"}
        up = {"rel": "up", "href": f"https://api.test/v2/payments/captures/{refund['capture']}"}
        return {
            "id": refund["id"], "status": words[refund["status"]], "amount": money(payment, refund["amount"]),
            "custom_id": refund["key"], "links": [up],
        }  # fmt: skip


def units(value: str) -> int:
    whole, _point, part = value.partition(".")
    return int(whole) * 100 + int((part + "00")[:2])


def money(payment: dict[str, Any], amount: int) -> dict[str, str]:
    return {"currency_code": payment["currency"], "value": f"{amount // 100}.{amount % 100:02d}"}


class Handler(BaseHTTPRequestHandler):
    """One request: a fault where one is armed, the stored answer for a known key, else the work."""

    server: Any
    protocol_version = "HTTP/1.1"

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.handle_one("GET")

    def do_POST(self) -> None:
        self.handle_one("POST")

    def handle_one(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        url = urlsplit(self.path)
        ledger: Ledger = self.server.ledger
        key = self.headers.get("idempotency-key") or self.headers.get("paypal-request-id") or ""
        fault = ledger.fault_for(f"{method} {url.path}")
        if fault == "before":
            return self.hang_up()
        if ledger.delay and method == "POST":
            time.sleep(ledger.delay)
        stripe = "sk_" in self.headers.get("authorization", "")
        status, answer = self.work(method, url.path, dict(parse_qsl(url.query)), body, key, stripe=stripe, fault=fault)
        if fault == "after":
            return self.hang_up()
        if fault == "error":
            status, answer = 500, {"error": {"type": "api_error", "message": "Sorry."}, "name": "INTERNAL_SERVER_ERROR"}
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(text)
        self.close_connection = True
        return None

    def work(
        self, method: str, path: str, query: dict[str, str], body: str, key: str, *, stripe: bool, fault: str
    ) -> Answer:
        ledger: Ledger = self.server.ledger
        with ledger.lock:
            ledger.log.append((method, path, key))
            if ledger.check_idempotency and key in ledger.answers:
                return ledger.answers[key]
            try:
                if fault == "refuse":
                    raise Problem(402 if stripe else 422, "card_declined", "Declined.")
                side = Stripe(ledger) if stripe else PayPal(ledger)
                answer: Answer = (200, side.answer(method, path, query, body))
            except Problem as problem:
                error = {
                    "type": "card_error" if problem.status == 402 else "invalid_request_error",
                    "code": problem.code,
                    "message": problem.text,
                }
                answer = (problem.status, {"error": error, "name": problem.code, "message": problem.text})
            if key:
                ledger.answers[key] = answer
            return answer

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    ledger: Ledger

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A line that was cut is what the test wants."""


@contextmanager
def serve() -> Iterator[tuple[str, Ledger]]:
    """The server's address and its ledger."""
    server = _Server(("127.0.0.1", 0), Handler)
    server.ledger = Ledger()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.ledger
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
