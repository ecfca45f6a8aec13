"""Pages of channels and imports."""
