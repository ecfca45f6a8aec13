"""Delivery dates: calendars and lanes as a book that each process keeps compiled, who changes them, and what they came to."""
