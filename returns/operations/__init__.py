"""Every move in the life of a return. Each locks its order, then the return, then (where goods move) the stock levels."""

from returns.operations.asking import LineRequest, cancel_return, request_return
from returns.operations.deciding import approve_return, decline_return
from returns.operations.goods import (
    Received,
    Verdict,
    finish_inspection,
    inspect_return,
    keep_goods,
    receive_return,
)
from returns.operations.labels import create_return_label, create_waiting_labels
from returns.operations.parcels import follow_return_parcels, mark_in_transit
from returns.operations.resolving import prepare_resolving, resolve_return

__all__ = [
    "LineRequest",
    "Received",
    "Verdict",
    "approve_return",
    "cancel_return",
    "create_return_label",
    "create_waiting_labels",
    "decline_return",
    "finish_inspection",
    "follow_return_parcels",
    "inspect_return",
    "keep_goods",
    "mark_in_transit",
    "prepare_resolving",
    "receive_return",
    "request_return",
    "resolve_return",
]
