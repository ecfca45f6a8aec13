"""Why an order that was wanted whole is not placed, in the lines and units in which it was asked for."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from oms.orchestration.requests import Refused, Short, shortage_message
from routing.engine.types import Plan

if TYPE_CHECKING:
    from oms.orchestration.place_order import Draft


def refusal_of(draft: Draft, plan: Plan) -> Refused:
    """Why an order that was wanted whole is not placed: each line that is short, in the order and the units in which it was asked for."""
    missing: dict[int, int] = defaultdict(int)
    at = {line_id: n for n, line_id in enumerate(draft.line_ids)}
    for line_id, _variant, units in plan.backorders:
        missing[at[line_id]] = units
    groups = {n: (group, per) for group in draft.groups for n, per in group.parts}
    short: dict[int, Short] = {}
    for n, units in sorted(missing.items()):
        position = draft.origins[n] if draft.origins else n
        if n in groups:
            group, per = groups[n]
            sets = max(-(-units // per), group.quantity - short[position].promised if position in short else 0)
            short[position] = Short(position, group.sku, group.quantity, group.quantity - sets)
        else:
            line = draft.request.lines[n]
            short[position] = Short(position, line.sku, line.quantity, line.quantity - units)
    told = tuple(short.values())
    return Refused(
        "not_enough_stock", " ".join(map(shortage_message, told)), f"lines[{told[0].position}].quantity", told[0].position, told
    )  # fmt: skip
