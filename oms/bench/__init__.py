"""Measure what operations cost in CPU time, beside the same work in plain SQL. `./run bench` starts it on servers of its own."""
