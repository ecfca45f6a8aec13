"""Writes of exchange rates."""

from currencies.operations.fetching import fetch_rates
from currencies.operations.saving import delete_rate, save_rate, take_rates

__all__ = ["delete_rate", "fetch_rates", "save_rate", "take_rates"]
