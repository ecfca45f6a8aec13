"""Reads of purchasing."""

from purchasing.queries.costs import (
    CostOfGoods,
    CostRow,
    StockValue,
    cost_method,
    cost_of_goods_sold,
    stock_value,
    unit_costs,
)
from purchasing.queries.orders import (
    SAME_CURRENCY,
    known_rate,
    landed_costs_of,
    landed_of,
    late,
    mails_about,
    receipts_of,
    with_lines,
)

__all__ = [
    "SAME_CURRENCY",
    "CostOfGoods",
    "CostRow",
    "StockValue",
    "cost_method",
    "cost_of_goods_sold",
    "known_rate",
    "landed_costs_of",
    "landed_of",
    "late",
    "mails_about",
    "receipts_of",
    "stock_value",
    "unit_costs",
    "with_lines",
]
