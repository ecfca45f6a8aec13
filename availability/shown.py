"""How many units a channel is shown, and why: plain data in, a receipt out. No clock, no database, no floats.

The steps, always in this order:

1. ``pool``: for each component the units that the locations of the pool can promise; a location that is below zero gives nothing.
2. ``bundle`` (bundles only): the smallest of floor(units of a component / units of it in one bundle).
3. ``buffer``: units withheld from the channel; never more than there are. A percentage and days of sales round up.
4. ``budget``: while it is open, units above what there is, less those that the channel has back-ordered already.
5. ``maximum``: not more than this is shown.
6. ``never`` and ``inactive``: nothing is shown.

A receipt is made of JSON types only, and `replay` works the number out of its steps again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any, NamedTuple

Receipt = dict[str, Any]
#: Days over which the mean of daily sales is taken.
SALES_DAYS = 28
_WHOLE = Decimal(1)


class Part(NamedTuple):
    """A component with `quantity` units in what is sold (a plain SKU is its own only part, one unit).

    locations: (location id, units that can be promised there) of the pool; below zero counts as nothing.
    """

    variant_id: int
    quantity: int
    locations: tuple[tuple[int, int], ...]

    @property
    def available(self) -> int:
        """Units that the pool can promise."""
        return sum(max(0, units) for _location, units in self.locations)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a rule says. buffer: none, units, percent (0 to 100) or days (of sales), with its value; maximum None: no limit.

    budget: units that may be shown above what there is, already known to be open (0 when its end date has passed).
    """

    buffer: str = "none"
    value: Decimal = Decimal(0)
    maximum: int | None = None
    budget: int = 0
    never: bool = False


NO_TERMS = Terms()


@dataclass(frozen=True, slots=True)
class Demand:
    """What the channel itself did: units sold in the last 28 days, units back-ordered now."""

    sold: int = 0
    backordered: int = 0


NO_DEMAND = Demand()


def withheld_by(terms: Terms, available: int, sold: int) -> int:
    """Units that the buffer keeps back, from 0 to `available`."""
    if terms.buffer == "units":
        wanted = terms.value
    elif terms.buffer == "percent":
        wanted = available * terms.value / 100
    elif terms.buffer == "days":
        wanted = terms.value * sold / SALES_DAYS
    else:
        return 0
    return max(0, min(available, int(wanted.quantize(_WHOLE, rounding=ROUND_CEILING))))


def shown(
    parts: Sequence[Part], terms: Terms = NO_TERMS, demand: Demand = NO_DEMAND, *, active: bool = True
) -> Receipt:
    """The receipt of one SKU on one channel; its number stands under ``shown``.

    parts: the SKU itself, or the components of a bundle (none: nothing is shown). Raises ValueError for a quantity below one.
    """
    if any(part.quantity < 1 for part in parts):
        raise ValueError("a bundle holds at least one unit of each component")
    steps: list[dict[str, Any]] = [
        {"step": "pool", "variant": part.variant_id, "quantity": part.quantity, "available": part.available,
         "fits": part.available // part.quantity, "locations": [list(place) for place in part.locations if place[1] > 0]}
        for part in parts
    ]  # fmt: skip
    fits = [step["fits"] for step in steps]
    number = available = min(fits, default=0)
    if len(parts) != 1 or parts[0].quantity != 1:
        limiting = steps[fits.index(available)]["variant"] if steps else None
        steps.append({"step": "bundle", "limited_by": limiting, "left": number})
    withheld = withheld_by(terms, available, demand.sold)
    if terms.buffer != "none":
        number -= withheld
        steps.append({"step": "buffer", "kind": terms.buffer, "value": format(terms.value.normalize(), "f"), "sold": demand.sold,
                      "withheld": withheld, "left": number})  # fmt: skip
    open_units = max(0, terms.budget - demand.backordered)
    if terms.budget:
        number += open_units
        steps.append({"step": "budget", "budget": terms.budget, "backordered": demand.backordered, "open": open_units, "left": number})  # fmt: skip
    if terms.maximum is not None and terms.maximum < number:
        number = terms.maximum
        steps.append({"step": "maximum", "maximum": terms.maximum, "left": number})
    if terms.never and number:
        steps.append({"step": "never", "left": 0})
        number = 0
    if not active and number:
        steps.append({"step": "inactive", "left": 0})
        number = 0
    return {"shown": number, "available": available, "withheld": withheld, "extra": open_units if terms.budget else 0,
            "oversold": max(0, number - available), "reason": _reason(number, steps, available), "steps": steps}  # fmt: skip


def _reason(number: int, steps: Sequence[dict[str, Any]], available: int) -> str:
    """The step that had the last word."""
    last = steps[-1]["step"] if steps else "pool"
    if last in ("maximum", "never", "inactive"):
        return last
    if number > available:
        return "budget"
    if number < available:
        return "buffer"
    return "stock" if number else "sold_out"


def replay(receipt: Receipt) -> int:
    """The number that the steps of a receipt give, worked out anew from what each of them says it took or gave."""
    fits, number = [], 0
    for step in receipt["steps"]:
        kind = step["step"]
        if kind == "pool":
            fits.append(sum(units for _location, units in step["locations"]) // step["quantity"])
            number = min(fits)
        elif kind == "buffer":
            number -= step["withheld"]
        elif kind == "budget":
            number += max(0, step["budget"] - step["backordered"])
        elif kind == "maximum":
            number = min(number, step["maximum"])
        elif kind in ("never", "inactive"):
            number = 0
    return number
