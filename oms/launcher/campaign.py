"""`./run campaign`: a stateful test of the suite with many more examples and a seed of one's own."""

from __future__ import annotations

import argparse
import os

#: Campaign → its tests. What they read is in `tests/stock/test_everything_stateful.py`.
CAMPAIGNS = {"stock": "tests/stock/test_everything_stateful.py"}


def parse_options(arguments: list[str]) -> list[str]:
    """The arguments for pytest; sets the variables that the tests read. Exits with a message when the options are wrong."""
    parser = argparse.ArgumentParser(
        prog="./run campaign", description="Random acts, the whole audit after each.", allow_abbrev=False
    )
    parser.add_argument("name", choices=sorted(CAMPAIGNS))
    parser.add_argument("--examples", type=int, default=200, metavar="N", help="sequences one after the other (200)")
    parser.add_argument(
        "--rounds", type=int, default=None, metavar="N", help="rounds of eight threads (a quarter of the examples)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed does the same (1)")
    options = parser.parse_args(arguments)
    if options.examples < 1 or (options.rounds or 1) < 1:
        parser.error("at least one")
    rounds = options.rounds or max(1, options.examples // 4)
    os.environ |= {
        "OMS_CAMPAIGN_EXAMPLES": str(options.examples),
        "OMS_CAMPAIGN_ROUNDS": str(rounds),
        "OMS_CAMPAIGN_SEED": str(options.seed),
    }
    return [CAMPAIGNS[options.name], "-p", "no:xdist", "-s", "-q", "--tb=short"]
