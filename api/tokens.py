"""Bearer tokens: made once, shown once, stored as a digest."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from core.models import ApiToken
from core.permissions import Role
from core.refusals import Invalid

PREFIX = "oms_"
#: `last_used_at` is written at most this often, so that reading stays reading.
USE_NOTED_EVERY = timedelta(minutes=5)


def create_token(*, name: str, role: str) -> tuple[ApiToken, str]:
    """A new token of a role, and its secret, which cannot be seen again. Raises Invalid for an unknown role."""
    if role not in Role.values:
        raise Invalid("bad_role", f"Unknown role {role!r}; roles are {', '.join(Role.values)}.", field="role")
    secret = PREFIX + secrets.token_urlsafe(32)
    return ApiToken.objects.create(name=name[:100], role=role, digest=digest_of(secret)), secret


def digest_of(secret: str) -> str:
    """What is stored of a token. A fast hash is right here: the secret has 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


class TokenAuth(HttpBearer):
    """``Authorization: Bearer oms_…``; the request's `token` says who asks and what they may do."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        found = ApiToken.objects.filter(digest=digest_of(token), revoked_at__isnull=True).first()
        if found is not None:
            _note_use(found, now=timezone.now())
            request.api_token = found  # type: ignore[attr-defined]
        return found


def _note_use(token: ApiToken, *, now: datetime) -> None:
    if token.last_used_at is None or now - token.last_used_at > USE_NOTED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
