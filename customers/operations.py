"""Customers are known by their e-mail address."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection

from core.bulk import to_json
from customers.models import Customer

#: e-mail → (name, phone, language, accepts marketing, address as JSON)
Contact = tuple[str, str, str, bool, dict[str, str]]

_INSERT = """
    INSERT INTO customers_customer (email, name, phone, language, accepts_marketing, address, note)
    SELECT *, '' FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bool[], %s::jsonb[])
        ON CONFLICT (email) WHERE email IS NOT NULL DO NOTHING
"""


def clean_email(email: str) -> str:
    """The form in which an e-mail address identifies a customer: trimmed and lower case."""
    return email.strip().lower()


def ensure_customers(contacts: Mapping[str, Contact]) -> dict[str, int]:
    """The ids of the customers with these (cleaned) addresses; those that are new are created. One or two SQL statements.

    Addresses are inserted in alphabetical order, so that concurrent batches wait for each other and never deadlock.
    """
    emails = sorted(contacts)
    if not emails:
        return {}
    found = dict(Customer.objects.filter(email__in=emails).values_list("email", "id"))
    new = [email for email in emails if email not in found]
    if new:
        rows = [(email, *contacts[email][:4], to_json(contacts[email][4])) for email in new]
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, [list(column) for column in zip(*rows, strict=True)])
        found |= dict(Customer.objects.filter(email__in=new).values_list("email", "id"))
    return found
