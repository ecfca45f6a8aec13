"""Papers of stock: functions from plain values to bytes, without database, clock or network."""
