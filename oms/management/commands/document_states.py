"""Write docs/states.md from the code."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import translation

from core.models import JobState
from core.states import StateMachine
from counts.states import COUNT_MACHINE
from drafts.states import DRAFT_MACHINE
from fulfillment.states import FULFILLMENT_MACHINE, SHIPMENT_MACHINE
from orders.states import Delivery, Fulfillment, HoldKind, Lifecycle, Payment, Returning
from payments.states import CALL_MACHINE, INTENT_MACHINE
from purchasing.states import PURCHASE_MACHINE
from quality.states import CASE_MACHINE
from replenishment.states import ALERT_MACHINE
from returns.states import RETURN_MACHINE
from transfers.states import TRANSFER_MACHINE

PATH = settings.BASE_DIR / "docs" / "states.md"
AXES = {
    "lifecycle": Lifecycle,
    "payment": Payment,
    "fulfillment": Fulfillment,
    "delivery": Delivery,
    "return": Returning,
}
MACHINES = {
    "Draft": DRAFT_MACHINE,
    "Fulfillment order": FULFILLMENT_MACHINE,
    "Shipment": SHIPMENT_MACHINE,
    "Return": RETURN_MACHINE,
    "Transfer": TRANSFER_MACHINE,
    "Purchase order": PURCHASE_MACHINE,
    "Stock count": COUNT_MACHINE,
    "Nonconformance": CASE_MACHINE,
    "Alert": ALERT_MACHINE,
    "Payment through a gateway": INTENT_MACHINE,
    "Call to a gateway": CALL_MACHINE,
}


class Command(BaseCommand):
    help = "Write docs/states.md from the state machines and status functions; a test keeps it current."

    def handle(self, *args: Any, **options: Any) -> None:
        PATH.write_text(states_document())
        self.stdout.write(f"Wrote {PATH.relative_to(settings.BASE_DIR)}.")


def states_document() -> str:
    """The document as Markdown, in English."""
    with translation.override("en"):
        parts = [
            "# States\n\nWritten by `./run manage document_states` from the code; do not edit.\n",
            "## Order\n\nStored for filtering, computed by `orders/status.py` from quantities, amounts, parcels, returns and holds; never set by hand.\n",
            "\n".join(
                [
                    "| axis | values |",
                    "| --- | --- |",
                    *(f"| {name} | {', '.join(axis.values)} |" for name, axis in AXES.items()),
                ]
            )
            + "\n",
            "Holds: " + ", ".join(f"`{kind.value}` ({kind.label})" for kind in HoldKind) + ".\n",
            *(_machine(title, machine) for title, machine in MACHINES.items()),
            "## Job\n",
            f"{', '.join(f'`{state}`' for state in JobState.values)}\n",
            "Queued → running → done or done with errors; failed and cancelled ones can be resumed (`core/jobs.py`).\n",
        ]
    return "\n".join(parts)


def _machine(title: str, machine: StateMachine) -> str:
    rows = [
        f"| {source} | {action} | {target} | {machine.actions[action].permission or ''} |"
        for source, action, target in machine.edges()
    ]
    states = ", ".join(f"`{state}`" for state in machine.labels)
    return (
        "\n".join(
            [f"## {title}\n", f"{states}\n", "| from | action | to | permission |", "| --- | --- | --- | --- |", *rows]
        )
        + "\n"
    )
