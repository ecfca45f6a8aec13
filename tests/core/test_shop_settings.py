"""The shop's settings: only the owner's, checked, with a history; the logo is a picture and nothing else."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from PIL import Image

from core.models import ApiToken, Shop, StoredFile, TimelineEntry

pytestmark = pytest.mark.django_db
FIELDS = {
    "name": "Northwind", "support_email": "help@example.com", "currency": "PLN", "time_zone": "Europe/Warsaw", "language": "pl",
    "order_prefix": "NW-", "return_window_days": "14", "auto_approve_returns": "on", "slip_paper": "a4",
}  # fmt: skip


def picture(kind: str = "PNG") -> SimpleUploadedFile:
    data = io.BytesIO()
    Image.new("RGB", (40, 20), "navy").save(data, format=kind)
    return SimpleUploadedFile("logo.png", data.getvalue() + b"<script>alert(1)</script>")


def test_the_owner_saves_settings_and_the_change_is_remembered(client_as):
    client = client_as("owner")
    assert client.get("/settings/").status_code == 200
    assert client.post("/settings/", FIELDS | {"logo_file": picture()}).status_code == 302
    shop = Shop.objects.get()
    assert (shop.name, shop.currency, shop.return_window_days) == ("Northwind", "PLN", 14)
    assert shop.logo.content_type == "image/png" and b"script" not in bytes(shop.logo.data)
    assert TimelineEntry.objects.filter(subject="shop:1", kind="shop.changed").exists()
    assert "PLN" in client.get("/settings/").content.decode()
    client.post("/settings/", FIELDS | {"drop_logo": "on"})
    assert StoredFile.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"currency": "zloty"}, "currency"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"return_window_days": "-1"}, "return_window_days"),
    ],
)
def test_bad_settings_are_refused_at_the_field_and_keep_the_input(client_as, change, field):
    answer = client_as("owner").post("/settings/", FIELDS | change)
    assert answer.status_code == 422 and field in answer.context["form"].errors
    assert b"Northwind" in answer.content and Shop.objects.count() == 0


@pytest.mark.parametrize("data", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a", b"x" * 600_000])
def test_a_logo_that_is_no_small_picture_is_refused(client_as, data):
    answer = client_as("owner").post("/settings/", FIELDS | {"logo_file": SimpleUploadedFile("logo.png", data)})
    assert answer.status_code == 422 and "logo_file" in answer.context["form"].errors
    assert StoredFile.objects.count() == 0


@pytest.mark.parametrize("role", ["operations", "warehouse", "support", "finance", "viewer"])
def test_nobody_else_may_see_or_save_them(client_as, role):
    client = client_as(role)
    assert client.get("/settings/").status_code == 403
    assert client.post("/settings/", FIELDS).status_code == 403


def test_a_token_is_made_on_the_command_line_and_switched_off_on_the_page(client_as, capsys):
    call_command("create_api_token", "robot", "--role", "operations")
    secret = capsys.readouterr().out.strip()
    token = ApiToken.objects.get()
    assert secret.startswith("oms_") and secret not in token.digest
    client = client_as("owner")
    assert "robot" in client.get("/settings/").content.decode()
    client.post(f"/settings/tokens/{token.pk}/revoke/")
    client.post(f"/settings/tokens/{token.pk}/revoke/")
    token.refresh_from_db()
    assert token.revoked_at and TimelineEntry.objects.filter(kind="token.revoked").count() == 1
    assert client.post("/settings/tokens/999/revoke/").status_code == 404
