"""Reads of alerts, needs and policies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import (
    Case,
    ExpressionWrapper,
    F,
    FloatField,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    When,
)
from django.db.models.functions import Coalesce

from core.listing.counting import Count as CappedCount
from core.listing.counting import count_capped
from core.search import search
from forecasting.models import DailyDemand, ForecastResult
from forecasting.queries import reorder_basis
from inventory.models import Location, LocationKind, ReorderPolicy, StockLevel, Variant
from orders.queries import shop_zone
from purchasing.models import PurchaseLine, SupplierItem
from purchasing.states import PurchaseState
from replenishment.models import Alert, Need, ReplenishmentSettings
from replenishment.states import AlertState

#: Up to so many variants a search is answered by their keys.
NAMED_VARIANTS = 1000
#: How far open alerts are counted.
LOW_CAP = 999
#: Days whose orders say how fast something sells where there is no forecast.
MEAN_DAYS = 28

_STOCK_NOW = """
    SELECT k.variant_id, k.location_id, coalesce(sum(s.available), 0)::int, coalesce(sum(s.incoming), 0)::int
      FROM unnest(%s::bigint[], %s::bigint[]) AS k (variant_id, location_id)
      LEFT JOIN (inventory_stocklevel s JOIN inventory_location l ON l.id = s.location_id AND l.active)
        ON s.variant_id = k.variant_id AND (k.location_id IS NULL OR s.location_id = k.location_id)
     GROUP BY 1, 2
"""


def stock_now(subjects: Iterable[tuple[int, int | None]]) -> dict[tuple[int, int | None], tuple[int, int]]:
    """(available, incoming) of each subject now; a total counts active locations. One statement."""
    wanted = list(set(subjects))
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_STOCK_NOW, [[variant for variant, _place in wanted], [place for _variant, place in wanted]])
        return {(row[0], row[1]): (row[2], row[3]) for row in cursor.fetchall()}


def available_now(subjects: Iterable[tuple[int, int | None]]) -> dict[tuple[int, int | None], int]:
    """The available units of each subject now."""
    return {subject: available for subject, (available, _incoming) in stock_now(subjects).items()}


def replenishment_settings() -> ReplenishmentSettings:
    """What the shop decided; defaults until somebody saves it."""
    return ReplenishmentSettings.objects.first() or ReplenishmentSettings()


# ---- lists -----------------------------------------------------------------------------------------------------------


def _now_of(name: str) -> Coalesce:
    """A count of the row's level, or its sum over active locations where the row speaks of the total; for the page's rows alone."""
    levels = StockLevel.objects.filter(
        variant_id=OuterRef("variant_id"),
        location_id=Coalesce(OuterRef("location_id"), F("location_id")),
        location__active=True,
    )
    total = levels.order_by().values("variant_id").annotate(units=Sum(name)).values("units")
    return Coalesce(Subquery(total, output_field=IntegerField()), 0)


def listed_alerts() -> QuerySet[Alert]:
    """Alerts with `available_now` and `incoming_now` besides what a row shows."""
    return (
        Alert.objects.select_related("variant", "location")
        .only(
            "state", "kind", "threshold", "available", "opened_at", "back_at", "snoozed_until", "snoozed_below", "resolved_at",
            "variant__sku", "variant__title", "location__name",
        )
        .annotate(available_now=_now_of("available"), incoming_now=_now_of("incoming"))
    )  # fmt: skip


def find_by_variant(queryset: QuerySet[Any], text: str, *, path: str) -> QuerySet[Any]:
    """The rows whose variant (`path`: "variant_id", …) a text finds. Few variants are looked up first and named, as the stock list does."""
    found = list(search(Variant.objects.order_by(), text).values_list("pk", flat=True)[: NAMED_VARIANTS + 1])
    if len(found) <= NAMED_VARIANTS:
        return queryset.filter(**{f"{path}__in": found})
    return search(queryset, text, column=f"{path.removesuffix('_id')}__search")


@dataclass(frozen=True, slots=True)
class LowNow:
    """How many alerts are open, and the newest of them."""

    count: CappedCount
    alerts: list[Alert]


def low_now(*, shown: int = 5) -> LowNow:
    """What is low now, for a card: out of stock first. Two statements, or one while nothing is."""
    count = count_capped(open_alerts(), cap=LOW_CAP)
    alerts = listed_alerts().filter(state=AlertState.OPEN).order_by("-kind", "-opened_at", "-pk")[:shown]
    return LowNow(count, list(alerts) if count else [])


def open_alerts() -> QuerySet[Alert]:
    """What is low now and not snoozed."""
    return Alert.objects.filter(state=AlertState.OPEN)


def listed_policies() -> QuerySet[ReorderPolicy]:
    """Policies with `available_now` and `incoming_now` and what the forecast would set, for the page's rows alone."""
    forecast = _forecast_of(variant="variant_id", location="location_id")
    return (
        ReorderPolicy.objects.select_related("variant", "location")
        .only("reorder_point", "order_up_to", "source", "alert", "updated_at", "variant__sku", "variant__title", "location__name", "location__code")
        .annotate(
            available_now=_now_of("available"),
            incoming_now=_now_of("incoming"),
            forecast_point=Subquery(forecast.values("reorder_point")),
            forecast_up_to=Subquery(forecast.values("order_up_to")),
        )
    )  # fmt: skip


def _forecast_of(*, variant: str, location: str) -> QuerySet[ForecastResult]:
    place = Coalesce(F("location_id"), 0)
    return ForecastResult.objects.alias(place=place).filter(
        variant_id=OuterRef(variant), place=Coalesce(OuterRef(location), 0)
    )[:1]


def listed_needs(*, today: date) -> QuerySet[Need]:
    """Needs with what a row shows beside its own columns, all of it for the page's rows alone.

    daily: units asked for on a day, see `_daily`. drafted: units on purchase orders that are not sent, for the same place.
    supplier, pack_size, price, price_currency: the offer that would be taken. surplus: the most that another location can spare.
    """
    variant, place = OuterRef("policy__variant_id"), OuterRef("policy__location_id")
    offer = SupplierItem.objects.filter(variant_id=variant, supplier__active=True).order_by("-preferred", "price", "pk")
    return (
        Need.objects.select_related("policy__variant", "policy__location")
        .only(
            "available", "incoming", "waiting", "quantity", "since", "policy__reorder_point", "policy__order_up_to",
            "policy__variant__sku", "policy__variant__title", "policy__location__name",
        )
        .annotate(
            daily=_daily(today),
            drafted=drafted_units(variant=variant, place=place),
            supplier=Subquery(offer.values("supplier__name")[:1]),
            pack_size=Subquery(offer.values("pack_size")[:1]),
            price=Subquery(offer.values("price")[:1]),
            price_currency=Subquery(offer.values("supplier__currency")[:1]),
            surplus=_surplus(variant=variant, place=place),
        )
    )  # fmt: skip


def drafted_units(*, variant: Any, place: Any) -> Coalesce:
    """Units of a variant on drafts of purchase orders for a place; for every place where it is null."""
    lines = PurchaseLine.objects.filter(
        variant_id=variant,
        order__state=PurchaseState.DRAFT,
        order__location_id=Coalesce(place, F("order__location_id")),
    )
    total = lines.order_by().values("variant_id").annotate(units=Sum("ordered")).values("units")
    return Coalesce(Subquery(total, output_field=IntegerField()), 0)


def _surplus(*, variant: Any, place: Any) -> Subquery:
    """What the location with the most above its own order-up-to level could send; a total has no other location."""
    at_giver = StockLevel.objects.filter(variant_id=OuterRef("variant_id"), location_id=OuterRef("location_id"))
    givers = (
        ReorderPolicy.objects.filter(variant_id=variant, location__active=True)
        .exclude(location__kind=LocationKind.SUPPLIER)
        .filter(~Q(location_id=place))
        .annotate(
            spare=ExpressionWrapper(
                Subquery(at_giver.values("available")[:1], output_field=IntegerField()) - F("order_up_to"),
                output_field=IntegerField(),
            )
        )
        .filter(spare__gt=0)
        .order_by("-spare")
    )
    return Subquery(givers.values("spare")[:1], output_field=IntegerField())


def _daily(today: date) -> Coalesce:
    """The forecast's mean; without one the mean of the last weeks' orders; 0 where nothing was ever asked for."""
    forecast = _forecast_of(variant="policy__variant_id", location="policy__location_id").values("mean_daily")
    place = Coalesce(F("location_id"), 0)
    orders = (
        DailyDemand.objects.alias(place=place)
        .filter(
            variant_id=OuterRef("policy__variant_id"),
            place=Coalesce(OuterRef("policy__location_id"), place),
            day__gte=today - timedelta(days=MEAN_DAYS),
            day__lt=today,
        )
        .order_by()
        .values("variant_id")
        .annotate(mean=Sum(F("ordered") - F("cancelled"), output_field=FloatField()) / float(MEAN_DAYS))
        .values("mean")
    )
    return Coalesce(Subquery(forecast), Subquery(orders), 0.0, output_field=FloatField())


# ---- from needs to orders --------------------------------------------------------------------------------------------


def main_location() -> Location | None:
    """Where goods for a variant's total go: the best ranked warehouse, else the best ranked place of our own."""
    own = Location.objects.filter(active=True).exclude(kind=LocationKind.SUPPLIER)
    return (
        own.annotate(other=Case(When(kind=LocationKind.WAREHOUSE, then=0), default=1))
        .order_by("other", "rank", "pk")
        .first()
    )


def policies_with_needs(policy_ids: Iterable[int]) -> list[ReorderPolicy]:
    """Policies by SKU and place, each with its variant, location and need where it has one (`policy.need`). One statement."""
    found = ReorderPolicy.objects.filter(pk__in=list(policy_ids)).select_related("variant", "location", "need")
    return list(found.defer("variant__search", "variant__search_text").order_by("variant__sku", "location__name", "pk"))


def mean_daily(subjects: Iterable[tuple[int, int | None]], *, now: datetime) -> dict[tuple[int, int | None], float]:
    """Units asked for on a day: the forecast's mean, without one the mean of the last weeks' orders. Three statements."""
    wanted = set(subjects)
    found = {key: basis.mean_daily for key, basis in reorder_basis(wanted).items()}
    today = now.astimezone(shop_zone()).date()
    rows = (
        DailyDemand.objects.filter(
            variant_id__in={variant for variant, _place in wanted},
            day__gte=today - timedelta(days=MEAN_DAYS),
            day__lt=today,
        )
        .order_by()
        .values_list("variant_id", "location_id")
        .annotate(units=Sum(F("ordered") - F("cancelled")))
    )
    sums: dict[tuple[int, int | None], float] = defaultdict(float)
    for variant_id, location_id, units in rows:
        for key in {(variant_id, location_id), (variant_id, None)}:
            sums[key] += units / MEAN_DAYS
    for variant_id, location_id in wanted:
        # A row without a place counts for the total alone.
        found.setdefault((variant_id, location_id), sums[(variant_id, location_id)])
    return found
