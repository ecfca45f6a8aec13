"""Prove from the ledger that stock is right."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from inventory.models import Reservation, StockLevel, StockMovement
from inventory.operations.auditing import CHECKS, audit_stock


class Command(BaseCommand):
    help = "Check that every stock level is the sum of its ledger and reserved is the sum of reservations. Exits 1 on any breach."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the findings as JSON")
        parser.add_argument("--limit", type=int, default=1000, help="findings per check (default 1000)")

    def handle(self, *args: Any, **options: Any) -> None:
        breaches = audit_stock(limit=options["limit"])
        counts = {
            "levels": StockLevel.objects.count(),
            "movements": StockMovement.objects.count(),
            "open_reservations": Reservation.objects.filter(quantity__gt=0).count(),
        }
        if options["json"]:
            report = {"ok": not breaches, "checks": list(CHECKS), **counts, "breaches": [b.as_json() for b in breaches]}
            self.stdout.write(json.dumps(report, indent=2, ensure_ascii=False))
        else:
            for b in breaches:
                self.stdout.write(
                    f"{b.check}: {b.sku} at {b.location}: {b.bucket} is {b.found}, should be {b.expected}"
                )
            self.stdout.write(f"{counts['levels']} levels, {counts['movements']} movements, {len(breaches)} breaches")
        if breaches:
            sys.exit(1)
