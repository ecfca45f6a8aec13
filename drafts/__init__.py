"""Orders being composed, until they are placed."""
