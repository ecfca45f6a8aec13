"""The pages of nonconformances: a case from its form to its end, photos served safely, rights, cost."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.permissions import Role, role_allows
from inventory.models import StockLevel
from inventory.operations import adjust_stock
from quality.models import CasePhoto, NonConformance
from quality.operations import check_picture, open_nonconformance, resolve_nonconformance
from tests.factories.counts import picture
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db
KEY = "a1" * 16


@pytest.fixture(autouse=True)
def no_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sidebar's counts are kept for some seconds; here they would make the number of statements depend on the clock."""
    monkeypatch.setattr("oms.navigation.waiting_counts", dict)


@pytest.fixture
def level() -> StockLevel:
    return give_stock(make_variant("TEE"), make_location("Main"), 10)


@pytest.fixture
def case(level: StockLevel) -> NonConformance:
    return open_nonconformance(
        variant_id=level.variant_id, location_id=level.location_id, kind="damaged", quantity=4, reason="transit", source="stock",
        note="<script>alert(1)</script>", photos=[check_picture(picture("PNG"))], actor=ACTOR, now=NOW,
    )  # fmt: skip


def form(level: StockLevel, **changes: Any) -> dict[str, Any]:
    return {
        "sku": "TEE",
        "location": level.location_id,
        "kind": "quarantine",
        "quantity": "3",
        "reason": "recall",
        "source": "stock",
        "key": KEY,
    } | changes


def test_from_the_level_to_a_case_with_photos(client_as: Any, level: StockLevel) -> None:
    client = client_as("warehouse")
    page = client.get(f"/stock/{level.pk}/").content.decode()
    assert f"/quality/new/?sku=TEE&amp;location={level.location_id}" in page
    shown = client.get(f"/quality/new/?sku=TEE&location={level.location_id}").content.decode()
    assert 'capture="environment"' in shown and 'value="TEE"' in shown
    files = [SimpleUploadedFile(f"../../{n}.svg", picture("JPEG")) for n in range(2)]
    for _twice in range(2):
        for file in files:
            file.seek(0)
        assert client.post("/quality/new/", form(level, photos=files)).status_code == 302
    case = NonConformance.objects.get()
    level.refresh_from_db()
    assert (level.quality_control, case.photos.count(), case.kind) == (3, 2, "quarantine")
    text = client.get(f"/quality/{case.pk}/").content.decode()
    assert case.number in text and "3 set aside as Quarantine: Recall." in text


def test_a_photo_is_a_picture_and_nothing_else(client_as: Any, case: NonConformance) -> None:
    photo = CasePhoto.objects.get()
    response = client_as("viewer").get(f"/quality/{case.pk}/photos/{photo.pk}/")
    assert (response["Content-Type"], response["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
    assert response.content.startswith(b"\xff\xd8")
    assert client_as("viewer").get(f"/quality/{case.pk + 1}/photos/{photo.pk}/").status_code == 404
    bad = SimpleUploadedFile("a.jpg", b"<svg onload=alert(1)>", content_type="image/jpeg")
    refused = client_as("warehouse").post(f"/quality/{case.pk}/photos/", {"photos": bad})
    assert refused.status_code == 422 and CasePhoto.objects.count() == 1


def test_what_others_hold_is_named_and_the_form_is_kept(client_as: Any, level: StockLevel) -> None:
    order = make_order(lines=[("TEE", 9)])
    response = client_as("warehouse").post("/quality/new/", form(level, note="kept"))
    text = response.content.decode()
    assert response.status_code == 422 and f'href="/orders/{order.pk}/"' in text and "kept" in text
    assert not NonConformance.objects.exists()


def test_units_are_decided_about_in_parts(client_as: Any, case: NonConformance) -> None:
    client = client_as("warehouse")
    for _twice in range(2):
        client.post(f"/quality/{case.pk}/resolve/", {"resolution": "scrap", "quantity": "1", "key": KEY})
    client.post(
        f"/quality/{case.pk}/resolve/", {"resolution": "move", "kind": "quarantine", "quantity": "1", "key": "b" * 32}
    )
    assert (
        client.post(
            f"/quality/{case.pk}/resolve/", {"resolution": "restock", "quantity": "9", "key": "c" * 32}
        ).status_code
        == 422
    )
    case.refresh_from_db()
    assert case.open_quantity == 2 and case.parts.get().number in client.get(f"/quality/{case.pk}/").content.decode()
    client.post(f"/quality/{case.pk}/resolve/", {"resolution": "restock", "quantity": "2", "key": "d" * 32})
    page = client.get(f"/quality/{case.pk}/").content.decode()
    assert "All units are decided." in page and "<script>alert" not in page


def test_what_no_case_explains_gets_one(client_as: Any, level: StockLevel) -> None:
    adjust_stock(
        variant_id=level.variant_id,
        location_id=level.location_id,
        bucket="damaged",
        set_to=2,
        reason="damaged",
        actor=ACTOR,
        now=NOW,
    )
    client = client_as("warehouse")
    page = client.get("/quality/rest/").content.decode()
    assert "adopt=on" in page and "quantity=2" in page
    client.post("/quality/new/", form(level, kind="damaged", quantity="2", adopt="on"))
    level.refresh_from_db()
    assert level.damaged == 2 and NonConformance.objects.get().adopted == 2
    assert "Every unit that is set aside has its case" in client.get("/quality/rest/").content.decode()


def test_reasons_are_the_merchants(client_as: Any) -> None:
    client = client_as("operations")
    client.post("/quality/reasons/", {"code": "wet", "name": "Wet"})
    client.post("/quality/reasons/", {"drop": "recall"})
    page = client.get("/quality/reasons/").content.decode()
    assert "Wet" in page and "Recall" not in page
    assert client_as("warehouse").post("/quality/reasons/", {"code": "x", "name": "X"}).status_code == 403
    assert client.post("/quality/reasons/", {"code": "BAD CODE", "name": "X"}).status_code == 422


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("path", ["new", "{pk}/resolve", "{pk}/photos"])
def test_only_who_may_edit_may_act(client_as: Any, case: NonConformance, role: str, path: str) -> None:
    response = client_as(role).post(f"/quality/{path.format(pk=case.pk)}/", {})
    assert (response.status_code != 403) == role_allows(role, "quality.edit")


def statements(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as caught:
        assert client.get(path).status_code == 200
    return len(caught)


@pytest.mark.parametrize("path", ["/quality/", "/quality/rest/", "/quality/reasons/", "/quality/{pk}/"])
def test_the_number_of_statements_does_not_grow(client_as: Any, case: NonConformance, path: str) -> None:
    client = client_as("owner")
    rest = give_stock(make_variant(), make_location(), 5)
    adjust_stock(
        variant_id=rest.variant_id,
        location_id=rest.location_id,
        bucket="damaged",
        set_to=2,
        reason="damaged",
        actor=ACTOR,
        now=NOW,
    )
    resolve_nonconformance(case_id=case.pk, resolution="move", kind="quarantine", quantity=1, actor=ACTOR, now=NOW)
    before = statements(client, path.format(pk=case.pk))
    for n in range(3):
        other = give_stock(make_variant(), make_location(), 5)
        open_nonconformance(
            variant_id=other.variant_id, location_id=other.location_id, kind="damaged", quantity=1, reason=("expired", "defect", "other")[n],
            source="stock", photos=[check_picture(picture("JPEG"))], actor=ACTOR, now=NOW,
        )  # fmt: skip
        adjust_stock(
            variant_id=other.variant_id,
            location_id=other.location_id,
            bucket="damaged",
            set_to=3,
            reason="damaged",
            actor=ACTOR,
            now=NOW,
        )
    resolve_nonconformance(case_id=case.pk, resolution="scrap", quantity=1, actor=ACTOR, now=NOW)
    assert statements(client, path.format(pk=case.pk)) == before
