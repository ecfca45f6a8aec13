"""Every write to nonconformances."""

from quality.operations.opening import adopt_rest, open_nonconformance
from quality.operations.photos import Picture, add_photos, check_picture
from quality.operations.reasons import find_reason, save_reason
from quality.operations.resolving import resolve_nonconformance

__all__ = [
    "Picture",
    "add_photos",
    "adopt_rest",
    "check_picture",
    "find_reason",
    "open_nonconformance",
    "resolve_nonconformance",
    "save_reason",
]
