"""manage.py rebuild_figures: make every day's figures anew from the orders."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from reports.operations import mark_every_day, refresh_figures


class Command(BaseCommand):
    """All days, after data came in past the application or when in doubt."""

    help = "Make the figures of every day anew from the orders."

    def handle(self, *args: Any, **options: Any) -> None:
        mark_every_day()
        made = 0
        while count := refresh_figures():
            made += count
        self.stdout.write(f"{made} days")
