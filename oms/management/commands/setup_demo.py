"""Make the installation ready in one process: tables, demo shop, static files."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from django.utils import timezone

from core.permissions import Role
from oms.demo.catalog import PASSWORD
from oms.demo.seed import seed_demo
from orders.models import Order


class Command(BaseCommand):
    help = "Migrate, load the demo shop if the database is empty, collect static files; prints logins and a customer's link."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--orders", type=int, default=240, help="orders of the demo shop (default 240)")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demo shop is not for production: OMS_ENV is 'production'.")
        if not 1 <= options["orders"] <= 200_000:
            raise CommandError("--orders lies between 1 and 200,000.")
        call_command("migrate", verbosity=0)
        seed_demo(orders=options["orders"], now=timezone.now())
        call_command("collectstatic", interactive=False, verbosity=0)
        self._say_how_to_enter()

    def _say_how_to_enter(self) -> None:
        url = settings.PUBLIC_URL
        self.stdout.write(f"\n  Dashboard        {url}/\n  Logins           password {PASSWORD} for each of:")
        self.stdout.write("                   " + ", ".join(role.value for role in Role))
        order = (
            Order.objects.filter(parcels__gt=0, historic=False).order_by("-placed_at").first() or Order.objects.first()
        )
        if order:
            self.stdout.write(f"  Customer's link  {url}{reverse('tracking', args=[order.token])}  ({order.number})")
        self.stdout.write(f"  API              {url}/api/v1/docs\n")
