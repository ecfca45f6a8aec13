"""Notes and tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext as _

from core.actors import Actor
from core.mail import queue_mail
from core.models import User
from core.outcomes import BulkOutcome
from core.refusals import Invalid, NotFound
from core.timeline import record
from orders.models import Mention, Note, Order
from orders.operations.refreshing import lock_order

MOST_TAGS = 20
MOST_MENTIONS = 20
#: A username as Django allows it, behind an @ that stands alone.
_NAMED = re.compile(r"(?<![\w@.+-])@([\w.+-]{1,150})")


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
        named = _mention(note, user)
        record(
            order.subject, "note.added", actor=Actor.user(user), at=now, note=note.pk,
            mentions=[Actor.user(person).label for person in named],
        )  # fmt: skip
        for person in named:
            _tell(person, order, note, now=now)
    return note


def remove_note(*, order_id: int, note_id: int, actor: Actor, now: datetime) -> None:
    """Take a note away again; the history says that it was there. Raises NotFound."""
    with transaction.atomic():
        order = lock_order(order_id)
        gone, _by_model = Note.objects.filter(pk=note_id, order=order).delete()
        if not gone:
            raise NotFound("no_such_note", _("That note is not there any more."))
        record(order.subject, "note.removed", actor=actor, at=now, note=note_id)


def _mention(note: Note, author: User) -> list[User]:
    """The people whom the note names as @username: they find it among their mentions. Nobody mentions himself."""
    names = {name.rstrip(".").casefold() for name in _NAMED.findall(note.text)}
    if not names:
        return []
    people = User.objects.annotate(name=Lower("username")).filter(name__in=names, is_active=True)
    named = list(people.exclude(pk=author.pk).order_by("pk")[:MOST_MENTIONS])
    Mention.objects.bulk_create([Mention(note=note, user=person) for person in named])
    return named


def _tell(person: User, order: Order, note: Note, *, now: datetime) -> None:
    """By mail too, where an address is known."""
    queue_mail(
        to=person.email, template="mention",
        context={
            "number": order.number, "author": note.author_label, "text": note.text,
            "url": settings.PUBLIC_URL + reverse("order", args=[order.pk]),
        },
        language=person.language or settings.LANGUAGE_CODE, dedupe_key=f"mention:{note.pk}:{person.pk}", about=order.subject, now=now,
    )  # fmt: skip


def see_mentions(*, user_id: int, mention_ids: Sequence[int], now: datetime) -> int:
    """Mark mentions of a person as read; the number that were not."""
    return Mention.objects.filter(user_id=user_id, pk__in=mention_ids, seen_at__isnull=True).update(seen_at=now)


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
