"""Everything that may happen to a transfer. Each act is one transaction that locks the transfer, then its stock levels."""

from transfers.operations.arriving import Arrived, receive_counted, receive_transfer, undo_arrival
from transfers.operations.counting import Counted, clear_counts, count_scanned, set_counts
from transfers.operations.drafting import NewTransfer, create_transfer, create_transfers, edit_transfer, find_variants
from transfers.operations.leaving import (
    NotEnoughAtOrigin,
    cancel_transfer,
    dispatch_transfer,
    make_ready,
    revise_transfer,
)
from transfers.operations.settling import Settled, find_again, settle_missing

__all__ = [
    "Arrived",
    "Counted",
    "NewTransfer",
    "NotEnoughAtOrigin",
    "Settled",
    "cancel_transfer",
    "clear_counts",
    "count_scanned",
    "create_transfer",
    "create_transfers",
    "dispatch_transfer",
    "edit_transfer",
    "find_again",
    "find_variants",
    "make_ready",
    "receive_counted",
    "receive_transfer",
    "revise_transfer",
    "set_counts",
    "settle_missing",
    "undo_arrival",
]
