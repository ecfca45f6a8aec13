"""localstripe on loopback, brought up to what Stripe's API answers today: what was captured and can be captured, and a capture of a
part that releases the rest without a refund. Run as a process of its own: `python localstripe_server.py PORT`.

localstripe itself listens on every interface, ignores idempotency keys and lets refunds pass that are higher than the charge.
"""

from __future__ import annotations

import sys
from typing import Any

from aiohttp import web
from localstripe import resources, server


def _capture(charge: Any, amount: Any, on_success: Any = None) -> None:
    taken = charge.amount if amount is None else int(amount)
    if charge.captured or charge.status != "succeeded" or not 0 < taken <= charge.amount:
        raise resources.UserError(400, "Bad request")

    def done() -> None:
        charge.captured = True
        charge.amount_captured = taken
        if on_success:
            on_success()

    charge._trigger_payment(on_success=done)


def _received(intent: Any) -> int:
    charge = intent.latest_charge
    if charge is None or charge.status != "succeeded" or not charge.captured:
        return 0
    return int(getattr(charge, "amount_captured", charge.amount))


resources.Charge._capture = _capture
resources.PaymentIntent.amount_received = property(_received)

if __name__ == "__main__":
    web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
