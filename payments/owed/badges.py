"""How ages of receivables, statement lines and entries of store credit look."""

from __future__ import annotations

from core.badges import register
from payments.models import Certainty, CreditKind, StatementState
from payments.receivables import BUCKETS

_AGES = ("ok", "neutral", "warn", "warn", "bad")
register("receivable.age", {bucket.name: (tone, bucket.label) for bucket, tone in zip(BUCKETS, _AGES, strict=True)})
_STATES = {"open": "warn", "recorded": "ok", "ignored": "neutral"}
register("statement.state", {state.value: (_STATES[state.value], state.label) for state in StatementState})
_CERTAINTIES = {"exact": "ok", "number": "info", "amount": "warn", "none": "neutral"}
register("statement.certainty", {one.value: (_CERTAINTIES[one.value], one.label) for one in Certainty})
_KINDS = {"grant": "ok", "refund": "info", "spend": "neutral", "withdraw": "warn", "expire": "neutral"}
register("credit.kind", {kind.value: (_KINDS[kind.value], kind.label) for kind in CreditKind})
