"""Ask every invariant of the domain of the data."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from oms.integrity import check_integrity


class Command(BaseCommand):
    help = "Check every invariant (stock, reservations, work orders, money, statuses, histories). Exits 1 on any finding. Reads only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the findings as JSON")
        parser.add_argument("--limit", type=int, default=100, help="findings per check (default 100)")

    def handle(self, *args: Any, **options: Any) -> None:
        checks, findings = check_integrity(limit=options["limit"])
        if options["json"]:
            report = {"ok": not findings, "checks": checks, "findings": [f.as_json() for f in findings]}
            self.stdout.write(json.dumps(report, indent=2, ensure_ascii=False))
        else:
            for finding in findings:
                self.stdout.write(f"{finding.check}: {finding.subject}: {finding.detail}")
            self.stdout.write(f"{len(checks)} checks, {len(findings)} findings")
        if findings:
            sys.exit(1)
