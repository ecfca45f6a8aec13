"""Idempotency-Key: the same key with the same body gets the saved answer; with another body it is refused.

After the draft of the IETF's HTTPAPI working group (draft-ietf-httpapi-idempotency-key-header).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.http import HttpRequest

from api.models import IdempotentRequest
from core.refusals import Invalid

HEADER = "Idempotency-Key"

Answer = tuple[int, Any]


def once(request: HttpRequest, act: Callable[[], Answer]) -> Answer:
    """Do `act` once for the request's key; without a key just do it. Two at once: the second waits for the first's answer.

    The answer is kept in the transaction of the act, so that one is never there without the other. A refused act keeps nothing:
    it may be tried again with the same key.
    """
    key = request.headers.get(HEADER, "")
    if not key:
        return act()
    if len(key) > 255 or not key.isprintable():
        raise Invalid("bad_idempotency_key", "An Idempotency-Key has 1 to 255 printable characters.", field=HEADER)
    fingerprint = hashlib.sha256(
        b"\n".join([str(request.method).encode(), request.path.encode(), request.body])
    ).hexdigest()
    with transaction.atomic():
        rows = IdempotentRequest.objects.bulk_create(
            [IdempotentRequest(token=request.api_token, key=key, fingerprint=fingerprint)],  # type: ignore[attr-defined]
            ignore_conflicts=True,
        )
        del rows
        saved = IdempotentRequest.objects.select_for_update().get(token=request.api_token, key=key)  # type: ignore[attr-defined]
        if saved.fingerprint != fingerprint:
            raise Invalid("idempotency_key_reused", "This Idempotency-Key was used with another request.", field=HEADER)
        if saved.status is not None:
            return saved.status, saved.answer
        status, answer = act()
        saved.status, saved.answer = status, json.loads(json.dumps(answer, cls=DjangoJSONEncoder))
        saved.save(update_fields=["status", "answer"])
        return status, answer
