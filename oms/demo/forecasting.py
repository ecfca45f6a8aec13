"""The past of the demo shop: a till whose day totals go back fourteen months, so that there is something to forecast from."""

from __future__ import annotations

import random
from datetime import datetime, time, timedelta
from decimal import Decimal
from math import exp, pi, sin

from core.actors import Actor
from forecasting.jobs import start_forecasts
from inventory.models import Variant
from oms.orchestration.place_order import place_orders
from oms.orchestration.requests import NewLine, NewOrder, NewPayment
from orders.models import Channel
from orders.queries import shop_zone

ACTOR = Actor.system("demo")
DAYS = 426
#: SKU → (units a day, how much more in winter (negative: in summer), units taken at once at most)
_SOLD = {
    "WOOL-SOCKS-1": (5.0, 0.5, 3), "STEEL-BOTTLE-1": (3.5, -0.4, 1), "HEADLAMP-1": (3.0, 0.6, 1), "DRY-BAG-2": (2.2, -0.6, 2),
    "FLEECE-2": (2.0, 0.7, 1), "DAY-PACK-1": (1.2, 0.0, 1), "CAMP-STOVE-1": (0.5, -0.3, 1), "TRAIL-TENT-2-1": (0.25, -0.5, 1),
    "FOAM-MAT-1": (0.4, -0.3, 2), "FIRST-AID-1": (0.1, 0.0, 4), "RIDGE-TENT-4-1": (0.05, -0.4, 1), "TREK-POLES-2": (0.06, 0.0, 2),
}  # fmt: skip
#: Monday to Sunday; the till is closed on Sundays.
_WEEK = (0.8, 0.8, 0.9, 1.0, 1.4, 2.1, 0.0)


def seed_forecasts(*, now: datetime) -> None:
    """Day totals of the till, arrived finished, and a first run of the forecasts."""
    if Channel.objects.filter(name="Till, day totals").exists():
        return
    chance = random.Random(20261123)  # noqa: S311 - invented goods, not secrets
    channel = Channel.objects.create(
        name="Till, day totals", kind="pos", currency="EUR", time_zone="Europe/Warsaw", language="en", hold_unpaid=False
    )
    variants = {variant.sku: variant for variant in Variant.objects.filter(sku__in=_SOLD)}
    today = now.astimezone(shop_zone()).date()
    days = [today - timedelta(days=n) for n in range(DAYS, 0, -1)]
    requests = []
    for day in days:
        winter = sin(2 * pi * (day.timetuple().tm_yday + 100) / 365.25)
        lines = tuple(
            NewLine(sku, units, variants[sku].price, shipped=units)
            for sku, (mean, season, most) in _SOLD.items()
            if sku in variants and (units := _sold(chance, mean * _WEEK[day.weekday()] * (1 + season * winter), most))
        )
        if not lines:
            continue
        total = sum((line.unit_price * line.quantity for line in lines), Decimal(0))
        closed = datetime.combine(day, time(19, 30), tzinfo=shop_zone())
        requests.append(
            NewOrder(
                channel_id=channel.pk, external_id=f"till-{day}", number=f"T-{day:%y%m%d}", placed_at=closed, currency="EUR", lines=lines,
                customer_name="Walk-in customers", payments=(NewPayment(total, "cash"),), tags=("till",),
            )
        )  # fmt: skip
    place_orders(requests, actor=ACTOR, now=now)
    start_forecasts(actor=ACTOR, now=now)


def _sold(chance: random.Random, mean: float, most: int) -> int:
    """Units of a day: Poisson customers (Knuth's product of chances) who take one to `most` units."""
    customers, product, limit = 0, chance.random(), exp(-2 * mean / (1 + most))
    while product > limit:
        customers += 1
        product *= chance.random()
    return sum(chance.randint(1, most) for _ in range(customers))
