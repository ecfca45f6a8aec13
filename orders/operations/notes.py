"""Notes and tags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.models import User
from core.outcomes import BulkOutcome
from core.refusals import Invalid
from core.timeline import record
from orders.models import Note, Order
from orders.operations.refreshing import lock_order

MOST_TAGS = 20


def add_note(*, order_id: int, text: str, user: User, now: datetime) -> Note:
    """Write a note on an order. Raises Invalid for an empty or overlong one."""
    text = text.replace("\x00", "").strip()
    if not text or len(text) > 4000:
        raise Invalid("bad_note", _("A note has 1 to 4,000 characters."), field="text")
    with transaction.atomic():
        order = lock_order(order_id)
        note = Note.objects.create(
            order=order, author=user, author_label=Actor.user(user).label[:120], text=text, at=now
        )
        record(order.subject, "note.added", actor=Actor.user(user), at=now, note=note.pk)
    return note


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Trimmed, without repeats, in order. Raises Invalid for one that is too long."""
    cleaned = list(dict.fromkeys(" ".join(tag.replace("\x00", "").split()) for tag in tags if tag.strip()))
    if any(len(tag) > 40 for tag in cleaned) or len(cleaned) > MOST_TAGS:
        raise Invalid("bad_tag", _("A tag has at most 40 characters, and an order at most 20 tags."), field="tags")
    return cleaned


def change_tags(
    *, order_ids: Sequence[int], add: Iterable[str] = (), remove: Iterable[str] = (), actor: Actor, now: datetime
) -> BulkOutcome:
    """Add and remove tags of many orders; one transaction each."""
    add, remove = clean_tags(add), set(clean_tags(remove))
    done: list[int] = []
    refused: list[tuple[str, str]] = []
    for order_id in order_ids:
        with transaction.atomic():
            order = lock_order(order_id)
            tags = [tag for tag in dict.fromkeys([*order.tags, *add]) if tag not in remove]
            if len(tags) > MOST_TAGS:
                refused.append((order.number, _("It has too many tags already.")))
                continue
            if tags != order.tags:
                added = [tag for tag in tags if tag not in order.tags]
                removed = [tag for tag in order.tags if tag not in tags]
                Order.objects.filter(pk=order.pk).update(tags=tags, updated_at=now, version=order.version + 1)
                record(order.subject, "order.tagged", actor=actor, at=now, added=added, removed=removed)
            done.append(order.pk)
    return BulkOutcome(done=done, refused=refused)
