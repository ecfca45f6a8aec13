"""Keys of endpoints: made here, stored encrypted, and the signatures made with them.

Signatures follow Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks): ``v1,`` and the base64 of
HMAC-SHA256 over ``id.timestamp.body``; a key is shown as ``whsec_`` and its base64.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

from core import sealing

PREFIX = "whsec_"
_KEY_BYTES = 32
_PURPOSE = "availability.webhooks.keys"


def new_secret() -> str:
    """A fresh key in the form that receivers are given."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def seal(secret: str) -> str:
    """The key encrypted for the database."""
    return sealing.seal(secret, purpose=_PURPOSE)


def unseal(sealed: str) -> str:
    """The key again. Raises Unavailable when SECRET_KEY is another one and the old one is not among its fallbacks."""
    return sealing.unseal(sealed, purpose=_PURPOSE)


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature of a message."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(secrets_: Iterable[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of a message; while a key is being changed it is signed with the new and the old."""
    return {
        "content-type": "application/json",
        "user-agent": "OMS-Webhooks/1.0",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(one, message_id, timestamp, body) for one in secrets_),
    }
