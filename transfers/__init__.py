"""Stock on its way between our own locations."""
