"""Stripe: Checkout pages, PaymentIntents, refunds, signed webhooks, by the official client.

The client is imported when an account is first used, which costs what a request of a shop without Stripe should not. Each call
carries the account's own key: nothing is kept in the client's module. The client's own retries are off: what is not known is asked
for (payments.operations.asking). https://docs.stripe.com/api
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from core.money import exponent
from payments.gateways.base import (
    Forged,
    Held,
    Message,
    Purchase,
    Refused,
    SeenRefund,
    Snapshot,
    Started,
    Unknown,
)

#: Seconds a call may take.
TIMEOUT = 20
#: A message older or newer than this is refused, as Stripe's own libraries do.
TOLERANCE = timedelta(minutes=5)
#: A page to pay on lives so long (Stripe allows from 30 minutes to 24 hours).
PAGE_LIVES = timedelta(hours=23)
_LANGUAGES = frozenset({"en", "tr", "pl", "de", "fr", "es", "it", "nl", "sv", "da", "fi", "nb", "cs", "ja", "zh"})
#: Where Stripe counts otherwise than ISO 4217: https://docs.stripe.com/currencies
_WHOLE = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
_THOUSANDTHS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
_ABOUT_PAYMENT = ("payment_intent", "id")


def decimals_of(currency: str) -> int:
    """Decimals of the units Stripe counts in."""
    return 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2


def to_units(amount: Decimal, currency: str) -> int:
    """The amount in Stripe's units. Raises Refused for one that Stripe cannot express."""
    units = amount.scaleb(decimals_of(currency))
    whole = int(units)
    if whole != units or (currency in _THOUSANDTHS and whole % 10) or whole <= 0:
        raise Refused("amount", f"Stripe cannot express {amount.normalize():f} {currency}.")
    return whole


def from_units(units: int, currency: str) -> Decimal:
    """Stripe's units as an amount."""
    return Decimal(units).scaleb(-decimals_of(currency)).quantize(Decimal(1).scaleb(-exponent(currency)))


@lru_cache(maxsize=1)
def _library() -> Any:
    import stripe

    return stripe


@dataclass(frozen=True, slots=True)
class StripeGateway:
    """One Stripe account. base: another address of the API, for tests."""

    api_key: str
    webhook_secret: str
    base: str = ""
    refunds_by_capture = False

    def check(self) -> str:
        account = self._ask(lambda client: client.v1.balance.retrieve())
        return "live" if account["livemode"] else "test"

    def start(self, purchase: Purchase) -> Started:
        names = {"payment": purchase.key, "order": purchase.number}
        intent: dict[str, Any] = {"metadata": names, "capture_method": "manual" if purchase.manual else "automatic"}
        params: dict[str, Any] = {
            "mode": "payment",
            "client_reference_id": purchase.key,
            "metadata": names,
            "payment_intent_data": intent,
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": purchase.currency.lower(),
                        "unit_amount": to_units(purchase.amount, purchase.currency),
                        "product_data": {"name": purchase.number},
                    },
                }
            ],
            "success_url": purchase.return_url,
            "cancel_url": purchase.cancel_url,
            "locale": purchase.language if purchase.language in _LANGUAGES else "auto",
            "expires_at": int((datetime.now(UTC) + PAGE_LIVES).timestamp()),
        }
        if purchase.email:
            params["customer_email"] = purchase.email
        if purchase.manual:
            params["payment_method_options"] = {"card": {"request_multicapture": "if_available"}}
        page = self._do(lambda client, options: client.v1.checkout.sessions.create(params, options), purchase.key)
        return _started(page)

    def find(self, held: Held, since: datetime) -> Started | None:
        params = {"created": {"gte": int(since.timestamp()) - 60}, "limit": 100}
        pages = self._all(lambda client: client.v1.checkout.sessions.list(params))
        return next((_started(page) for page in pages if page.get("client_reference_id") == held.key), None)

    def fetch(self, held: Held) -> Snapshot:
        reference = held.reference
        if not reference:
            page = self._ask(lambda client: client.v1.checkout.sessions.retrieve(held.parent))
            reference = page.get("payment_intent") or ""
            if not reference:
                currency = page["currency"].upper()
                state = "cancelled" if page["status"] == "expired" else "waiting"
                return Snapshot(state, "", currency, from_units(page["amount_total"], currency), key=held.key)
        expand = {"expand": ["latest_charge"]}
        intent = self._ask(lambda client: client.v1.payment_intents.retrieve(reference, expand))
        charge = intent.get("latest_charge")
        refunds: list[Any] = []
        if charge:
            refunds = self._all(lambda client: client.v1.refunds.list({"payment_intent": reference, "limit": 100}))
        return _snapshot(intent, charge, refunds)

    def confirm(self, held: Held, *, key: str) -> str:
        raise Refused("not_needed", "Stripe confirms on its own page.")

    def capture(self, held: Held, *, amount: Decimal, final: bool, key: str) -> str:
        params: dict[str, Any] = {"amount_to_capture": to_units(amount, held.currency)}
        if not final:
            params["final_capture"] = False
        done = self._do(lambda client, options: client.v1.payment_intents.capture(held.reference, params, options), key)
        charge = done.get("latest_charge")
        return str(charge if isinstance(charge, str) else charge["id"])

    def refund(self, held: Held, *, amount: Decimal, capture: str, key: str) -> SeenRefund:
        params = {
            "payment_intent": held.reference,
            "amount": to_units(amount, held.currency),
            "metadata": {"call": key},
        }
        return _refund(self._do(lambda client, options: client.v1.refunds.create(params, options), key))

    def cancel(self, held: Held, *, key: str) -> None:
        if held.reference:
            self._do(lambda client, options: client.v1.payment_intents.cancel(held.reference, None, options), key)
        else:
            self._do(lambda client, options: client.v1.checkout.sessions.expire(held.parent, None, options), key)

    def read_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Message:
        stripe = _library()
        try:
            text = body.decode()
            # Stripe's own check compares in constant time; its clock is the machine's, ours comes from the caller.
            stripe.WebhookSignature.verify_header(text, headers.get("stripe-signature"), self.webhook_secret, None)
            signed_at = _signed_at(headers["stripe-signature"])
            if abs(now - signed_at) > TOLERANCE:
                raise Forged("too old")
            event = json.loads(text)
            subject = event["data"]["object"]
            names = tuple(str(subject[name]) for name in _ABOUT_PAYMENT if isinstance(subject.get(name), str))
            return Message(str(event["id"]), str(event["type"]), datetime.fromtimestamp(event["created"], UTC), names)
        except stripe.SignatureVerificationError as error:
            raise Forged("signature") from error
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
            raise Forged("unreadable") from error

    def _client(self) -> Any:
        stripe = _library()
        return stripe.StripeClient(
            self.api_key,
            base_addresses={"api": self.base} if self.base else {},
            http_client=stripe.RequestsClient(timeout=TIMEOUT, verify_ssl_certs=True),
            max_network_retries=0,
        )

    def _do(self, call: Callable[[Any, dict[str, Any]], Any], key: str) -> dict[str, Any]:
        return self._ask(lambda client: call(client, {"idempotency_key": key}))

    def _all(self, call: Callable[[Any], Any]) -> list[dict[str, Any]]:
        """Every row of a list, page by page."""
        return self._sorted(lambda client: [row.to_dict() for row in call(client).auto_paging_iter()])

    def _ask(self, call: Callable[[Any], Any]) -> dict[str, Any]:
        """Make a call; what came back as plain dicts."""
        return self._sorted(lambda client: call(client).to_dict())

    def _sorted(self, call: Callable[[Any], Any]) -> Any:
        """Make a call and sort what can go wrong into refused and unknown."""
        stripe = _library()
        try:
            return call(self._client())
        except (stripe.CardError, stripe.AuthenticationError, stripe.PermissionError) as error:
            raise Refused(error.code or type(error).__name__, _said(error)) from error
        except stripe.RateLimitError as error:
            raise Refused("rate_limit", "Stripe is asked too often just now. Try again in a moment.") from error
        except stripe.InvalidRequestError as error:
            if error.http_status == 409:  # the same key is being worked on
                raise Unknown(_said(error)) from error
            raise Refused(error.code or "invalid_request", _said(error)) from error
        except stripe.APIConnectionError as error:
            raise Unknown("Stripe did not answer.") from error
        except stripe.StripeError as error:
            # Errors of the connection and of Stripe's side, and an idempotency key that Stripe knows with another body.
            raise Unknown(_said(error)) from error


def _said(error: Any) -> str:
    return str(error.user_message or error)[:300]


def _signed_at(header: str) -> datetime:
    moment = next(part[2:] for part in header.split(",") if part.startswith("t="))
    return datetime.fromtimestamp(int(moment), UTC)


def _started(page: Any) -> Started:
    ends = page.get("expires_at")
    return Started(
        url=page.get("url") or "",
        parent=page["id"],
        reference=page.get("payment_intent") or "",
        expires_at=datetime.fromtimestamp(ends, UTC) if ends else None,
    )


_STATES = {"requires_capture": "authorized", "succeeded": "captured", "canceled": "cancelled"}


def _snapshot(intent: Any, charge: Any, refunds: list[Any]) -> Snapshot:
    currency = intent["currency"].upper()
    state = _STATES.get(intent["status"], "waiting")
    held = bool(charge) and charge["status"] == "succeeded"
    authorized = from_units(charge["amount"], currency) if held else Decimal(0)
    captured = from_units(intent.get("amount_received") or 0, currency) if held else Decimal(0)
    card = ((charge or {}).get("payment_method_details") or {}).get("card") or {}
    ends = card.get("capture_before")
    error = intent.get("last_payment_error") or {}
    return Snapshot(
        state=state,
        reference=intent["id"],
        currency=currency,
        amount=from_units(intent["amount"], currency),
        authorized=authorized,
        captured=captured,
        released=authorized - captured if state in ("captured", "cancelled") else Decimal(0),
        refunds=tuple(_refund(refund) for refund in refunds),
        key=(intent.get("metadata") or {}).get("payment", ""),
        manual=intent.get("capture_method") == "manual",
        parts=(card.get("multicapture") or {}).get("status") == "available",
        method=f"{card['brand'].title()} •••• {card['last4']}" if card.get("brand") and card.get("last4") else "",
        expires_at=datetime.fromtimestamp(ends, UTC) if ends else None,
        failure=str(error.get("message") or "")[:200],
    )


_REFUND_STATES = {"succeeded": "done", "failed": "failed", "canceled": "failed"}


def _refund(refund: Any) -> SeenRefund:
    currency = refund["currency"].upper()
    return SeenRefund(
        reference=refund["id"],
        amount=from_units(refund["amount"], currency),
        state=_REFUND_STATES.get(refund.get("status") or "succeeded", "waiting"),
        key=(refund.get("metadata") or {}).get("call", ""),
    )
