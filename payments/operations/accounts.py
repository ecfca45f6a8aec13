"""Accounts with gateways: added, changed, tested. Credentials are sealed on the way in and only ever opened to make a call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Invalid, NotFound
from core.sealing import seal, unseal
from core.timeline import record
from payments.gateways.base import Gateway, Refused, Unknown
from payments.gateways.paypal import LIVE, SANDBOX, PayPalGateway
from payments.gateways.stripe import StripeGateway
from payments.models import GatewayAccount, GatewayKind
from payments.models.gateways import new_webhook_token

_PURPOSE = "payments.gateway"
#: What each gateway wants to know. All of it is secret enough to be sealed.
CREDENTIALS: dict[str, tuple[str, ...]] = {
    GatewayKind.STRIPE: ("api_key", "webhook_secret"),
    GatewayKind.PAYPAL: ("client_id", "secret", "webhook_id"),
}


def gateway_of(account: GatewayAccount) -> Gateway:
    """The account, ready to be called. Raises Unavailable when its credentials were sealed under another SECRET_KEY."""
    known = json.loads(unseal(account.credentials, purpose=_PURPOSE))
    base = settings.PAYMENT_GATEWAY_URLS.get(account.kind, "")
    if account.kind == GatewayKind.STRIPE:
        return StripeGateway(known.get("api_key", ""), known.get("webhook_secret", ""), base)
    return PayPalGateway(
        known.get("client_id", ""),
        known.get("secret", ""),
        known.get("webhook_id", ""),
        base or (SANDBOX if account.test_mode else LIVE),
    )


def save_account(
    *,
    account_id: int | None,
    kind: str,
    name: str,
    credentials: Mapping[str, str],
    test_mode: bool,
    active: bool,
    capture: str,
    actor: Actor,
    now: datetime,
) -> GatewayAccount:
    """Add an account (account_id None) or change one. Credentials left empty stay as they are.

    Raises Invalid for a missing credential, a name that is taken, a live key in test mode or the other way round.
    """
    with transaction.atomic():
        if account_id is None:
            account = GatewayAccount(kind=kind, webhook_token=new_webhook_token(), created_at=now)
            known: dict[str, str] = {}
        else:
            found = GatewayAccount.objects.select_for_update(no_key=True).filter(pk=account_id).first()
            if found is None:
                raise NotFound("no_such_gateway", _("There is no such account."))
            account, known = found, json.loads(unseal(found.credentials, purpose=_PURPOSE))
        if GatewayAccount.objects.filter(name=name).exclude(pk=account.pk).exists():
            raise Invalid("name_taken", _("Another account has this name."), field="name")
        given = {field: credentials[field].strip() for field in CREDENTIALS[account.kind] if credentials.get(field)}
        known |= given
        _check_credentials(account.kind, known, test_mode=test_mode)
        before = (account.active, account.test_mode, account.capture)
        account.name, account.test_mode, account.active, account.capture = name, test_mode, active, capture
        account.credentials = seal(json.dumps(known), purpose=_PURPOSE)
        if given:
            account.tested_at, account.test_answer = None, ""
        account.save()
        kind_of_change = "gateway.added" if account_id is None else "gateway.changed"
        changed = before != (active, test_mode, capture)
        record(
            account.subject, kind_of_change, actor=actor, at=now, name=name, active=active, test_mode=test_mode,
            capture=capture, credentials=sorted(given), settings=changed,
        )  # fmt: skip
        return account


def _check_credentials(kind: str, known: Mapping[str, str], *, test_mode: bool) -> None:
    for field in CREDENTIALS[kind]:
        if not known.get(field) and field not in ("webhook_secret", "webhook_id"):
            raise Invalid("missing", _("This is needed."), field=field)
    key = known.get("api_key", "")
    if kind == GatewayKind.STRIPE:
        if not key.startswith(("sk_", "rk_")):
            raise Invalid("bad_key", _("A secret key of Stripe begins with sk_ or rk_."), field="api_key")
        if ("_live_" in key) == test_mode:
            message = _("This is a live key.") if test_mode else _("This is a test key; switch test mode on.")
            raise Invalid("wrong_mode", message, field="api_key")


def check_account(*, account_id: int, now: datetime) -> str:
    """Ask the gateway something harmless; empty when it answered well, else what it said. Not inside a transaction."""
    account = GatewayAccount.objects.get(pk=account_id)
    try:
        gateway_of(account).check()
        answer = ""
    except Refused as refusal:
        answer = refusal.text or refusal.code
    except Unknown as error:
        answer = str(error) or _("No answer.")
    GatewayAccount.objects.filter(pk=account_id).update(tested_at=now, test_answer=answer[:200])
    return answer
