"""What is done with payments through gateways."""
