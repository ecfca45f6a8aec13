"""Prove from the ledger and the documents that stock is right, and put right what is not, when told."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from inventory.models import Reservation, StockLevel, StockMovement
from oms.auditing import CHECKS, REPAIRS, audit_everything, repair


class Command(BaseCommand):
    help = (
        "Check every bucket, reservation, lot, serial number, bundle, snapshot, transfer, purchase order, count and nonconformance against "
        "the ledger. Exits 1 on any breach. With --repair CHECK it shows what it would do, and with --yes does it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the findings as JSON")
        parser.add_argument("--limit", type=int, default=1000, help="findings per check (default 1000)")
        parser.add_argument(
            "--repair", choices=list(REPAIRS), metavar="CHECK", help="show the repair of what this check finds"
        )
        parser.add_argument("--yes", action="store_true", help="and do it")
        parser.add_argument("--checks", action="store_true", help="list the checks with their repairs")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["checks"]:
            for name, how in REPAIRS.items():
                self.stdout.write(f"{name}: {how.says}")
            return
        if options["repair"]:
            self._repair(options["repair"], apply=options["yes"], limit=options["limit"], as_json=options["json"])
            return
        found = audit_everything(limit=options["limit"])
        counts = {
            "levels": StockLevel.objects.count(),
            "movements": StockMovement.objects.count(),
            "open_reservations": Reservation.objects.filter(quantity__gt=0).count(),
        }
        if options["json"]:
            report = {"ok": not found, "checks": list(CHECKS), **counts, "breaches": [f.as_json() for f in found]}
            self.stdout.write(json.dumps(report, indent=2, ensure_ascii=False))
        else:
            for f in found:
                self.stdout.write(f"{f.check}: {f.where}: {f.told}. {f.repair}")
            self.stdout.write(f"{counts['levels']} levels, {counts['movements']} movements, {len(found)} breaches")
        if found:
            sys.exit(1)

    def _repair(self, check: str, *, apply: bool, limit: int, as_json: bool) -> None:
        """Exits 1 when something of it is (or would be) left as it is."""
        outcomes = repair(check, now=timezone.now(), apply=apply, limit=limit)
        left = sum(1 for _finding, done, why_not in outcomes if why_not)
        if as_json:
            rows = [{**f.as_json(), "done": done, "why_not": why_not} for f, done, why_not in outcomes]
            self.stdout.write(
                json.dumps({"applied": apply, "check": check, "repairs": rows}, indent=2, ensure_ascii=False)
            )
        else:
            for finding, done, why_not in outcomes:
                self.stdout.write(f"{finding.where}: {finding.told}")
                for sentence in done:
                    self.stdout.write(f"  {'done' if apply else 'would do'}: {sentence}")
                if why_not:
                    self.stdout.write(f"  not done: {why_not}")
            hint = "" if apply or not outcomes else "; nothing is changed yet, say --yes to do it"
            self.stdout.write(f"{len(outcomes)} findings, {left} left{hint}")
        if left:
            sys.exit(1)
