"""What the orders list does with many orders at once."""

from __future__ import annotations

import secrets
from datetime import date, datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from core.actors import Actor
from core.models import User
from core.outcomes import BulkOutcome
from core.refusals import Refusal
from fulfillment.models import DocumentKind, FulfillmentOrder
from fulfillment.states import FULFILLMENT_MACHINE
from invoicing.jobs import start_issuing
from oms.bulk import act_on_orders
from orders.models import Order

#: The most orders one act takes.
MOST = 10_000


def _ids(targets: QuerySet[Order]) -> list[int]:
    return list(targets.order_by("placed_at", "id").values_list("pk", flat=True))


def hold(
    targets: QuerySet[Order], *, kind: str, reason: str, until: datetime | None, owner: User | None = None, actor: Actor, now: datetime
) -> BulkOutcome:  # fmt: skip
    """Place the same hold on each."""
    params = {
        "kind": kind,
        "reason": reason,
        "until": until.isoformat() if until else None,
        "owner": owner.pk if owner else None,
    }
    return act_on_orders("hold", _ids(targets), params, actor=actor, now=now)


def release(targets: QuerySet[Order], *, kinds: list[str], actor: Actor, now: datetime) -> BulkOutcome:
    """Release the holds of some kinds of each, or all of them."""
    return act_on_orders("release", _ids(targets), {"kinds": kinds}, actor=actor, now=now)


def cancel(targets: QuerySet[Order], *, reason: str, actor: Actor, now: datetime) -> BulkOutcome:
    """Cancel all that can be of each."""
    return act_on_orders("cancel", _ids(targets), {"reason": reason}, actor=actor, now=now)


def tag(targets: QuerySet[Order], *, add: list[str], remove: list[str], actor: Actor, now: datetime) -> BulkOutcome:
    """Add and remove the same tags on each."""
    return act_on_orders("tag", _ids(targets), {"add": add, "remove": remove}, actor=actor, now=now)


def note(targets: QuerySet[Order], *, text: str, actor: Actor, now: datetime) -> BulkOutcome:
    """Write the same note on each."""
    return act_on_orders("note", _ids(targets), {"text": text, "author": int(actor.key)}, actor=actor, now=now)


def assign(targets: QuerySet[Order], *, person: User | None, actor: Actor, now: datetime) -> BulkOutcome:
    """Give each to the same person to work on."""
    return act_on_orders("assign", _ids(targets), {"person": person.pk if person else None}, actor=actor, now=now)


def archive(targets: QuerySet[Order], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Put each away."""
    return act_on_orders("archive", _ids(targets), {"archived": True}, actor=actor, now=now)


def unarchive(targets: QuerySet[Order], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Take each out of the archive."""
    return act_on_orders("archive", _ids(targets), {"archived": False}, actor=actor, now=now)


def edit(targets: QuerySet[Order], *, method: str, due: date | None, actor: Actor, now: datetime) -> BulkOutcome:
    """Set the shipping method, or the day of payment, of each."""
    if method:
        return act_on_orders("method", _ids(targets), {"method": method}, actor=actor, now=now)
    return act_on_orders("due", _ids(targets), {"due": due.isoformat() if due else None}, actor=actor, now=now)


def route(targets: QuerySet[Order], *, again: bool, actor: Actor, now: datetime) -> BulkOutcome:
    """Route what has no place, or all that is not picked, of each."""
    return act_on_orders("route", _ids(targets), {"again": again}, actor=actor, now=now)


def refund(targets: QuerySet[Order], *, everything: bool, reason: str, actor: Actor, now: datetime) -> BulkOutcome:
    """Pay back what was paid too much, or all, of each, the way it came."""
    params = {"everything": everything, "reason": reason, "key": f"bulk:{secrets.token_urlsafe(12)}"}
    return act_on_orders("refund", _ids(targets), params, actor=actor, now=now)


def invoice(targets: QuerySet[Order], *, mail: bool, actor: Actor, now: datetime) -> BulkOutcome:
    """Issue what each is not invoiced for yet."""
    return BulkOutcome(job=start_issuing(order_ids=_ids(targets), mail=mail, actor=actor, now=now))


def print_both(targets: QuerySet[Order], *, actor: Actor, now: datetime) -> BulkOutcome:
    """One file with label and slip of each work order of the orders; labels that are missing are bought."""
    return print_documents(targets, [DocumentKind.LABEL_PDF, DocumentKind.SLIP_A4], actor=actor, now=now)


def print_labels(targets: QuerySet[Order], *, actor: Actor, now: datetime) -> BulkOutcome:
    """One file with the labels of the orders' work orders."""
    return print_documents(targets, [DocumentKind.LABEL_PDF], actor=actor, now=now)


def print_slips(targets: QuerySet[Order], *, actor: Actor, now: datetime) -> BulkOutcome:
    """One file with the packing slips of the orders' work orders."""
    return print_documents(targets, [DocumentKind.SLIP_A4], actor=actor, now=now)


def print_documents(targets: QuerySet[Order], kinds: list[str], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Start the print job of the orders' work. Refuses when none of them has work that can be printed."""
    from fulfillment.operations.printing import start_print_job

    printable = FULFILLMENT_MACHINE.actions["print"].sources
    ids = list(
        FulfillmentOrder.objects.filter(order__in=targets.order_by().values("pk"), state__in=printable)
        .order_by("ship_by", "id")
        .values_list("pk", flat=True)
    )
    if not ids:
        raise Refusal(
            "nothing_to_print",
            _("None of these orders has work that can be printed: they wait for routing or stock, or have left."),
        )
    return BulkOutcome(job=start_print_job(fulfillment_order_ids=ids, kinds=kinds, actor=actor, now=now))
