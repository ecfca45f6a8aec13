"""The customer's own pages: where the parcels are, what is still to come, and sending something back.

A web package: it stands above every app, and nothing but the table of addresses imports it.
"""
