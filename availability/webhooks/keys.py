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
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.translation import gettext as _

from core.refusals import Unavailable

PREFIX = "whsec_"
_KEY_BYTES = 32


def new_secret() -> str:
    """A fresh key in the form that receivers are given."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def seal(secret: str) -> str:
    """The key encrypted for the database."""
    return _box().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """The key again. Raises Unavailable when SECRET_KEY is another one and the old one is not among its fallbacks."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unavailable(
            "webhook_key_unreadable", _("The key was stored under another SECRET_KEY. Make a new one.")
        ) from None


def _box() -> MultiFernet:
    return MultiFernet([_fernet(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


@lru_cache(maxsize=8)
def _fernet(master: str) -> Fernet:
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"availability.webhooks.keys").derive(
        master.encode()
    )
    return Fernet(base64.urlsafe_b64encode(derived))


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
