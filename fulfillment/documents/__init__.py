"""Paper: packing slips, pick lists and shipping labels, as PDF and ZPL.

Everything here is a function from frozen dataclasses to bytes: no database, no clock, no network.
`render` is the way in; the other modules are its parts.
"""
