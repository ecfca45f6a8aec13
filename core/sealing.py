"""Secrets of others (keys, credentials) encrypted for the database, under the installation's SECRET_KEY."""

from __future__ import annotations

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.translation import gettext as _

from core.refusals import Unavailable


def seal(secret: str, *, purpose: str) -> str:
    """The secret encrypted. purpose: what it is for; a text sealed for one purpose cannot be read for another."""
    return _box(purpose).encrypt(secret.encode()).decode()


def unseal(sealed: str, *, purpose: str) -> str:
    """The secret again. Raises Unavailable when SECRET_KEY is another one and the old one is not among its fallbacks."""
    try:
        return _box(purpose).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unavailable("secret_unreadable", _("It was stored under another SECRET_KEY. Enter it anew.")) from None


def _box(purpose: str) -> MultiFernet:
    return MultiFernet([_fernet(key, purpose) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


@lru_cache(maxsize=32)
def _fernet(master: str, purpose: str) -> Fernet:
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose.encode()).derive(master.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
