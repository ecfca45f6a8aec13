"""The link to an order, by e-mail to the address of the order and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from core.actors import Actor
from core.mail import queue_mail
from core.models import Shop
from core.outbox import Event, publish
from core.ratelimit import Limit, hit
from orders.models import Order

PER_NETWORK = Limit("track.network", 20, timedelta(hours=1))
PER_NUMBER = Limit("track.number", 6, timedelta(hours=1))
PER_ADDRESS = Limit("track.address", 6, timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class TrackingLinkAsked(Event):
    """Somebody asked for the link of an order; the list is empty when number and address fit none."""

    name: ClassVar[str] = "tracking_link.asked"
    order_ids: list[int]


def ask_for_link(*, number: str, email: str, network: str, now: datetime) -> bool:
    """Have the link mailed to the order's own address when number and address fit; False when this was tried too often.

    Known and unknown take the same way: three counts, one look-up, one event. What differs happens later, in the worker.
    """
    plain = number.strip().lstrip("#").casefold()
    tries = [
        hit(PER_NETWORK, network, now=now),
        hit(PER_NUMBER, plain, now=now),
        hit(PER_ADDRESS, email.strip().casefold(), now=now),
    ]
    if not all(tries):
        return False
    with transaction.atomic():
        publish(TrackingLinkAsked(_matching(number, email)), actor=Actor.system("portal"))
    return True


def _matching(number: str, email: str) -> list[int]:
    """Orders with this number (with or without # and the shop's prefix) and this address, at most five."""
    typed = number.strip()
    shop = Shop.objects.first() or Shop()
    bare = typed.lstrip("#")
    variants = {typed, bare, bare.upper(), f"#{bare}", f"{shop.order_prefix}{bare}"}
    found = Order.objects.filter(number__in=sorted(variants)).order_by("-id").values_list("id", "email")[:50]
    wanted = email.strip().casefold()
    return [order_id for order_id, address in found if address.strip().casefold() == wanted][:5]


def mail_tracking_links(event: TrackingLinkAsked, *, actor: Actor, now: datetime) -> None:
    """Handler: mail each link to the order's own address, at most once an hour however often it is asked for."""
    for order in Order.objects.filter(pk__in=event.order_ids).order_by("pk"):
        queue_mail(
            to=order.email,
            template="tracking_link",
            context={"number": order.number, "url": settings.PUBLIC_URL + reverse("tracking", args=[order.token])},
            language=order.language,
            dedupe_key=f"tracking-link:{order.pk}:{now:%Y%m%d%H}",
            about=order.subject,
            now=now,
        )
