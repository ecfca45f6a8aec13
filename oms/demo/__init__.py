"""A demo shop: invented goods, places and shoppers, made through the product's own operations."""
