"""The queue, the work order's page, the floor screens and the papers, as people of each role meet them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.actors import Actor
from core.jobs import run_job
from core.models import Job, OutboxEvent, Shop, User
from core.permissions import MATRIX, Role
from fulfillment.carriers.base import TrackingUpdate
from fulfillment.models import FulfillmentLine, FulfillmentOrder, IssuedNumber, Shipment
from fulfillment.operations.packing import pack_all
from fulfillment.operations.picking import start_picking
from fulfillment.operations.shipping import ship_fulfillment_order
from fulfillment.operations.tracking import record_tracking
from oms.orchestration.hold_order import hold_order
from tests.factories.fulfillment import make_work, make_works

pytestmark = pytest.mark.django_db
BEN = Actor("user", "2", "Ben Packer")
As = Callable[[str], Client]


def url(name: str, work: FulfillmentOrder, *more: str) -> str:
    return reverse(name, args=[work.pk, *more])


def text(response: Any) -> str:
    return response.content.decode()


def state(work: FulfillmentOrder) -> str:
    return FulfillmentOrder.objects.values_list("state", flat=True).get(pk=work.pk)


def skus(work: FulfillmentOrder) -> list[str]:
    return list(work.lines.order_by("order_line__position").values_list("order_line__sku", flat=True))


# ---- the queue -------------------------------------------------------------------------------------------------------


def test_the_queue_has_a_tab_for_each_state(client_as: As, now: datetime) -> None:
    works = make_works(5)
    start_picking(fulfillment_order_id=works[1].pk, actor=BEN, now=now)
    pack_all(fulfillment_order_id=works[2].pk, actor=BEN, now=now)
    hold_order(order_id=works[3].order_id, kind="fraud", reason="", actor=BEN, now=now)
    ship_fulfillment_order(fulfillment_order_id=works[4].pk, actor=BEN, now=timezone.now(), fast_forward=True)
    FulfillmentOrder.objects.filter(pk=works[2].pk).update(ship_by=timezone.now() - timedelta(hours=1))
    FulfillmentOrder.objects.exclude(pk=works[2].pk).update(ship_by=timezone.now() + timedelta(days=1))
    client = client_as("warehouse")
    shown = {}
    for tab in ("to-pick", "picking", "picked", "packed", "late", "on-hold", "shipped-today", "all"):
        page = text(client.get(reverse("fulfillment"), {"tab": tab}))
        shown[tab] = [n for n, work in enumerate(works) if f">{work.number}<" in page]
    assert shown == {
        "to-pick": [0], "picking": [1], "picked": [], "packed": [2], "late": [2], "on-hold": [3], "shipped-today": [4], "all": [0, 1, 2, 3, 4],
    }  # fmt: skip


def test_work_is_found_by_its_number_its_order_and_its_sku(client_as: As) -> None:
    wanted, other = make_work([("FIND-ME", 1)]), make_work([("NOT-ME", 1)])
    client = client_as("viewer")
    for query in (wanted.number, wanted.number.lower(), wanted.order.number, "find-me"):
        page = text(client.get(reverse("fulfillment"), {"q": query}))
        assert (f">{wanted.number}<" in page, f">{other.number}<" in page) == (True, False), query
    page = text(client.get(reverse("fulfillment"), {"sku": "find-me"}))
    assert f">{wanted.number}<" in page
    assert f">{other.number}<" not in page


def test_the_location_switch_shows_its_own_work(client_as: As) -> None:
    here, there = make_works(1)[0], make_works(1)[0]
    page = text(client_as("warehouse").get(reverse("fulfillment"), {"location": here.location_id}))
    assert f">{here.number}<" in page
    assert f">{there.number}<" not in page
    assert there.location.name in page


def test_the_queue_asks_as_many_questions_for_one_row_as_for_many(client_as: As) -> None:
    client = client_as("owner")
    counts = []
    for more in (1, 4):
        make_works(more)
        client.get(reverse("fulfillment"))
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("fulfillment"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def bulk(client: Client, action: str, works: list[FulfillmentOrder], **more: str) -> Any:
    data = {"action": action, "id": [str(work.pk) for work in works], "confirmed": "1", **more}
    return client.post(reverse("fulfillment") + "?tab=all", data)


def test_the_chosen_are_printed_by_a_job(client_as: As) -> None:
    works = make_works(2)
    assert bulk(client_as("warehouse"), "print", works, what="both_4x6").status_code == 200
    job = Job.objects.get(kind="print")
    assert job.params["kinds"] == ["label_pdf", "slip_4x6"]
    assert set(job.params["ids"]) == {work.pk for work in works}
    done = run_job(job.pk, clock=timezone.now)
    assert done is not None
    assert done.state == "done"


def test_the_chosen_are_taken_and_the_others_named(client_as: As, now: datetime) -> None:
    works = make_works(2)
    start_picking(fulfillment_order_id=works[0].pk, actor=BEN, now=now)
    page = text(bulk(client_as("warehouse"), "start_picking", works))
    assert (state(works[0]), state(works[1])) == ("picking", "picking")
    assert "Ben Packer is picking it" in page


def test_the_chosen_ship_and_a_pick_list_is_made(client_as: As) -> None:
    works = make_works(2)
    client = client_as("warehouse")
    bulk(client, "pick_list", works)
    assert Job.objects.filter(kind="pick_list").count() == 1
    bulk(client, "ship", works)
    assert {state(work) for work in works} == {"shipped"}


# ---- one work order --------------------------------------------------------------------------------------------------


def test_the_page_shows_contents_actions_and_reasons(client_as: As, now: datetime) -> None:
    work = make_work([("A", 2), ("B", 1)])
    page = text(client_as("warehouse").get(url("fulfillment-order", work)))
    for part in (
        work.number,
        work.order.number,
        "A-1",
        "A-2",
        "Start picking",
        "Not possible while it is “Ready to pick”",
    ):
        assert part in page
    hold_order(order_id=work.order_id, kind="address", reason="House number?", actor=BEN, now=now)
    assert "On hold: Address problem (House number?)." in text(
        client_as("warehouse").get(url("fulfillment-order", work))
    )


def test_the_page_asks_as_many_questions_for_one_line_as_for_many(client_as: As, now: datetime) -> None:
    client = client_as("owner")
    counts = []
    client.get(url("fulfillment-order", make_work()))
    for size in (1, 5):
        work = make_work([("", 1)] * size)
        ship_fulfillment_order(fulfillment_order_id=work.pk, actor=BEN, now=now, fast_forward=True)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url("fulfillment-order", work)).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def act(client: Client, work: FulfillmentOrder, action: str, version: int | None = None) -> Any:
    data = {"action": action, **({"version": str(version)} if version is not None else {})}
    return client.post(url("fulfillment-order-action", work), data, follow=True)


def test_the_day_of_one_parcel_at_the_desk(client_as: As) -> None:
    work, client = make_work(), client_as("warehouse")
    for action in ("start_picking", "finish_picking", "pack"):
        act(client, work, action)
    client.post(url("print", work), {"what": "both_a4"})
    assert "is shipped" in text(act(client, work, "ship"))
    assert state(work) == "shipped"
    shipment = Shipment.objects.get()
    reported = TrackingUpdate("in_transit", timezone.now(), "Seen in <b>Łódź</b>", "Łódź")
    record_tracking(shipment_id=shipment.pk, updates=[reported], actor=BEN, now=timezone.now())
    page = text(client.get(url("fulfillment-order", work)))
    for part in (
        shipment.label["tracking_number"],
        "Parcel Post",
        "Seen in &lt;b&gt;Łódź",
        "warehouse-tester shipped it",
    ):
        assert part in page


def test_an_action_on_an_old_page_is_refused_with_who_and_when(client_as: As, now: datetime) -> None:
    work = make_work()
    pack_all(fulfillment_order_id=work.pk, actor=BEN, now=now)
    page = text(act(client_as("warehouse"), work, "start_picking", work.version))
    assert "Ben Packer packed it" in page


def test_a_double_click_does_it_once(client_as: As, now: datetime) -> None:
    work, client = make_work(), client_as("warehouse")
    pack_all(fulfillment_order_id=work.pk, actor=BEN, now=now)
    client.post(url("print", work), {"what": "labels"})
    client.post(url("print", work), {"what": "labels"})
    for _n in range(2):
        page = text(act(client, work, "ship"))
    assert "shipped it" in page
    assert OutboxEvent.objects.filter(name="fulfillment.shipped").count() == 1
    assert IssuedNumber.objects.count() == 1


def test_missing_units_are_reported_from_the_pick_screen(client_as: As) -> None:
    work, client = make_work([("GONE", 2), ("B", 1)]), client_as("warehouse")
    line = work.lines.get(order_line__sku="GONE")
    response = client.post(
        url("fulfillment-missing", work), {"line": line.pk, "units": "1", "back": "pick"}, follow=True
    )
    assert response.redirect_chain[-1][0] == url("pick", work)
    assert FulfillmentLine.objects.get(pk=line.pk).quantity == 1
    page = text(client.post(url("fulfillment-missing", work), {"line": line.pk, "units": "x"}, follow=True))
    assert "How many units were not found?" in page
    page = text(
        client.post(url("fulfillment-missing", work), {"line": make_work().lines.first().pk, "units": "1"}, follow=True)
    )
    assert "not part of" in page


# ---- the floor -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("htmx", [False, True])
def test_a_parcel_is_packed_by_scans_and_leaves_by_one_key(client_as: As, htmx: bool) -> None:
    work, client = make_work([("A", 1), ("B", 1)]), client_as("warehouse")
    headers = {"HX-Request": "true", "HX-Target": "task"} if htmx else {}

    def post(**data: str) -> str:
        return text(client.post(url("pack", work), data, headers=headers, follow=True))

    assert 'data-beep="right"' in post(code="A")
    wrong = post(code="ELSEWHERE")
    assert 'data-beep="wrong"' in wrong
    assert "ELSEWHERE does not belong in this parcel." in wrong
    assert "Put this one back" in post(code="a")
    last = post(code="B")
    assert 'data-beep="done"' in last
    assert "Print and ship" in last
    shipped = post(action="ship")
    assert state(work) == "shipped"
    assert "Label and slip" in shipped
    assert ("<html" in shipped) is not htmx
    assert "shipped it" in post(action="ship"), "the second press is told who did"
    assert IssuedNumber.objects.count() == 1


def test_a_fragment_is_the_part_of_the_page(client_as: As) -> None:
    work, client = make_work(), client_as("warehouse")
    for name in ("pick", "pack"):
        fragment = text(client.post(url(name, work), {"code": skus(work)[0]}, headers={"HX-Request": "true"}))
        page = text(client.get(url(name, work)))
        tail = fragment[fragment.index("<progress") :].split("csrf")[0]
        assert tail.strip() in page


def test_scanning_the_parcels_own_number_ships_it_and_another_opens_that(client_as: As) -> None:
    works, client = make_works(2), client_as("warehouse")
    pack_all(fulfillment_order_id=works[0].pk, actor=BEN, now=timezone.now())
    response = client.post(url("pack", works[0]), {"code": works[1].number}, headers={"HX-Request": "true"})
    assert response["HX-Redirect"] == url("pack", works[1])
    assert client.post(url("pack", works[0]), {"code": works[1].number.lower()})["Location"] == url("pack", works[1])
    client.post(url("pack", works[0]), {"code": works[0].number})
    assert state(works[0]) == "shipped"
    unpacked = text(client.post(url("pack", works[1]), {"code": works[1].number}, follow=True))
    assert 'data-beep="wrong"' in unpacked
    assert state(works[1]) == "open"


def test_the_pack_station_opens_what_is_scanned(client_as: As) -> None:
    work, client = make_work(), client_as("warehouse")
    assert work.number in text(client.get(reverse("pack-station")))
    assert client.post(reverse("pack-station"), {"code": f" {work.number} "})["Location"] == url("pack", work)
    page = text(client.post(reverse("pack-station"), {"code": "F999-9"}, follow=True))
    assert "There is no work order F999-9." in page


def test_two_packers_at_one_parcel_see_each_others_work(client_as: As, now: datetime) -> None:
    work = make_work([("A", 1), ("B", 1)])
    first, second = client_as("warehouse"), client_as("operations")
    first.post(url("pack", work), {"code": "A"})
    assert "1 / 1" in text(second.get(url("pack", work)))
    assert "are in already" in text(second.post(url("pack", work), {"code": "A"}, follow=True))
    second.post(url("pack", work), {"action": "all"})
    page = text(first.post(url("pack", work), {"code": "B"}, follow=True))
    assert "operations-tester packed it" in page


def test_a_hold_during_packing_stops_the_packer(client_as: As, now: datetime) -> None:
    work, client = make_work([("A", 2)]), client_as("warehouse")
    client.post(url("pack", work), {"code": "A"})
    hold_order(order_id=work.order_id, kind="fraud", reason="", actor=BEN, now=now)
    page = text(client.post(url("pack", work), {"code": "A"}, follow=True))
    assert "On hold: Fraud check." in page
    assert 'data-beep="wrong"' in page
    assert "Everything is in the parcel" not in page


def test_a_picker_walks_the_bins_with_scans_and_buttons(client_as: As) -> None:
    work, client = make_work([("A", 2), ("B", 1)]), client_as("warehouse")
    page = text(client.get(url("pick", work)))
    assert page.index("A-1") < page.index("A-2")
    client.post(url("pick", work), {"code": "A"})
    line = work.lines.get(order_line__sku="A")
    client.post(url("pick", work), {"action": "line", "line": str(line.pk)})
    assert "Everything is picked" in text(client.post(url("pick", work), {"action": "finish"}, follow=True))
    assert state(work) == "picked"
    assert "Pack it" in text(client.get(url("pick", work)))
    bad = text(client.post(url("pick", work), {"action": "line", "line": "9" * 30}, follow=True))
    assert "not part of this parcel" in bad


def test_the_scan_of_a_stranger_is_shown_as_text(client_as: As) -> None:
    work, client = make_work(), client_as("warehouse")
    page = text(client.post(url("pack", work), {"code": "<img src=x onerror=alert(1)>"}, follow=True))
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


# ---- papers ----------------------------------------------------------------------------------------------------------


def test_papers_open_in_the_browser_and_are_never_cached(client_as: As, now: datetime) -> None:
    work, client = make_work(), client_as("warehouse")
    assert client.get(url("fulfillment-paper", work, "label_pdf")).status_code == 409
    ship_fulfillment_order(fulfillment_order_id=work.pk, actor=BEN, now=now, fast_forward=True)
    for kind, begins in (
        ("label_pdf", b"%PDF"),
        ("slip_a4", b"%PDF"),
        ("slip_4x6", b"%PDF"),
        ("label_and_slip", b"%PDF"),
        ("label_zpl", b"^XA"),
    ):
        response = client.get(url("fulfillment-paper", work, kind))
        assert (response.status_code, response.content[: len(begins)]) == (200, begins)
        assert response["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in response["Cache-Control"]
    assert client.get(url("fulfillment-paper", work, "return_label_pdf")).status_code == 404


def test_the_slip_is_a_page_too(client_as: As) -> None:
    work = make_work([("A", 2)])
    page = text(client_as("viewer").get(url("fulfillment-slip", work)))
    for part in (work.number, work.order.number, "A", work.order.token):
        assert part in page


def test_the_shops_paper_is_offered_first(client_as: As) -> None:
    Shop.objects.update_or_create(id=1, defaults={"name": "Shop", "slip_paper": "4x6"})
    work = make_work()
    assert '<option value="both_4x6" selected>' in text(client_as("warehouse").get(url("fulfillment-order", work)))


# ---- who may ---------------------------------------------------------------------------------------------------------

GETS = [
    ("fulfillment", None, "fulfillment.view"), ("fulfillment-order", (), "fulfillment.view"), ("fulfillment-slip", (), "fulfillment.view"),
    ("pick", (), "fulfillment.pick"), ("pack", (), "fulfillment.pack"), ("pack-station", None, "fulfillment.pack"),
    ("fulfillment-paper", ("slip_a4",), "fulfillment.print"),
]  # fmt: skip
POSTS: list[tuple[str, tuple[str, ...] | None, dict[str, str], str]] = [
    ("fulfillment-order-action", (), {"action": "start_picking"}, "fulfillment.pick"),
    ("fulfillment-order-action", (), {"action": "finish_picking"}, "fulfillment.pick"),
    ("fulfillment-order-action", (), {"action": "pack"}, "fulfillment.pack"),
    ("fulfillment-order-action", (), {"action": "ship"}, "fulfillment.ship"),
    ("fulfillment-missing", (), {"line": "1", "units": "1"}, "fulfillment.pick"),
    ("pick", (), {"action": "finish"}, "fulfillment.pick"),
    ("pack", (), {"action": "all"}, "fulfillment.pack"),
    ("pack", (), {"action": "ship"}, "fulfillment.ship"),
    ("pack-station", None, {"code": "F1-1"}, "fulfillment.pack"),
    ("print", (), {"what": "labels"}, "fulfillment.print"),
    ("fulfillment", None, {"action": "print", "what": "labels", "confirmed": "1"}, "fulfillment.print"),
    ("fulfillment", None, {"action": "start_picking"}, "fulfillment.pick"),
    ("fulfillment", None, {"action": "pick_list"}, "fulfillment.pick"),
    ("fulfillment", None, {"action": "ship", "confirmed": "1"}, "fulfillment.ship"),
]


def address(name: str, args: tuple[str, ...] | None, work: FulfillmentOrder) -> str:
    return reverse(name) if args is None else reverse(name, args=[work.pk, *args])


@pytest.mark.parametrize(("name", "args", "permission"), GETS)
def test_pages_open_for_those_who_may_and_change_nothing(
    name: str, args: tuple[str, ...] | None, permission: str, client_as: As
) -> None:
    work = make_work()
    path = address(name, args, work)
    assert Client().get(path)["Location"].startswith(reverse("login"))
    for role in Role.values:
        assert client_as(role).get(path).status_code == (200 if role in MATRIX[permission] else 403), role
    assert client_as("owner").get(path.replace(f"/{work.pk}/", "/999999999/")).status_code == (
        200 if args is None else 404
    )
    work.refresh_from_db()
    assert (work.state, work.version) == ("open", 1)


@pytest.mark.parametrize(("name", "args", "data", "permission"), POSTS)
def test_only_those_who_may_can_do_it(
    name: str, args: tuple[str, ...] | None, data: dict[str, str], permission: str, client_as: As
) -> None:
    work = make_work()
    path, data = address(name, args, work), data | {"id": str(work.pk)}
    before = FulfillmentOrder.objects.values().get(pk=work.pk)
    assert Client().post(path, data)["Location"].startswith(reverse("login"))
    for role in sorted(set(Role.values) - MATRIX[permission]):
        assert client_as(role).post(path, data).status_code == 403, role
    inactive = client_as("warehouse")
    User.objects.filter(username="warehouse-tester").update(role="viewer")
    assert inactive.post(path, data).status_code == 403, "a right that was taken away is gone at once"
    assert FulfillmentOrder.objects.values().get(pk=work.pk) == before
    assert not Job.objects.exists()
    assert not Shipment.objects.exists()
    for role in MATRIX[permission]:
        User.objects.filter(username=f"{role}-tester").update(role=role)
        assert client_as(role).post(path, data).status_code in (200, 302), role


@pytest.mark.parametrize("name", ["fulfillment-order-action", "fulfillment-missing", "print"])
def test_what_changes_something_is_never_a_link(name: str, client_as: As) -> None:
    assert client_as("owner").get(url(name, make_work())).status_code == 405


def test_posts_need_the_forms_token(client_as: As) -> None:
    work, user = make_work(), User.objects.create(username="strict", role="owner")
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    for name, args, data, _permission in POSTS:
        assert client.post(address(name, args, work), data).status_code == 403
    assert state(work) == "open"


@pytest.mark.parametrize("number", [999_999_999, 10**30])
def test_work_that_does_not_exist_is_not_found(number: int, client_as: As) -> None:
    client = client_as("owner")
    for name, data in (("pick", None), ("pack", None), ("fulfillment-order", None), ("fulfillment-slip", None), ("print", {"what": "labels"}),
                       ("fulfillment-order-action", {"action": "pack"}), ("pack", {"code": "A"}), ("fulfillment-missing", {"line": "1"})):  # fmt: skip
        path = reverse(name, args=[number])
        response = client.get(path) if data is None else client.post(path, data, follow=True)
        assert response.status_code == 404, name


def test_unknown_actions_do_not_exist(client_as: As) -> None:
    work, client = make_work(), client_as("owner")
    for action in ("cancel", "deliver", "", "hold"):
        assert client.post(url("fulfillment-order-action", work), {"action": action}).status_code == 404
    assert client.post(url("print", work), {"what": "passport"}).status_code == 404
    assert state(work) == "open"
