"""What an order's page shows of risk: the score with its reasons, and an address that is not in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.addresses import Address
from core.models import User
from orders.models import Order
from orders.panels import Panel, register
from orders.states import Lifecycle
from risk.models import AddressCheck, RiskAssessment
from risk.states import Level
from risk.telling import tell_findings, tell_problems


def _risk(order: Order, user: User) -> Mapping[str, Any]:
    found = RiskAssessment.objects.get(order=order)
    undecided = found.level != Level.LOW and not found.decision and order.lifecycle == Lifecycle.OPEN
    return {
        "found": found,
        "findings": tell_findings(found.findings),
        "may_decide": undecided and user.can("risk.edit"),
        "may_check": order.lifecycle == Lifecycle.OPEN and user.can("risk.edit"),
    }


def _address(order: Order, user: User) -> Mapping[str, Any]:
    check = AddressCheck.objects.get(order=order)
    may = order.lifecycle == Lifecycle.OPEN and user.can("orders.edit")
    return {
        "check": check,
        "problems": tell_problems(check.problems),
        "suggestion": Address.from_json(check.suggestion).lines() if check.suggestion else [],
        "may_accept": may and bool(check.suggestion),
        "may_ship": may and not check.settled,
    }


def _came_alive(order: Order) -> bool:
    return not order.historic


register(
    Panel(
        "address",
        "risk/address_panel.html",
        "risk.view",
        _address,
        "SELECT 1 FROM risk_addresscheck WHERE order_id = %(order)s AND state <> 'ok'",
        applies=_came_alive,
        aside=True,
    )
)
register(
    Panel(
        "risk",
        "risk/order_panel.html",
        "risk.view",
        _risk,
        "SELECT 1 FROM risk_riskassessment WHERE order_id = %(order)s AND (score > 0 OR decision <> '')",
        applies=_came_alive,
        aside=True,
    )
)
