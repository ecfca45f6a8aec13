"""Money through gateways: what is asked of them, what they answered, and what a customer has to his credit."""
