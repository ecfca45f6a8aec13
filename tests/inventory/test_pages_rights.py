"""Who may see and change products, stock and locations: every address, every role."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client
from django.urls import reverse

from core.permissions import MATRIX, Role
from inventory.models import Location, Product, StockLevel, StockMovement, Variant
from inventory.urls import urlpatterns
from tests.factories.shop import give_stock, make_location, make_variant

pytestmark = pytest.mark.django_db

#: route → (permission to look, permission to send, what is sent)
ROUTES: dict[str, tuple[str, str, dict[str, str]]] = {
    "products": ("inventory.view", "", {}),
    "product": ("inventory.view", "", {}),
    "product-new": ("inventory.edit", "inventory.edit", {"title": "New", "active": "on"}),
    "product-edit": ("inventory.edit", "inventory.edit", {"title": "Other", "active": "on"}),
    "product-switch": ("", "inventory.edit", {"active": "no"}),
    "variant-new": ("inventory.edit", "inventory.edit", {"sku": "NEW", "price": "1", "weight_grams": "1"}),
    "variant": ("inventory.edit", "inventory.edit", {"sku": "OTHER", "price": "1", "weight_grams": "1"}),
    "variant-delete": ("", "inventory.edit", {}),
    "stock": ("inventory.view", "inventory.adjust", {"action": "bin", "confirmed": "1", "bin_name": "Z-9"}),
    "stock-level": ("inventory.view", "", {}),
    "stock-add": ("inventory.adjust", "inventory.adjust", {}),
    "stock-adjust": (
        "",
        "inventory.adjust",
        {"bucket": "on_hand", "how": "change", "quantity": "-1", "reason": "lost"},
    ),
    "stock-preview": ("inventory.adjust", "", {}),
    "stock-undo": ("", "inventory.adjust", {"movement": "1"}),
    "stock-bin": ("", "inventory.adjust", {"bin_name": "Z-9"}),
    "locations": ("inventory.view", "", {}),
    "location": ("inventory.view", "", {}),
    "location-new": (
        "locations.edit",
        "locations.edit",
        {"name": "N", "code": "N", "kind": "store", "time_zone": "UTC", "handling_days": "1", "rank": "1"},
    ),
    "location-edit": (
        "locations.edit",
        "locations.edit",
        {
            "name": "N",
            "code": "N",
            "kind": "store",
            "time_zone": "UTC",
            "handling_days": "1",
            "rank": "1",
            "active": "on",
        },
    ),
}


@pytest.fixture
def level() -> StockLevel:
    return give_stock(make_variant("MUG"), make_location("Main"), 5)


def address(name: str, level: StockLevel) -> str:
    keys = {
        "product": level.variant.product_id,
        "variant": level.variant_id,
        "stock": level.pk,
        "location": level.location_id,
    }
    if name in {"products", "product-new", "stock", "stock-add", "locations", "location-new"}:
        return reverse(name)
    return reverse(name, args=[keys["product"] if name == "variant-new" else keys[name.partition("-")[0]]])


def sent(name: str, level: StockLevel) -> dict[str, str]:
    extra = (
        {"key": uuid.uuid4().hex}
        if name in ("stock-adjust", "stock-add")
        else {"id": str(level.pk)}
        if name == "stock"
        else {}
    )
    if name == "stock-add":
        extra |= {
            "sku": "MUG",
            "location": str(level.location_id),
            "bucket": "on_hand",
            "how": "change",
            "quantity": "1",
            "reason": "found",
        }
    return ROUTES[name][2] | extra


def state() -> list:
    return [
        list(model.objects.order_by("pk").values()) for model in (Product, Variant, Location, StockLevel, StockMovement)
    ]


def test_every_address_of_the_table_is_there():
    """The walk of tests/security has all of them; here are those of products, stock levels and locations."""
    assert set(ROUTES) <= {pattern.name for pattern in urlpatterns}


@pytest.mark.parametrize("name", ROUTES)
def test_strangers_are_led_to_the_login_and_change_nothing(level, name):
    before = state()
    for answer in (Client().get(address(name, level)), Client().post(address(name, level), sent(name, level))):
        assert answer.status_code == 302
        assert answer.url.startswith(reverse("login"))
    assert state() == before


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("role", Role.values)
def test_a_role_looks_and_sends_as_the_matrix_says(client_as, level, role, name):
    look, send, _fields = ROUTES[name]
    client = client_as(role)
    before = state()
    seen = client.get(address(name, level)).status_code
    assert state() == before
    answer = client.post(address(name, level), sent(name, level)).status_code
    if look:
        assert seen == (200 if role in MATRIX[look] else 403)
    elif role in MATRIX[send]:
        assert seen == 405
    if send and role not in MATRIX[send]:
        assert answer == 403
        assert state() == before
    elif send:
        assert answer in (200, 302, 404, 409)
    else:
        assert answer in (403, 404, 405)
        assert state() == before


@pytest.mark.parametrize("name", [name for name, (_look, send, _fields) in ROUTES.items() if send])
def test_nothing_is_taken_from_another_site(level, name):
    client = Client(enforce_csrf_checks=True)
    from core.models import User

    client.force_login(User.objects.create(username="boss", role="owner"))
    before = state()
    assert client.post(address(name, level), sent(name, level)).status_code == 403
    assert state() == before


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in ROUTES
        if name not in {"products", "product-new", "stock", "stock-add", "locations", "location-new"}
    ],
)
def test_what_is_not_there_is_not_found(client_as, level, name):
    path = address(name, level)
    gone = path.replace(f"/{path.split('/')[2]}/", "/987654321/")
    client = client_as("owner")
    answer = client.post(gone, sent(name, level)) if ROUTES[name][1] else client.get(gone)
    assert answer.status_code == 404


def test_what_a_role_may_not_do_is_not_offered(client_as, level):
    page = client_as("viewer").get(reverse("stock-level", args=[level.pk])).content.decode()
    assert reverse("stock-adjust", args=[level.pk]) not in page
    assert reverse("stock-bin", args=[level.pk]) not in page
    page = client_as("viewer").get(reverse("stock")).content.decode()
    assert 'value="safety"' not in page
    assert reverse("stock-add") not in page
    page = client_as("warehouse").get(reverse("location", args=[level.location_id])).content.decode()
    assert reverse("location-edit", args=[level.location_id]) not in page
