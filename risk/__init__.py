"""What is suspicious about an order or its address, with the reasons counted up."""
