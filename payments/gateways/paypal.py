"""PayPal: Orders v2 and Payments v2 over core.outgoing.

A small client of our own rather than PayPal's SDK: it is six calls, the SDK brings five libraries with it and counts on retries and
clients that cannot be held to one checked address, and of each failed call we must know whether it was surely not done.
https://developer.paypal.com/docs/api/orders/v2/ · https://developer.paypal.com/docs/api/payments/v2/
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit

from django.core.cache import cache

from core.money import exponent, is_exact
from core.outgoing import call
from core.sealing import seal, unseal
from payments.gateways.base import (
    Forged,
    Held,
    Message,
    Purchase,
    Refused,
    SeenCapture,
    SeenRefund,
    Snapshot,
    Started,
    Unknown,
)

LIVE = "https://api-m.paypal.com"
SANDBOX = "https://api-m.sandbox.paypal.com"
TIMEOUT = 20.0
MOST_ANSWER = 512 * 1024
TOLERANCE = timedelta(minutes=5)
#: An order that nobody approved lives so long.
PAGE_LIVES = timedelta(hours=3)
#: Where PayPal knows no decimals though the currency has some: https://developer.paypal.com/reference/currency-codes/
_WHOLE = frozenset({"HUF", "JPY", "TWD"})
_CURRENCY = re.compile(r"[A-Z]{3}")
_SIGNED = (
    "paypal-auth-algo",
    "paypal-cert-url",
    "paypal-transmission-id",
    "paypal-transmission-sig",
    "paypal-transmission-time",
)


def written(amount: Decimal, currency: str) -> dict[str, str]:
    """An amount as PayPal writes it. Raises Refused for one it cannot express."""
    decimals = 0 if currency in _WHOLE else exponent(currency)
    if decimals > 2 or amount != round(amount, decimals) or not is_exact(amount, currency) or amount <= 0:
        raise Refused("amount", f"PayPal cannot express {amount.normalize():f} {currency}.")
    return {"currency_code": currency, "value": f"{amount:.{decimals}f}"}


@dataclass(frozen=True, slots=True)
class PayPalGateway:
    """One PayPal account. base: the address of the API."""

    client_id: str
    secret: str
    webhook_id: str
    base: str
    refunds_by_capture = True

    def check(self) -> str:
        self._token(fresh=True)
        return "live" if self.base == LIVE else "sandbox"

    def start(self, purchase: Purchase) -> Started:
        order = self._post(
            "/v2/checkout/orders",
            {
                "intent": "AUTHORIZE" if purchase.manual else "CAPTURE",
                "purchase_units": [
                    {
                        "reference_id": "default",
                        "custom_id": purchase.key,
                        "description": purchase.number[:127],
                        "amount": written(purchase.amount, purchase.currency),
                    }
                ],
                "payment_source": {
                    "paypal": {
                        "experience_context": {
                            "user_action": "PAY_NOW",
                            "shipping_preference": "NO_SHIPPING",
                            "return_url": purchase.return_url,
                            "cancel_url": purchase.cancel_url,
                        }
                    }
                },
            },
            key=purchase.key,
        )
        links = {link["rel"]: link["href"] for link in order.get("links", [])}
        url = links.get("payer-action") or links.get("approve") or ""
        return Started(url, order["id"], order["id"], datetime.now(UTC) + PAGE_LIVES)

    def find(self, held: Held, since: datetime) -> Started | None:
        # PayPal cannot be asked for an order by our name of it. One that the customer was never sent to takes no money: only
        # our own `confirm` does, and that needs its name.
        return None

    def fetch(self, held: Held) -> Snapshot:
        return _snapshot(self._get(f"/v2/checkout/orders/{quote(held.parent, safe='')}"))

    def confirm(self, held: Held, *, key: str) -> str:
        verb = "authorize" if held.manual else "capture"
        order = self._post(f"/v2/checkout/orders/{quote(held.parent, safe='')}/{verb}", {}, key=key)
        return str(order["id"])

    def capture(self, held: Held, *, amount: Decimal, final: bool, key: str) -> str:
        body = {"amount": written(amount, held.currency), "final_capture": final, "invoice_id": key}
        name = self._authorization(held)
        capture = self._post(f"/v2/payments/authorizations/{quote(name, safe='')}/capture", body, key=key)
        if capture.get("status") in ("DECLINED", "FAILED"):
            raise Refused(str(capture["status"]).lower(), "PayPal declined the capture.")
        if capture.get("status") != "COMPLETED":
            raise Unknown("PayPal is still looking at the capture.")
        return str(capture["id"])

    def refund(self, held: Held, *, amount: Decimal, capture: str, key: str) -> SeenRefund:
        body = {"amount": written(amount, held.currency), "custom_id": key}
        refund = self._post(f"/v2/payments/captures/{quote(capture, safe='')}/refund", body, key=key)
        return SeenRefund(str(refund["id"]), amount, _REFUND_STATES.get(refund["status"], "waiting"), key, capture)

    def cancel(self, held: Held, *, key: str) -> None:
        snapshot = self.fetch(held)
        if snapshot.state in ("waiting", "approved", "cancelled"):
            return  # only our own `confirm` takes money, and a cancelled payment is never confirmed
        name = self._authorization(held)
        self._post(f"/v2/payments/authorizations/{quote(name, safe='')}/void", {}, key=key)

    def read_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Message:
        given = {name: headers.get(name, "") for name in _SIGNED}
        if not all(given.values()) or not self.webhook_id:
            raise Forged("unsigned")
        host = urlsplit(given["paypal-cert-url"]).hostname or ""
        if not (host == "paypal.com" or host.endswith(".paypal.com")):
            raise Forged("certificate of somebody else")
        try:
            if abs(now - _moment(given["paypal-transmission-time"])) > TOLERANCE:
                raise Forged("too old")
            event = json.loads(body)
            message = Message(
                str(event["id"]), str(event["event_type"]), _moment(event["create_time"]), _names(event["resource"])
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Forged("unreadable") from error
        # PayPal signs with certificates of its own and asks to be asked: no certificate is fetched from an address in a message.
        # The event is sent back exactly as it came, because the signature is over its bytes.
        fields = {name.removeprefix("paypal-").replace("-", "_"): value for name, value in given.items()}
        asked = (
            json.dumps({**fields, "webhook_id": self.webhook_id})[:-1].encode() + b', "webhook_event": ' + body + b"}"
        )
        answer = self._send("POST", "/v1/notifications/verify-webhook-signature", asked, key="")
        if answer.get("verification_status") != "SUCCESS":
            raise Forged("signature")
        return message

    def _authorization(self, held: Held) -> str:
        order = self._get(f"/v2/checkout/orders/{quote(held.parent, safe='')}")
        for authorization in _payments(order).get("authorizations", []):
            if authorization["status"] in ("CREATED", "PARTIALLY_CAPTURED"):
                return str(authorization["id"])
        raise Refused("not_authorized", "PayPal holds nothing for this payment any more.")

    def _token(self, *, fresh: bool = False) -> str:
        """A bearer token, kept sealed in the cache for most of its life."""
        digest = sha256(f"{self.base} {self.client_id} {self.secret}".encode()).hexdigest()
        name = f"paypal.token.{digest}"
        sealed = None if fresh else cache.get(name)
        if sealed:
            return unseal(sealed, purpose="paypal.token")
        basic = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        headers = {"authorization": f"Basic {basic}", "content-type": "application/x-www-form-urlencoded"}
        reply = call(
            "POST", f"{self.base}/v1/oauth2/token", body=b"grant_type=client_credentials", headers=headers,
            most=MOST_ANSWER, seconds=TIMEOUT,
        )  # fmt: skip
        # Nothing of ours was asked for yet, so whatever went wrong: it was not done.
        if not reply.accepted:
            text = (
                "PayPal does not know these credentials." if reply.status == 401 else reply.trouble or "PayPal is away."
            )
            raise Refused("credentials" if reply.status == 401 else "unreachable", text)
        answer = json.loads(reply.body)
        token = str(answer["access_token"])
        cache.set(name, seal(token, purpose="paypal.token"), max(1, int(answer.get("expires_in", 300)) - 120))
        return token

    def _get(self, path: str) -> dict[str, Any]:
        return self._send("GET", path, None, key="")

    def _post(self, path: str, body: dict[str, Any], *, key: str) -> dict[str, Any]:
        return self._send("POST", path, json.dumps(body).encode(), key=key)

    def _send(self, method: str, path: str, body: bytes | None, *, key: str) -> dict[str, Any]:
        headers = {
            "authorization": f"Bearer {self._token()}",
            "content-type": "application/json",
            "prefer": "return=representation",
        }
        if key:
            headers["paypal-request-id"] = key
        reply = call(method, self.base + path, body=body, headers=headers, most=MOST_ANSWER, seconds=TIMEOUT)
        if reply.status == 0 or reply.status >= 500:
            raise Unknown(reply.trouble or f"PayPal answered {reply.status}.")
        try:
            answer: dict[str, Any] = json.loads(reply.body) if reply.body else {}
        except ValueError:
            answer = {}
            if reply.accepted:
                raise Unknown("PayPal's answer could not be read.") from None
        if not reply.accepted:
            detail = (answer.get("details") or [{}])[0]
            code = str(detail.get("issue") or answer.get("name") or reply.status)
            text = str(detail.get("description") or answer.get("message") or f"PayPal answered {reply.status}.")
            raise Refused(code, text)
        return answer


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _names(resource: Mapping[str, Any]) -> tuple[str, ...]:
    """The order a message is about: its own id, or what is named beside an authorisation, capture or refund."""
    related = (resource.get("supplementary_data") or {}).get("related_ids") or {}
    names = [related.get("order_id"), resource.get("id"), related.get("capture_id"), related.get("authorization_id")]
    for link in resource.get("links") or []:
        if link.get("rel") == "up":
            names.append(urlsplit(str(link.get("href"))).path.rpartition("/")[2])
    return tuple(dict.fromkeys(str(name) for name in names if name))


def _payments(order: Mapping[str, Any]) -> dict[str, Any]:
    return dict((order["purchase_units"][0]).get("payments") or {})


_REFUND_STATES = {"COMPLETED": "done", "FAILED": "failed", "CANCELLED": "failed"}


def _snapshot(order: Mapping[str, Any]) -> Snapshot:
    unit = order["purchase_units"][0]
    currency = unit["amount"]["currency_code"]
    payments = _payments(order)
    manual = order["intent"] == "AUTHORIZE"
    captures = tuple(
        SeenCapture(capture["id"], Decimal(capture["amount"]["value"]), capture.get("invoice_id") or "")
        for capture in payments.get("captures", [])
        if capture["status"] in ("COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED")
    )
    captured = sum((capture.amount for capture in captures), Decimal(0))
    granted = [one for one in payments.get("authorizations", []) if one["status"] not in ("DENIED", "PENDING")]
    authorized = sum((Decimal(one["amount"]["value"]) for one in granted), Decimal(0)) if manual else captured
    open_ones = [one for one in granted if one["status"] in ("CREATED", "PARTIALLY_CAPTURED")]
    state = _state(order["status"], manual=manual, open_ones=bool(open_ones), granted=bool(granted), captured=captured)
    ends = open_ones[0].get("expiration_time") if open_ones else None
    payer = ((order.get("payment_source") or {}).get("paypal") or {}).get("email_address") or ""
    return Snapshot(
        state=state,
        reference=order["id"],
        currency=currency,
        amount=Decimal(unit["amount"]["value"]),
        authorized=authorized,
        captured=captured,
        released=Decimal(0) if state == "authorized" else authorized - captured,
        refunds=tuple(
            SeenRefund(
                refund["id"], Decimal(refund["amount"]["value"]), _REFUND_STATES.get(refund["status"], "waiting"),
                refund.get("custom_id") or "", _capture_of(refund),
            )
            for refund in payments.get("refunds", [])
        ),
        captures=captures,
        key=unit.get("custom_id") or "",
        manual=manual,
        parts=True,
        method=f"PayPal {payer}".strip()[:60],
        expires_at=_moment(ends) if ends else None,
    )  # fmt: skip


def _state(status: str, *, manual: bool, open_ones: bool, granted: bool, captured: Decimal) -> str:
    if status == "APPROVED":
        return "approved"
    if status == "VOIDED":
        return "cancelled"
    if status != "COMPLETED":
        return "waiting"
    if manual and open_ones:
        return "authorized"
    if captured:
        return "captured"
    return "cancelled" if granted else "failed"


def _capture_of(refund: Mapping[str, Any]) -> str:
    for link in refund.get("links") or []:
        if link.get("rel") == "up":
            return urlsplit(str(link.get("href"))).path.rpartition("/")[2]
    return ""
