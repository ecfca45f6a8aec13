"""Where gateways post their messages. Public, so it is small: bounded body, limited rate, a signature or nothing."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from core.permissions import public
from core.ratelimit import Limit, client_network, hit
from core.refusals import Refusal
from payments.gateways.base import Refused, Unknown
from payments.models import GatewayAccount
from payments.operations.messages import receive

#: The largest message taken; gateways' are a few kilobytes.
MOST = 256 * 1024
_RATE = Limit("payments.webhook", 600, timedelta(minutes=1))
_FORGED = Limit("payments.webhook.forged", 30, timedelta(minutes=1))


@csrf_exempt
@require_POST
@public
def payment_webhook(request: HttpRequest, token: str) -> HttpResponse:
    """Take in a message: 200 when it is here (again), 400 when it is not the gateway's, 503 when that cannot be checked now."""
    now, who = timezone.now(), client_network(request)
    if not hit(_RATE, who, now=now):
        return HttpResponse(status=429)
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > MOST:
        return HttpResponse(status=413)
    account = (
        GatewayAccount.objects.filter(webhook_token=token).first() if token.isascii() and token.isprintable() else None
    )
    if account is None:
        return HttpResponse(status=404)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        receive(account, body=request.body, headers=headers, now=now)
    except (Unknown, Refused):
        return HttpResponse(status=503)
    except Refusal:
        return HttpResponse(status=400 if hit(_FORGED, f"forged {who}", now=now) else 429)
    return HttpResponse(status=200)
