"""Writes of availability."""
