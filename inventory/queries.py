"""Reads of stock: the lists' rows, why a number is what it is, what lies where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from core.listing.keyset import BadCursor, Keyset
from core.models import Shop
from core.search import search
from inventory.bundles import BundleStock, available_as_bundles, bundle_availability, products_with_bundles
from inventory.models import (
    Bucket,
    Location,
    LocationDay,
    Product,
    Reservation,
    StockLevel,
    StockMovement,
    StockSnapshot,
    Variant,
)

MOVEMENTS_SHOWN = 25
#: Up to so many variants a search of stock is answered by their keys.
NAMED_VARIANTS = 1000
#: What the cause of a counter-movement begins with; the undone movement's id follows.
UNDONE = "undo:"
#: An adjustment further back than this among a level's movements is not offered to be undone.
UNDO_REACH = 200

#: Conditions of the stock list's tabs; the words of each are those of a partial index of StockLevel.
SOLD_OUT = Q(sold_out=True)
SET_ASIDE = Q(damaged__gt=0) | Q(quality_control__gt=0)
INCOMING = Q(incoming__gt=0)


def listed_levels() -> QuerySet[StockLevel]:
    """Stock levels with what a row of the list shows."""
    return StockLevel.objects.select_related("variant", "location").only(
        "variant_id",
        "location_id",
        *Bucket.values,
        "available",
        "bin",
        "variant__sku",
        "variant__title",
        "variant__barcode",
        "location__name",
    )


def find_levels(queryset: QuerySet[StockLevel], text: str) -> QuerySet[StockLevel]:
    """The levels of the variants that a text finds.

    Few variants are looked up first and named: the planner cannot know how many a beginning of a word finds, and would walk them all.
    """
    found = list(search(Variant.objects.order_by(), text).values_list("pk", flat=True)[: NAMED_VARIANTS + 1])
    return (
        queryset.filter(variant_id__in=found)
        if len(found) <= NAMED_VARIANTS
        else search(queryset, text, column="variant__search")
    )


def with_reservations(queryset: QuerySet[StockLevel]) -> QuerySet[StockLevel]:
    """Levels with units promised to orders, asked of the open reservations: they are few where levels are many."""
    promised = Reservation.objects.filter(quantity__gt=0).values("variant_id", "location_id")
    return queryset.filter(
        Exists(promised.filter(variant_id=OuterRef("variant_id"), location_id=OuterRef("location_id")))
    )


def listed_products() -> QuerySet[Product]:
    """Products with `variant_count`, `on_hand` and `available` over all locations, that of bundles by their components; the sums are
    worked out for the page's rows alone."""
    levels = StockLevel.objects.filter(variant__product=OuterRef("pk")).order_by().values("variant__product")
    variants = Variant.objects.filter(product=OuterRef("pk")).order_by().values("product")
    return Product.objects.annotate(
        variant_count=_number(variants.annotate(n=Count("pk")).values("n")),
        on_hand=_number(levels.annotate(n=Sum("on_hand")).values("n")),
        available=_number(levels.annotate(n=Sum("available")).values("n")) + available_as_bundles(),
    )


def _number(query: QuerySet) -> Coalesce:
    return Coalesce(Subquery(query, output_field=IntegerField()), 0)


def sellable(queryset: QuerySet[Product]) -> QuerySet[Product]:
    """Products of which some location can promise something, or locations together a bundle."""
    bundles = products_with_bundles(available=True).values("pk")
    return queryset.filter(Exists(_levels_of_product(sold_out=False)) | Q(pk__in=bundles))


def unsellable(queryset: QuerySet[Product]) -> QuerySet[Product]:
    """Products of which no location can promise anything. The first two questions are cheap, and most products fail them."""
    maybe = queryset.filter(Exists(_levels_of_product(sold_out=True)) | ~Exists(_levels_of_product()))
    bundles = products_with_bundles(available=True).values("pk")
    return maybe.filter(~Exists(_levels_of_product(sold_out=False)) & ~Q(pk__in=bundles))


def _levels_of_product(**fields: bool) -> QuerySet[StockLevel]:
    return StockLevel.objects.filter(variant__product=OuterRef("pk"), **fields)


def shop_currency() -> str:
    """The currency that prices and costs of the catalogue are in."""
    return Shop.objects.values_list("currency", flat=True).first() or "EUR"


# ---- one product -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VariantRow:
    """A variant with its stock over all locations."""

    variant: Variant
    on_hand: int
    reserved: int
    available: int
    incoming: int
    bundle: BundleStock | None = None


_SUMMED = ("on_hand", "reserved", "available", "incoming")


def variant_rows(product: Product) -> list[VariantRow]:
    """The variants of a product by SKU with their stock, that of bundles by their components. Two statements, however many locations
    there are; three with bundles."""
    sums = StockLevel.objects.filter(variant__product=product).order_by().values("variant_id")
    by_variant = {row["variant_id"]: row for row in sums.annotate(**{f"n_{name}": Sum(name) for name in _SUMMED})}
    variants = list(product.variants.defer("search", "search_text").order_by("sku"))
    bundles = bundle_availability([variant.pk for variant in variants if variant.is_bundle])
    return [_variant_row(variant, by_variant.get(variant.pk), bundles.get(variant.pk)) for variant in variants]


def _variant_row(variant: Variant, sums: dict[str, int] | None, bundle: BundleStock | None) -> VariantRow:
    if bundle is not None:  # never stocked itself
        return VariantRow(variant, 0, 0, bundle.total or 0, 0, bundle)
    return VariantRow(variant, *(sums[f"n_{name}"] if sums else 0 for name in _SUMMED))


def levels_of_product(product: Product, *, limit: int) -> list[StockLevel]:
    """Where a product lies, by SKU and location: the first `limit` of its levels."""
    levels = StockLevel.objects.filter(variant__product=product).select_related("variant", "location")
    return list(
        levels.only(*_SUMMED, "bin", "variant_id", "location_id", "variant__sku", "location__name").order_by(
            "variant__sku", "location__name", "id"
        )[:limit]
    )


# ---- one level -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A movement and what its bucket counted after it."""

    movement: StockMovement
    balance: int


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """Movements of a level, newest first, and the cursors of the neighbour pages."""

    rows: list[LedgerRow]
    next: str | None
    previous: str | None


NEWEST_FIRST = Keyset(("id",), desc=True)


def ledger_page(
    level: StockLevel, *, bucket: str = "", after: str | None = None, before: str | None = None
) -> LedgerPage:
    """One page of the ledger of a level, of one bucket or of all; a cursor that is none leads to the newest.

    The balances are sums of the ledger itself, not of the level: rows of one level are numbered in the order in which its lock was
    held, so what stands below a row is final.
    """
    of_level = StockMovement.objects.filter(variant_id=level.variant_id, location_id=level.location_id)
    shown = of_level.filter(bucket=bucket) if bucket in Bucket.values else of_level
    try:
        page = NEWEST_FIRST.page(shown, size=MOVEMENTS_SHOWN, after=after, before=before)
    except BadCursor:
        page = NEWEST_FIRST.page(shown, size=MOVEMENTS_SHOWN)
    if not page.rows:
        return LedgerPage([], page.next, page.previous)
    balance = _balance_before(level, page.rows[-1].pk)
    rows = []
    for movement in reversed(page.rows):
        balance[movement.bucket] += movement.quantity
        rows.append(LedgerRow(movement, balance[movement.bucket]))
    return LedgerPage(rows[::-1], page.next, page.previous)


def _balance_before(level: StockLevel, movement_id: int) -> dict[str, int]:
    """What each bucket counted before a movement: the last snapshot before it and the rows between. Two statements."""
    of_level = {"variant_id": level.variant_id, "location_id": level.location_id}
    snapshot = StockSnapshot.objects.filter(**of_level, movement_id__lt=movement_id).order_by("-at").first()
    rows = StockMovement.objects.filter(**of_level, pk__lt=movement_id, pk__gt=snapshot.movement_id if snapshot else 0)
    balance: dict[str, int] = defaultdict(int)
    if snapshot:
        balance.update({bucket: getattr(snapshot, bucket) for bucket in Bucket.values})
    for bucket, total in rows.order_by().values_list("bucket").annotate(total=Sum("quantity")):
        balance[bucket] += total
    return balance


def last_adjustment(*, variant_id: int, location_id: int, actor: str) -> StockMovement | None:
    """The newest adjustment by hand that this actor made to a level, undone or not; among its last movements only."""
    newest = (
        StockMovement.objects.filter(variant_id=variant_id, location_id=location_id)
        .order_by("-id")
        .values("pk")[:UNDO_REACH]
    )
    return (
        StockMovement.objects.filter(pk__in=newest, actor=actor, cause__startswith="adjustment:")
        .order_by("-id")
        .first()
    )


def undoable(*, variant_id: int, location_id: int, actor: str) -> StockMovement | None:
    """The adjustment that this actor may undo now, if there is one."""
    last = last_adjustment(variant_id=variant_id, location_id=location_id, actor=actor)
    if last is None or StockMovement.objects.filter(cause=f"{UNDONE}{last.pk}").exists():
        return None
    return last


def change_of(movement: StockMovement) -> int:
    """Units of an adjustment by hand in all: of several lots it has a row for each."""
    if movement.lot_id is None:
        return movement.quantity
    rows = StockMovement.objects.filter(
        cause=movement.cause, variant_id=movement.variant_id, location_id=movement.location_id, bucket=movement.bucket
    )
    return rows.aggregate(n=Sum("quantity", default=0))["n"]


def open_reservations(level: StockLevel, *, limit: int) -> list[Reservation]:
    """What the reserved units are promised to, oldest first."""
    found = Reservation.objects.filter(variant_id=level.variant_id, location_id=level.location_id, quantity__gt=0)
    return list(found.order_by("created_at", "id")[:limit])


# ---- locations -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Contents:
    """What a location holds: SKUs on hand, and units in all."""

    skus: int
    on_hand: int
    reserved: int
    available: int
    set_aside: int
    incoming: int


def contents_of(location_id: int) -> Contents:
    """The sums over a location's levels. One statement."""
    sums = StockLevel.objects.filter(location_id=location_id).aggregate(
        skus=Count("pk", filter=Q(on_hand__gt=0)),
        on_hand_sum=Sum("on_hand", default=0),
        reserved_sum=Sum("reserved", default=0),
        available_sum=Sum("available", default=0),
        damaged_sum=Sum("damaged", default=0),
        quality_sum=Sum("quality_control", default=0),
        incoming_sum=Sum("incoming", default=0),
    )
    return Contents(
        sums["skus"], sums["on_hand_sum"], sums["reserved_sum"], sums["available_sum"], sums["damaged_sum"] + sums["quality_sum"],
        sums["incoming_sum"],
    )  # fmt: skip


def taken_today(locations: Sequence[Location], *, now: datetime) -> dict[int, int]:
    """How many orders each location with a daily capacity has taken on its own today. One statement."""
    days: dict[int, date] = {place.pk: now.astimezone(ZoneInfo(place.time_zone)).date() for place in locations}
    rows = LocationDay.objects.filter(location_id__in=days, day__in=set(days.values())).values_list(
        "location_id", "day", "assigned"
    )
    taken = {(location_id, day): assigned for location_id, day, assigned in rows}
    return {pk: taken.get((pk, day), 0) for pk, day in days.items()}
