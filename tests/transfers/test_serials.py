"""Serial numbers leave with a transfer's units and arrive with them; who is at the dock is asked when nobody can know which."""

from __future__ import annotations

from typing import Any

import pytest

from core.refusals import Invalid, Refusal
from inventory.models import SerialNumber, StockLevel
from inventory.operations.auditing import audit_stock
from inventory.operations.lots import set_tracking
from inventory.operations.serials import receive_units, take_out_units
from oms.integrity import check_integrity
from tests.factories.shop import give_stock, make_location, make_variant
from tests.transfers.factory import WHO
from transfers.models import Arrival, Transfer
from transfers.operations import (
    Arrived,
    NewTransfer,
    Settled,
    create_transfer,
    dispatch_transfer,
    find_again,
    make_ready,
    receive_transfer,
    settle_missing,
    undo_arrival,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def made() -> Transfer:
    """Three phones SN-1 to SN-3 and one without a number at the origin; two units are to go."""
    return ready(2)


def ready(units: int, *, without: int = 1) -> Transfer:
    phone, here, there = make_variant("PHONE"), make_location("Here"), make_location("There")
    set_tracking(variant_id=phone.pk, tracking="serial", **WHO)
    receive_units(
        variant_id=phone.pk, location_id=here.pk, serials=["SN-1", "SN-2", "SN-3"], key="1" * 32, **WHO
    )  # fmt: skip
    if without:
        give_stock(phone, here, without)
    found = create_transfer(NewTransfer(here.pk, there.pk, ((phone.pk, units),)), **WHO)
    return make_ready(transfer_id=found.pk, **WHO)


def where() -> dict[str, str]:
    rows = SerialNumber.objects.select_related("location").order_by("serial")
    return {row.serial: row.location.name if row.location else row.state for row in rows}


def send(made: Transfer, *serials: str, units: int | None = None) -> Any:
    line = made.lines.get()
    dispatch_transfer(
        transfer_id=made.pk, units=units and {line.pk: units}, serials={line.pk: serials}, **WHO
    )  # fmt: skip
    return made.lines.get()


def receive(made: Transfer, units: int, *serials: str, **why: str) -> None:
    arrived = Arrived(made.lines.get().pk, units, serials=serials, **why)
    receive_transfer(transfer_id=made.pk, arrived=[arrived], key=f"k{Arrival.objects.count()}", **WHO)


def clean() -> bool:
    return audit_stock() == [] and check_integrity()[1] == []


def test_named_numbers_leave_and_arrive(made: Transfer) -> None:
    send(made, "SN-1", "SN-3")
    assert where() == {"SN-1": "in_transit", "SN-2": "Here", "SN-3": "in_transit"}
    receive(made, 1, "SN-3")
    receive(made, 1)  # the last one, which needs no name
    assert where() == {"SN-1": "There", "SN-2": "Here", "SN-3": "There"}
    assert clean()


def test_who_sends_is_asked_when_nobody_can_know(made: Transfer) -> None:
    line = made.lines.get()
    with pytest.raises(Invalid) as refused:
        send(made)
    assert refused.value.code == "serials_needed" and refused.value.field == f"serials-{line.pk}"
    assert "PHONE" in refused.value.message and "1 more" in refused.value.message
    send(made, "SN-2")  # the other one has no number
    assert where()["SN-2"] == "in_transit" and clean()


def test_all_of_them_leave_without_being_named() -> None:
    made = ready(4)
    send(made)
    assert set(where().values()) == {"in_transit"}
    receive(made, 4)
    assert set(where().values()) == {"There"} and clean()


def test_a_part_that_arrives_is_named() -> None:
    made = ready(4)
    send(made)
    with pytest.raises(Invalid) as refused:
        receive(made, 2)
    assert refused.value.code == "serials_needed" and refused.value.field == f"serials-{made.lines.get().pk}"
    with pytest.raises(Invalid):
        receive(made, 2, "SN-9", "SN-1")
    receive(made, 2, "SN-1")
    assert where() == {"SN-1": "There", "SN-2": "in_transit", "SN-3": "in_transit"} and clean()


@pytest.mark.parametrize(("reason", "then"), [("lost", "gone"), ("back", "Here")])
def test_what_never_comes_takes_its_numbers_along(reason: str, then: str) -> None:
    made = ready(3, without=0)
    line = send(made)
    receive(made, 1, "SN-2")
    settle_missing(
        transfer_id=made.pk, settled=[Settled(line.pk, 1, reason, serials=("SN-3",))], **WHO
    )  # fmt: skip
    assert where() == {"SN-1": "in_transit", "SN-2": "There", "SN-3": then} and clean()


def test_what_turns_up_has_its_number_again() -> None:
    made = ready(3, without=0)
    line = send(made)
    settle_missing(transfer_id=made.pk, settled=[Settled(line.pk, 3, "lost")], **WHO)
    assert set(where().values()) == {"gone"}
    find_again(transfer_id=made.pk, line_id=line.pk, quantity=1, place="destination", serials=["SN-2"], **WHO)
    find_again(transfer_id=made.pk, line_id=line.pk, quantity=2, place="origin", **WHO)
    assert where() == {"SN-1": "Here", "SN-2": "There", "SN-3": "Here"} and clean()


def test_a_receipt_taken_back_takes_its_numbers_back(made: Transfer) -> None:
    send(made, "SN-1")
    receive(made, 3, "SN-1", "SN-3", over_reason="sent_more")
    assert where() == {"SN-1": "There", "SN-2": "Here", "SN-3": "There"} and clean()
    undo_arrival(arrival_id=Arrival.objects.get().pk, **WHO)
    assert where() == {"SN-1": "in_transit", "SN-2": "Here", "SN-3": "Here"} and clean()


def test_a_number_that_has_gone_on_cannot_be_taken_back(made: Transfer) -> None:
    send(made, "SN-1", "SN-2")
    receive(made, 2)
    there = made.destination_id
    take_out_units(
        variant_id=made.lines.get().variant_id, location_id=there, serials=["SN-1"], reason="lost", **WHO
    )  # fmt: skip
    before = list(StockLevel.objects.order_by("pk").values_list("on_hand", "incoming"))
    with pytest.raises(Refusal):
        undo_arrival(arrival_id=Arrival.objects.get().pk, **WHO)
    assert list(StockLevel.objects.order_by("pk").values_list("on_hand", "incoming")) == before


def test_a_number_of_another_place_does_not_leave(made: Transfer) -> None:
    with pytest.raises(Refusal):
        send(made, "SN-9", "SN-1")
    with pytest.raises(Invalid):
        send(made, "SN-1", "SN-2", "SN-3")
    assert set(where().values()) == {"Here"}


def test_numbers_forgotten_on_the_way_arrive_as_plain_units(made: Transfer) -> None:
    send(made, "SN-1", "SN-2")
    set_tracking(variant_id=made.lines.get().variant_id, tracking="none", merge=True, **WHO)
    receive(made, 1)
    set_tracking(variant_id=made.lines.get().variant_id, tracking="serial", **WHO)
    receive(made, 1)
    assert set(where().values()) == {"gone"} and clean()


def test_the_pages_ask_for_them_and_take_them(made: Transfer, client_as: Any) -> None:
    client, line = client_as("warehouse"), made.lines.get()
    page = f"/transfers/{made.pk}/"
    assert f'name="serials-{line.pk}"' in client.get(page).content.decode()
    version = Transfer.objects.get(pk=made.pk).version
    sent = {"version": version, f"quantity-{line.pk}": 2}
    refused = client.post(f"{page}dispatch/", sent)
    assert refused.status_code == 422 and "2 more are needed" not in refused.content.decode()
    assert "1 more is needed" in refused.content.decode()
    client.post(f"{page}dispatch/", sent | {f"serials-{line.pk}": "SN-1\r\nSN-2\r\n"})
    assert where()["SN-2"] == "in_transit"
    dock = f"/transfers/{made.pk}/receive/"
    client.post(dock, {"code": "PHONE"})
    form = client.get(dock).context["form"]
    post = {"action": "post", "key": form["key"].value(), f"serials-{line.pk}": "SN-2"}
    client.post(dock, post)
    assert where() == {"SN-1": "in_transit", "SN-2": "There", "SN-3": "Here"} and clean()
