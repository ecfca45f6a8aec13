"""Everything that may happen to a draft. Each act is one transaction that locks the draft before anything else."""

from drafts.operations.completing import PaidInPerson, complete_draft
from drafts.operations.composing import (
    LineEdit,
    NewLine,
    begin_draft,
    duplicate_draft,
    edit_draft,
    end_draft,
    take_customer,
)
from drafts.operations.holding import hold_stock, release_stock
from drafts.operations.sending import send_draft

__all__ = [
    "LineEdit",
    "NewLine",
    "PaidInPerson",
    "begin_draft",
    "complete_draft",
    "duplicate_draft",
    "edit_draft",
    "end_draft",
    "hold_stock",
    "release_stock",
    "send_draft",
    "take_customer",
]
