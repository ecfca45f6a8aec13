"""A real PostgreSQL and a real Valkey for a machine that has neither: for the demo, the tests and benchmarks.

The server programs come out of Python wheels (or from the machine, see `programs`), listen on unix sockets only and keep
their data in a folder of their own. Production does not use this package: it sets DATABASE_URL and REDIS_URL.
Standard library only, so that it can start before anything else.
"""

from oms.embedded.errors import EmbeddedError
from oms.embedded.guard import Guard
from oms.embedded.postgres import BENCH, DEMO, TEST, Postgres, Profile
from oms.embedded.services import Services
from oms.embedded.valkey import Valkey

__all__ = [
    "BENCH",
    "DEMO",
    "TEST",
    "EmbeddedError",
    "Guard",
    "Postgres",
    "Profile",
    "Services",
    "Valkey",
]
