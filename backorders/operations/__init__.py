"""Writes of what is promised, and the settings of how goods are shared out."""

from backorders.operations.promising import recompute, recompute_all
from backorders.operations.settings import filling_settings, save_settings

__all__ = ["filling_settings", "recompute", "recompute_all", "save_settings"]
