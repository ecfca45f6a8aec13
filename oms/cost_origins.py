"""From a return to the sale that its units left with: what purchasing cannot know, told to it at start-up."""

from __future__ import annotations

from collections.abc import Sequence

from fulfillment.models import FulfillmentOrder
from returns.models import Return


def sale_of(cause: str) -> tuple[str, Sequence[str]] | None:
    """("order:12", causes of the ledger rows by which it shipped) for the cause of a return, else None."""
    kind, _colon, key = cause.partition(":")
    if kind != "return" or not key.isdigit():
        return None
    order_id = Return.objects.filter(pk=int(key)).values_list("order_id", flat=True).first()
    if order_id is None:
        return None
    work = FulfillmentOrder.objects.filter(order_id=order_id).values_list("pk", flat=True)
    return f"order:{order_id}", [f"order:{order_id}", *(f"fulfillment:{pk}" for pk in work)]
