"""Customers are known by their e-mail address."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.bulk import to_json
from core.refusals import NotFound
from core.timeline import record
from customers.models import Customer

#: What people may change of a customer; the e-mail address is who they are.
CHANGEABLE = frozenset({"name", "phone", "language", "accepts_marketing", "note", "priority"})

#: e-mail → (name, phone, language, accepts marketing, address as JSON)
Contact = tuple[str, str, str, bool, dict[str, str]]

_INSERT = """
    INSERT INTO customers_customer (email, name, phone, language, accepts_marketing, address, note)
    SELECT *, '' FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bool[], %s::jsonb[])
        ON CONFLICT (email) WHERE email IS NOT NULL DO NOTHING RETURNING email, id
"""


def clean_email(email: str) -> str:
    """The form in which an e-mail address identifies a customer: trimmed and lower case."""
    return email.strip().lower()


def ensure_customers(contacts: Mapping[str, Contact]) -> dict[str, int]:
    """The ids of the customers with these (cleaned) addresses; those that are new are created. Two SQL statements, three in a race.

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
            found |= dict(cursor.fetchall())
        if faster := [email for email in new if email not in found]:  # somebody else inserted them just now
            found |= dict(Customer.objects.filter(email__in=faster).values_list("email", "id"))
    return found


def change_customer(*, customer_id: int, changes: Mapping[str, Any], actor: Actor, now: datetime) -> Customer:
    """Change what is known of a customer (name, phone, language, accepts_marketing, note, priority); each difference goes into the history.

    Orders keep what was said at purchase. Raises NotFound.
    """
    with transaction.atomic():
        customer = Customer.objects.select_for_update().filter(pk=customer_id).first()
        if customer is None:
            raise NotFound("no_such_customer", _("There is no such customer."))
        differences = {
            name: [getattr(customer, name), value]
            for name, value in changes.items()
            if getattr(customer, name) != value
        }
        for name, value in changes.items():
            if name not in CHANGEABLE:
                raise LookupError(f"{name!r} of a customer cannot be changed")
            setattr(customer, name, value)
        if differences:
            customer.save(update_fields=sorted(differences))
            record(f"customer:{customer.pk}", "customer.changed", actor=actor, at=now, changes=differences)
    return customer
