"""One act on many orders: what can be done, how it is run, and how it is undone."""

from oms.bulk.running import act_on_orders
from oms.bulk.undoing import undo_change

__all__ = ["act_on_orders", "undo_change"]
