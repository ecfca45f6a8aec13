"""Every write to counts."""

from counts.operations.counting import Counted, close_bin, note_unknown_code, record_line, record_lines
from counts.operations.creating import create_count, create_counts
from counts.operations.finishing import abandon_count, finish_count, reopen_count
from counts.operations.posting import CannotPost, post_count

__all__ = [
    "CannotPost",
    "Counted",
    "abandon_count",
    "close_bin",
    "create_count",
    "create_counts",
    "finish_count",
    "note_unknown_code",
    "post_count",
    "record_line",
    "record_lines",
    "reopen_count",
]
