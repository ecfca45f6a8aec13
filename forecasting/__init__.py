"""What will be asked for: daily demand, models chosen by back-test, and what they say of the days to come."""
