"""Which lines wait for which incoming goods, what was promised for them, and in what order they are filled."""
