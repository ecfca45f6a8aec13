"""Proof from the ledger: levels are the sums of their movements, reserved is the sum of open reservations, nothing is oversold, the
units of a variant that is followed are all told apart, and snapshots say what the ledger says.

`checks` has what is asked, `findings` how an answer reads, `tracing` from which row on a sum is wrong, `repairing` what can be put right
here. What documents of higher apps say of stock is asked in `oms.auditing`, which collects all of it.
"""

from inventory.operations.auditing.checks import CHECKS
from inventory.operations.auditing.findings import Finding, find

#: One level that breaks an invariant.
Breach = Finding


def audit_stock(*, limit: int = 1000) -> list[Finding]:
    """Everything that breaks an invariant of stock itself, the first `limit` of each; reads only."""
    return [finding for name, statement in CHECKS.items() for finding in find(name, statement, limit=limit)]


__all__ = ["CHECKS", "Breach", "Finding", "audit_stock", "find"]
