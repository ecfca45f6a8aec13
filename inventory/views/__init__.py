"""The pages of products, stock and locations."""
