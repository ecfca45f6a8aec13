"""Writes of risk's own tables; oms.orchestration.screening puts them together with holds."""

from risk.operations.assessing import assess_orders, trace_orders
from risk.operations.checking import check_addresses, correct_address, settle_as_is
from risk.operations.rules import add_rule, add_usual_rules, change_rule, change_settings, remove_rule

__all__ = [
    "add_rule",
    "add_usual_rules",
    "assess_orders",
    "change_rule",
    "change_settings",
    "check_addresses",
    "correct_address",
    "remove_rule",
    "settle_as_is",
    "trace_orders",
]
