"""What is read about returns: what may still come back, where it should go, and what it is worth."""

from returns.queries.amounts import LineWorth, line_worths, most_refundable, proposed_refund
from returns.queries.places import nearest_location
from returns.queries.returnable import ReturnableLine, ReturnWindow, return_window, returnable_lines

__all__ = [
    "LineWorth",
    "ReturnWindow",
    "ReturnableLine",
    "line_worths",
    "most_refundable",
    "nearest_location",
    "proposed_refund",
    "return_window",
    "returnable_lines",
]
