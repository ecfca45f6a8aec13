"""Who shares a parcel with whom, as it is known without locks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import CharField, F, Func, Q

from fulfillment.models import Consolidation, FulfillmentOrder
from fulfillment.states import ACTIVE_STATES, FulfillmentState

S = FulfillmentState
#: Work that will not leave: no member of its parcel any more.
GONE = (S.CANCELLED, S.INCOMPLETE)
#: A parcel in these is still open: members may stay behind, and the whole can be undone.
UNCLOSED = frozenset(ACTIVE_STATES - {S.PACKED})


class ShipToKey(Func):
    """The one form of an address that two parcels are compared by; the function is the database's."""

    function = "fulfillment_ship_to_key"
    output_field = CharField()


@dataclass(frozen=True, slots=True)
class Member:
    """A work order that shares a parcel, as it is known without locks. stays: it would be left behind if the parcel were packed now."""

    pk: int
    number: str
    order_number: str
    lead_id: int
    lead_number: str
    consolidation_id: int
    state: str
    stays: bool


def members_of(fulfillment_order_ids: Sequence[int]) -> list[Member]:
    """All members of the parcels that these work orders share with others; the lead first, then by id. One statement."""
    rows = (
        FulfillmentOrder.objects.filter(
            consolidation__in=Consolidation.objects.filter(members__in=list(fulfillment_order_ids))
        )
        .exclude(state__in=GONE)
        .order_by("consolidation_id", "pk")
        .values_list(
            "pk", "number", "order__number", "consolidation__lead_id", "consolidation__lead__number", "consolidation_id", "state", "order__on_hold",
            ShipToKey(F("order__shipping_address")), "consolidation__address_key",
        )
    )  # fmt: skip
    found = [
        Member(
            pk, number, order, lead, lead_number, group, state,
            stays=state in UNCLOSED and (state == S.ON_HOLD or held or key != address_key),
        )
        for pk, number, order, lead, lead_number, group, state, held, key, address_key in rows
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.consolidation_id, one.pk != one.lead_id, one.pk))


def is_rider() -> Q:
    """Work orders whose parcel goes by the label of another."""
    return Q(consolidation__isnull=False) & ~Q(consolidation__lead=F("pk"))
