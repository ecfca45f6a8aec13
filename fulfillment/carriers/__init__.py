"""Carriers: one interface (`base`), the register of those in use, and the built-in one.

A real carrier is one more module that implements `base.Carrier` and is registered under its code; nothing else changes.
"""

from __future__ import annotations

from .base import Carrier
from .registry import carrier, register, registered

__all__ = ["Carrier", "carrier", "register", "registered"]
