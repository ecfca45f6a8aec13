"""Cost every movement of stock that waits for it: once after costs were switched on for a shop that has stock, or after a pause."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from purchasing.operations import cost_everything


class Command(BaseCommand):
    help = "Cost every on-hand movement that is not costed yet. Safe to run twice and beside the workers."

    def handle(self, *args: Any, **options: Any) -> None:
        written = cost_everything(now=timezone.now())
        self.stdout.write(f"{written} entries written.")
