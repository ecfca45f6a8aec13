"""What becomes of a label request: the carrier's answers written down, all of one round in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from core import timeline
from core.actors import Actor
from fulfillment.carriers.base import Bought, BuyOutcome, LabelResult, Refused
from fulfillment.models import Consolidation, Document, DocumentKind, FulfillmentOrder, Package, Shipment
from fulfillment.operations.purchases import problem_of
from fulfillment.states import SHIPMENT_MACHINE, FulfillmentState, ShipmentState

#: Work orders whose parcel will not leave: a label of theirs is given back.
NEVER_LEAVES = (FulfillmentState.CANCELLED, FulfillmentState.INCOMPLETE)
_KEPT_TYPES = {"application/pdf": DocumentKind.LABEL_PDF, "application/zpl": DocumentKind.LABEL_ZPL}


@dataclass(frozen=True, slots=True)
class LabelOutcome:
    """What became of one label: the shipment that has it, or the problem as a code and a sentence."""

    number: str
    shipment: Shipment | None = None
    problem: str = ""
    code: str = ""


def settle(answers: Mapping[int, BuyOutcome], *, actor: Actor, now: datetime) -> dict[int, LabelOutcome]:
    """Write what the carrier answered, by shipment id. Safe to repeat: a label that is known already is not counted twice."""
    with transaction.atomic():
        rows = FulfillmentOrder.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=_concerned(answers))
        works = {work_order.pk: work_order for work_order in rows.order_by("pk")}
        book = _Book(actor, now)
        outcomes = {}
        for shipment in Shipment.objects.select_for_update(no_key=True).filter(pk__in=answers).order_by("pk"):
            work_order = works.get(shipment.fulfillment_order_id or 0)
            outcomes[shipment.pk] = book.enter(shipment, work_order, answers[shipment.pk])
        book.write()
    return outcomes


def _concerned(shipment_ids: Iterable[int]) -> list[int]:
    """The work orders of shipments and those that share a parcel with them."""
    own = Shipment.objects.filter(pk__in=list(shipment_ids), fulfillment_order__isnull=False)
    leads = list(own.values_list("fulfillment_order_id", flat=True))
    led = FulfillmentOrder.objects.filter(consolidation__in=Consolidation.objects.filter(lead__in=leads))
    return [*leads, *led.values_list("pk", flat=True)]


@dataclass(slots=True)
class _Book:
    """The rows that answers become, collected and then written together."""

    actor: Actor
    now: datetime
    bought: list[Shipment] = field(default_factory=list)
    failed: list[Shipment] = field(default_factory=list)
    packages: list[Package] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    labelled: list[int] = field(default_factory=list)
    history: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def enter(self, shipment: Shipment, work_order: FulfillmentOrder | None, answer: BuyOutcome) -> LabelOutcome:
        number = work_order.number if work_order else shipment.reference
        if isinstance(answer, Bought):
            if shipment.state == ShipmentState.LABEL_REQUESTED:
                self._buy(shipment, work_order, answer.result)
            elif not shipment.packages.filter(tracking_number=answer.result.tracking_number).exists():
                self._tell("label.duplicate", shipment, number, answer.result.tracking_number)
            return LabelOutcome(number, shipment)
        problem = problem_of(answer)
        shipment.problem, shipment.claim_until = problem[:250], None
        refused = isinstance(answer, Refused)
        if refused and shipment.state == ShipmentState.LABEL_REQUESTED and work_order is not None:
            # Nothing was sold under this reference; the next try is a new intent, with the address as it is then.
            shipment.state = SHIPMENT_MACHINE.check(shipment, "void")
        self.failed.append(shipment)
        return LabelOutcome(number, problem=problem, code="label_refused" if refused else "label_unknown")

    def _buy(self, shipment: Shipment, work_order: FulfillmentOrder | None, result: LabelResult) -> None:
        shipment.state = SHIPMENT_MACHINE.check(shipment, "label_bought")
        shipment.cost, shipment.currency = result.amount, result.currency
        shipment.label = result.label.to_json() if result.label else {}
        shipment.problem, shipment.claim_until = "", None
        grams = result.label.weight_grams if result.label else 0
        self.packages.append(Package(shipment=shipment, tracking_number=result.tracking_number, weight_grams=grams))
        self._keep_documents(shipment, result)
        number = work_order.number if work_order else shipment.reference
        self._tell("label.bought", shipment, number, result.tracking_number)
        if work_order is not None and work_order.state in NEVER_LEAVES:  # cancelled while the carrier was asked
            shipment.state = SHIPMENT_MACHINE.check(shipment, "request_void")
        elif work_order is not None:
            self.labelled.append(work_order.pk)
        self.bought.append(shipment)

    def _keep_documents(self, shipment: Shipment, result: LabelResult) -> None:
        """Labels that the carrier drew itself are kept as they came: they cannot be drawn again."""
        for document in result.documents:
            if document.content_type in _KEPT_TYPES:
                self.documents.append(
                    Document(
                        fulfillment_order_id=shipment.fulfillment_order_id,
                        shipment=shipment,
                        kind=_KEPT_TYPES[document.content_type],
                        content_hash=hashlib.sha256(document.data).hexdigest(),
                        data=document.data,
                    )
                )

    def _tell(self, kind: str, shipment: Shipment, number: str, tracking_number: str) -> None:
        data: dict[str, Any] = {
            "fulfillment_order": number,
            "tracking_number": tracking_number,
            "shipment_id": shipment.pk,
        }
        if shipment.fulfillment_order_id:
            data["fulfillment_order_id"] = shipment.fulfillment_order_id
        self.history.append((f"order:{shipment.order_id}", kind, data))

    def write(self) -> None:
        if self.bought:
            columns = ["state", "cost", "currency", "label", "problem", "claim_until"]
            Shipment.objects.bulk_update(self.bought, columns)
        for shipment in self.failed:
            shipment.save(update_fields=["state", "problem", "claim_until"])
        Package.objects.bulk_create(self.packages)
        Document.objects.bulk_create(self.documents)
        if self.labelled:
            FulfillmentOrder.objects.filter(pk__in=self.labelled).update(has_label=True)
            led = Consolidation.objects.filter(lead__in=self.labelled)
            FulfillmentOrder.objects.filter(consolidation__in=led).exclude(state__in=NEVER_LEAVES).update(
                has_label=True
            )
        if self.history:
            timeline.record_many(self.history, actor=self.actor, at=self.now)
