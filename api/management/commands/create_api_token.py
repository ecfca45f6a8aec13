"""Make a bearer token for the API."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from api.tokens import create_token
from core.actors import Actor
from core.permissions import Role
from core.shop import note_new_token


class Command(BaseCommand):
    help = "Create an API token and print it once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what uses it")
        parser.add_argument("--role", required=True, choices=Role.values)

    def handle(self, *args: Any, **options: Any) -> None:
        token, secret = create_token(name=options["name"], role=options["role"])
        note_new_token(token, actor=Actor.system("command line"), now=timezone.now())
        self.stdout.write(secret)
