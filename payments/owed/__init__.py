"""The lists of what is owed in either direction, of store credit, of manual methods and of statement lines: columns, filters, forms."""
