"""When and what to restock: alerts, forecasts, reorder suggestions."""
