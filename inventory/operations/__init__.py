"""Every write to stock. Nothing else changes a level, a movement or a reservation."""

from inventory.operations.adjusting import adjust_stock
from inventory.operations.levels import Level, Move, apply_moves, lock_levels
from inventory.operations.reservations import Claim, NotEnoughStock, release, reserve, ship

__all__ = [
    "Claim",
    "Level",
    "Move",
    "NotEnoughStock",
    "adjust_stock",
    "apply_moves",
    "lock_levels",
    "release",
    "reserve",
    "ship",
]
