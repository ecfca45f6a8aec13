"""Pages of routing: the rules, editing and trying them, and the receipts of what was decided."""
