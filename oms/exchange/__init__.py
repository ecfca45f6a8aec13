"""Taking out and bringing back: every kind of file of the inventory, its columns, how it is exported and imported."""
