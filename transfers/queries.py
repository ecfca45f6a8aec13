"""Reads of transfers: the lists' rows, one transfer with all its page shows, what a suggestion starts from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from django.db import connection
from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet

from core.search import search
from inventory.models import Location, LocationKind, StockLevel, Variant
from transfers.models import Arrival, Settlement, Transfer, TransferLine
from transfers.states import TransferState
from transfers.suggesting import Position

#: In the words of the partial index `transfer_open`.
OPEN = ~Q(state__in=["received", "cancelled"])
ON_THE_WAY = OPEN & Q(state=TransferState.IN_TRANSIT)
#: Something was not as it should be.
DISCREPANT = Q(damaged__gt=0) | Q(over__gt=0) | Q(lost__gt=F("found")) | Q(returned__gt=0)
#: Up to so many variants a search is answered by their keys.
NAMED_VARIANTS = 1000


def own_places() -> QuerySet[Location]:
    """Locations that take part in transfers, by name."""
    return Location.objects.filter(active=True).exclude(kind=LocationKind.SUPPLIER).order_by("name")


def listed_transfers() -> QuerySet[Transfer]:
    """Transfers with what a row of the list shows."""
    return Transfer.objects.select_related("origin", "destination").only(
        "number", "state", "reference", "expected_on", "units", "shipped", "received", "damaged", "over", "lost", "returned", "found",
        "created_at", "dispatched_at", "closed_at", "origin__name", "destination__name",
    )  # fmt: skip


def late(queryset: QuerySet[Transfer], *, today: date) -> QuerySet[Transfer]:
    """Open transfers whose day has passed."""
    return queryset.filter(OPEN, expected_on__lt=today)


def find_transfers(queryset: QuerySet[Transfer], text: str) -> QuerySet[Transfer]:
    """By number or reference, or by a SKU, barcode or title that is in it."""
    word = text.strip()
    number = word.upper() if word.upper().startswith("TR-") else f"TR-{word}"
    variants = list(search(Variant.objects.order_by(), word).values_list("pk", flat=True)[:NAMED_VARIANTS])
    inside = TransferLine.objects.filter(transfer=OuterRef("pk"), variant_id__in=variants)
    own = Q(number=number) | Q(reference__istartswith=word)
    return queryset.filter(own | Exists(inside)) if variants else queryset.filter(own)


def containing(queryset: QuerySet[Transfer], sku: str) -> QuerySet[Transfer]:
    """Transfers with this SKU or barcode."""
    word = sku.strip()
    known = Q(variant__sku=word) | Q(variant__barcode=word) & ~Q(variant__barcode="")
    return queryset.filter(Exists(TransferLine.objects.filter(known, transfer=OuterRef("pk"))))


def with_lines(queryset: QuerySet[Transfer]) -> QuerySet[Transfer]:
    """Transfers with their places and, in `lines`, their lines with variants, arrivals and settlements. Four statements."""
    lines = TransferLine.objects.select_related("variant").defer("variant__search", "variant__search_text")
    return queryset.select_related("origin", "destination").prefetch_related(
        Prefetch(
            "lines",
            queryset=lines.order_by("position").prefetch_related(
                Prefetch("arrivals", queryset=Arrival.objects.order_by("id")),
                Prefetch("settlements", queryset=Settlement.objects.order_by("id")),
            ),
        )
    )


def levels_at(location_id: int | None, variant_ids: Iterable[int]) -> dict[int, StockLevel]:
    """Variant → its level at a place; absent ones are left out. One statement."""
    if location_id is None:
        return {}
    rows = StockLevel.objects.filter(location_id=location_id, variant_id__in=list(variant_ids))
    return {level.variant_id: level for level in rows}


# One statement: who is short, who has too much, and only of variants that have both. Drafts count as if they were on their way.
# The first step walks policies and levels in the order of their keys and stops when enough variants are found.
_POSITIONS = """
    WITH place AS MATERIALIZED (
        SELECT id FROM inventory_location WHERE active AND kind <> 'supplier'
    ), drafted AS MATERIALIZED (
        SELECT tl.variant_id, t.origin_id, t.destination_id, tl.quantity
          FROM transfers_transferline tl JOIN transfers_transfer t ON t.id = tl.transfer_id WHERE t.state = 'draft'
    ), arriving AS MATERIALIZED (
        SELECT variant_id, destination_id AS location_id, sum(quantity)::int AS units FROM drafted GROUP BY 1, 2
    ), leaving AS MATERIALIZED (
        SELECT variant_id, origin_id AS location_id, sum(quantity)::int AS units FROM drafted GROUP BY 1, 2
    ), chosen AS MATERIALIZED (
        SELECT DISTINCT p.variant_id
          FROM inventory_reorderpolicy p
          LEFT JOIN inventory_stocklevel s ON s.variant_id = p.variant_id AND s.location_id = p.location_id
         WHERE p.location_id IN (SELECT id FROM place) AND (%(destination)s::bigint IS NULL OR p.location_id = %(destination)s)
           AND (%(only)s::bigint[] IS NULL OR p.variant_id = ANY(%(only)s))
           AND coalesce(s.available, 0) + coalesce(s.incoming, 0) <= p.reorder_point
           AND coalesce(s.available, 0) + coalesce(s.incoming, 0) < p.order_up_to
           AND NOT EXISTS (SELECT FROM arriving a WHERE a.variant_id = p.variant_id AND a.location_id = p.location_id
                              AND coalesce(s.available, 0) + coalesce(s.incoming, 0) + a.units > p.reorder_point)
           AND EXISTS (SELECT FROM inventory_stocklevel g
                         LEFT JOIN inventory_reorderpolicy gp ON gp.variant_id = g.variant_id AND gp.location_id = g.location_id
                        WHERE g.variant_id = p.variant_id AND g.location_id IN (SELECT id FROM place)
                          AND (%(origin)s::bigint IS NULL OR g.location_id = %(origin)s)
                          AND g.available > coalesce(gp.order_up_to, %(keep)s))
         ORDER BY p.variant_id LIMIT %(variants)s
    )
    SELECT p.variant_id, p.location_id, coalesce(s.available, 0) AS available, coalesce(s.incoming, 0) + coalesce(a.units, 0) AS expected,
           p.reorder_point, p.order_up_to
      FROM chosen JOIN inventory_reorderpolicy p USING (variant_id)
      LEFT JOIN inventory_stocklevel s ON s.variant_id = p.variant_id AND s.location_id = p.location_id
      LEFT JOIN arriving a ON a.variant_id = p.variant_id AND a.location_id = p.location_id
     WHERE p.location_id IN (SELECT id FROM place) AND (%(destination)s::bigint IS NULL OR p.location_id = %(destination)s)
       AND coalesce(s.available, 0) + coalesce(s.incoming, 0) + coalesce(a.units, 0) <= p.reorder_point
    UNION ALL
    SELECT s.variant_id, s.location_id, s.available - coalesce(l.units, 0), s.incoming, p.reorder_point, p.order_up_to
      FROM chosen JOIN inventory_stocklevel s USING (variant_id)
      LEFT JOIN inventory_reorderpolicy p ON p.variant_id = s.variant_id AND p.location_id = s.location_id
      LEFT JOIN leaving l ON l.variant_id = s.variant_id AND l.location_id = s.location_id
     WHERE s.location_id IN (SELECT id FROM place) AND (%(origin)s::bigint IS NULL OR s.location_id = %(origin)s)
       AND s.available - coalesce(l.units, 0) > coalesce(p.order_up_to, %(keep)s)
     ORDER BY variant_id, location_id
"""


def positions(
    *,
    keep: int = 0,
    origin_id: int | None = None,
    destination_id: int | None = None,
    variants: int | None = None,
    only: Sequence[int] | None = None,
) -> list[Position]:
    """What `suggest_transfers` needs and no more: places that are short and places with a surplus, of variants that have both.

    variants: of so many variants at most, the first by number; only: of these alone. One statement whatever the number of variants and places.
    """
    asked = {"keep": keep, "origin": origin_id, "destination": destination_id, "variants": variants, "only": only}
    with connection.cursor() as cursor:
        cursor.execute(_POSITIONS, asked)
        return [Position(*row) for row in cursor.fetchall()]


def names_of(variant_ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Variant → (SKU, title). One statement."""
    rows = Variant.objects.filter(pk__in=list(variant_ids)).values_list("pk", "sku", "title")
    return {pk: (sku, title) for pk, sku, title in rows}


def bins_at(location_id: int, variant_ids: Sequence[int]) -> dict[int, str]:
    """Variant → the bin where it lies at a place. One statement."""
    rows = StockLevel.objects.filter(location_id=location_id, variant_id__in=variant_ids).exclude(bin="")
    return dict(rows.values_list("variant_id", "bin"))
