"""The routing engine: which location ships which unit, and why.

Pure functions over plain data: no database, no framework, no clock, no randomness. The same input gives the same plan and
the same receipt, bit for bit. Start reading at ``plan.py``; ``cover.py`` holds the exact search and its proof.
"""

from .explain import TEMPLATES, clauses, sentence
from .filters import FILTERS
from .parameters import Param, RuleError
from .plan import Planner, plan_batch, plan_order
from .rankers import RANKERS
from .types import Allocation, Backorder, Demand, Member, Need, Plan, Rule, RuleSet, Site

__all__ = [
    "FILTERS",
    "RANKERS",
    "TEMPLATES",
    "Allocation",
    "Backorder",
    "Demand",
    "Member",
    "Need",
    "Param",
    "Plan",
    "Planner",
    "Rule",
    "RuleError",
    "RuleSet",
    "Site",
    "clauses",
    "plan_batch",
    "plan_order",
    "sentence",
]
