"""Invoices, credit notes and pro formas: numbered without gaps, never changed once issued."""
