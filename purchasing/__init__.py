"""What is bought: suppliers, purchase orders, what goods cost."""
