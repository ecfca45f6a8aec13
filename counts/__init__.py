"""Stock counts: what is really there."""
