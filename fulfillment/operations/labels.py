"""Labels, each bought exactly once.

The intent comes first: a shipment row with our own reference, committed before the carrier hears of it. Then the
purchase, outside any transaction. Then its outcome. A crash between purchase and outcome leaves an intent without an
answer; whoever comes next asks the carrier what it has under that reference before buying. A claim on the intent, with
a time limit, keeps two buyers of the same label apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from django.db import transaction
from django.db.models import F, Sum
from django.utils.translation import gettext as _

from core import formats
from core.actors import Actor
from core.refusals import NotFound, Refusal, Stale
from fulfillment.members import Member
from fulfillment.models import Direction, FulfillmentLine, FulfillmentOrder, Shipment
from fulfillment.operations.groups import tidy_groups
from fulfillment.operations.label_outcomes import LabelOutcome, settle
from fulfillment.operations.purchases import DEFAULT_CARRIER, Intent, ask_carrier
from fulfillment.operations.work import is_held, why_held
from fulfillment.states import FULFILLMENT_MACHINE, ShipmentState

#: How long the carrier is given before somebody else may take over; longer than any carrier's own time limit.
CLAIM = timedelta(seconds=90)
#: A live shipment in one of these has no label that could be used.
_NOT_BOUGHT = (ShipmentState.LABEL_REQUESTED, ShipmentState.VOID_REQUESTED)


def live_shipment(fulfillment_order_id: int, *, lock: bool = False) -> Shipment | None:
    """The outbound shipment of a work order that is not given back."""
    rows = Shipment.objects.filter(fulfillment_order_id=fulfillment_order_id, direction=Direction.OUTBOUND)
    rows = rows.exclude(state__in=(ShipmentState.VOID_REQUESTED, ShipmentState.VOIDED))
    return (rows.select_for_update(no_key=True) if lock else rows).first()


def buy_label(*, fulfillment_order_id: int, actor: Actor, now: datetime) -> Shipment:
    """The label of one work order, bought if it has none.

    Raises NotFound; Stale `label_being_bought`, which says who is at it; Refusal with what the carrier or the state says.
    """
    return _shipment_of(
        buy_labels(fulfillment_order_ids=[fulfillment_order_id], actor=actor, now=now)[fulfillment_order_id]
    )


def buy_labels(*, fulfillment_order_ids: Sequence[int], actor: Actor, now: datetime) -> dict[int, LabelOutcome]:
    """The labels of many work orders, each bought once at most; what cannot be had says why and does not stop the others.

    Work orders that share a parcel have one label, the lead's, with the weight of all. Not for use inside a transaction: the
    intents must be committed before the carrier is asked.
    """
    members = tidy_groups(fulfillment_order_ids, actor=actor, now=now)
    lead_of = {one.pk: one.lead_id for one in members}
    leads = list(dict.fromkeys(lead_of.get(pk, pk) for pk in fulfillment_order_ids))
    outcomes, intents = _intend(leads, members, actor=actor, now=now)
    outcomes |= _buy(intents, actor=actor, now=now)
    return {pk: outcomes[lead_of.get(pk, pk)] for pk in fulfillment_order_ids}


def buy_return_label(*, shipment_id: int, weight_grams: int = 0, actor: Actor, now: datetime) -> Shipment:
    """The label of a return shipment whose intent is committed, bought if it has none. Raises as `buy_label`."""
    with transaction.atomic():
        rows = Shipment.objects.select_for_update(of=("self",), no_key=True).select_related("order")
        shipment = rows.filter(pk=shipment_id, direction=Direction.RETURN).first()
        if shipment is None:
            raise NotFound("no_such_shipment", _("There is no such shipment."))
        if shipment.state != ShipmentState.LABEL_REQUESTED:
            return shipment
        if problem := _being_bought(shipment, now=now):
            raise Stale("label_being_bought", problem)
        intent = Intent(shipment, weight_grams, asked_before=shipment.claim != "")
        _claim(shipment, actor=actor, now=now)
    answers = {shipment.pk: ask_carrier(intent, now=now)}
    return _shipment_of(settle(answers, actor=actor, now=now)[shipment.pk])


def _shipment_of(outcome: LabelOutcome) -> Shipment:
    if outcome.shipment is not None:
        return outcome.shipment
    if outcome.code == "no_such_fulfillment_order":
        raise NotFound(outcome.code, outcome.problem)
    if outcome.code == "label_being_bought":
        raise Stale(outcome.code, outcome.problem)
    raise Refusal(outcome.code, outcome.problem)


def _buy(intents: Sequence[Intent], *, actor: Actor, now: datetime) -> dict[int, LabelOutcome]:
    """Ask the carrier for each, outside any transaction, and write what it said; by fulfillment order id."""
    if not intents:
        return {}
    answers = {intent.shipment.pk: ask_carrier(intent, now=now) for intent in intents}
    outcomes = settle(answers, actor=actor, now=now)
    return {cast(int, intent.shipment.fulfillment_order_id): outcomes[intent.shipment.pk] for intent in intents}


def _intend(
    fulfillment_order_ids: Sequence[int], members: Sequence[Member], *, actor: Actor, now: datetime
) -> tuple[dict[int, LabelOutcome], list[Intent]]:
    """Commit the intents: (outcomes that are known already, what is to be asked)."""
    outcomes: dict[int, LabelOutcome] = {}
    again: list[Shipment] = []
    new: list[Shipment] = []
    with transaction.atomic():
        found, live, parts = _lock_for_labels(fulfillment_order_ids)
        for pk in dict.fromkeys(fulfillment_order_ids):
            work_order, shipment = found.get(pk), live.get(pk)
            if work_order is None:
                problem = _("There is no such fulfillment order.")
                outcomes[pk] = LabelOutcome("", problem=problem, code="no_such_fulfillment_order")
            elif shipment is not None and shipment.state not in _NOT_BOUGHT:
                outcomes[pk] = LabelOutcome(work_order.number, shipment)
            elif refusal := _why_not(work_order, shipment, now=now):
                outcomes[pk] = refusal
            elif shipment is None:
                new.append(_new_shipment(work_order, parts[pk] + 1, actor=actor, now=now))
            else:
                shipment.order = work_order.order
                again.append(_claim(shipment, actor=actor, now=now))
        Shipment.objects.bulk_create(new)
    weights = _weights([cast(int, shipment.fulfillment_order_id) for shipment in (*again, *new)], members)
    intents = [Intent(s, weights.get(s.fulfillment_order_id or 0, 0), asked_before=True) for s in again]
    return outcomes, intents + [Intent(s, weights.get(s.fulfillment_order_id or 0, 0), asked_before=False) for s in new]


def _lock_for_labels(
    ids: Sequence[int],
) -> tuple[dict[int, FulfillmentOrder], dict[int | None, Shipment], Counter[int]]:
    """Locked work orders, their locked live shipments, and how many shipments each has had."""
    rows = FulfillmentOrder.objects.select_for_update(of=("self",), no_key=True).select_related("order", "location")
    found = {work_order.pk: work_order for work_order in rows.filter(pk__in=ids).order_by("pk")}
    shipments = Shipment.objects.select_for_update(no_key=True).filter(
        fulfillment_order_id__in=found, direction=Direction.OUTBOUND
    )
    live: dict[int | None, Shipment] = {}
    parts: Counter[int] = Counter()
    for shipment in shipments.order_by("pk"):
        parts[cast(int, shipment.fulfillment_order_id)] += 1
        if shipment.state != ShipmentState.VOIDED:
            live[shipment.fulfillment_order_id] = shipment
    return found, live, parts


def _why_not(work_order: FulfillmentOrder, shipment: Shipment | None, *, now: datetime) -> LabelOutcome | None:
    number = work_order.number
    lines = list(work_order.lines.filter(quantity__gt=0)) if work_order.order.on_hold else []
    if is_held(work_order.order, work_order, lines):
        return LabelOutcome(number, problem=why_held(work_order.order, lines), code="on_hold")
    if shipment is not None and shipment.state == ShipmentState.VOID_REQUESTED:
        return LabelOutcome(
            number, problem=_("Its old label is being voided; try again in a minute."), code="label_being_voided"
        )
    if shipment is not None and (problem := _being_bought(shipment, now=now)):
        return LabelOutcome(number, problem=problem, code="label_being_bought")
    if reason := FULFILLMENT_MACHINE.why_not(work_order, "print"):
        return LabelOutcome(number, problem=reason, code="wrong_state")
    return None


def _being_bought(shipment: Shipment, *, now: datetime) -> str | None:
    if shipment.claim_until is None or shipment.claim_until <= now:
        return None
    since = formats.exact(shipment.claim_until - CLAIM)
    return _("{who} is buying its label, since {when}. Look again in a moment.").format(who=shipment.claim, when=since)


def _claim(shipment: Shipment, *, actor: Actor, now: datetime) -> Shipment:
    shipment.claim, shipment.claim_until = actor.label[:120], now + CLAIM
    shipment.save(update_fields=["claim", "claim_until"])
    return shipment


def _new_shipment(work_order: FulfillmentOrder, part: int, *, actor: Actor, now: datetime) -> Shipment:
    order = work_order.order
    return Shipment(
        fulfillment_order=work_order,
        order=order,
        reference=f"{work_order.number}-{part}",
        carrier=DEFAULT_CARRIER,
        service=work_order.service,
        ship_from=work_order.location.address,
        ship_to=order.shipping_address,
        created_at=now,
        expected_from=work_order.expected_from,
        expected_on=work_order.expected_on,
        claim=actor.label[:120],
        claim_until=now + CLAIM,
    )


def _weights(fulfillment_order_ids: Sequence[int], members: Sequence[Member]) -> dict[int, int]:
    """Fulfillment order id → weight in grams of the units in its parcel: its own and those of the members it leads."""
    lead_of = {one.pk: one.lead_id for one in members if one.lead_id in fulfillment_order_ids}
    rows = FulfillmentLine.objects.filter(fulfillment_order_id__in=[*fulfillment_order_ids, *lead_of])
    weights: Counter[int] = Counter()
    for pk, grams in rows.values_list("fulfillment_order_id").annotate(
        grams=Sum(F("quantity") * F("order_line__weight_grams"))
    ):
        weights[lead_of.get(pk, pk)] += grams
    return weights
