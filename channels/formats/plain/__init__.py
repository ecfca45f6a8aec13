"""Readers of plain files, with columns of our own: they belong to no shop software."""
