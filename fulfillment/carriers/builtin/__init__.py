"""The built-in carrier: labels, numbers and rates of our own, so that a shop ships from the first minute."""

from __future__ import annotations

from .carrier import BuiltinCarrier

__all__ = ["BuiltinCarrier"]
