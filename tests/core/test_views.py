"""Signing in, one's own settings, people with their roles, jobs, health, and pages for what is not there."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from core.files import store_file
from core.models import Job, JobError, TimelineEntry, User
from core.permissions import MATRIX, Role
from tests.factories.shop import NOW

pytestmark = pytest.mark.django_db
SignIn = Callable[..., Client]
PASSWORD = "a-long-passphrase-7"


def html(response: Any, status: int = 200) -> str:
    assert response.status_code == status, response.content[:2000]
    return response.content.decode()


def make_user(username: str = "maya", role: str = Role.OWNER, **fields: Any) -> User:
    return User.objects.create_user(username, password=PASSWORD, role=role, **fields)


def make_job(**fields: Any) -> Job:
    defaults = {"kind": "print", "title": "Labels", "actor": "user:1", "actor_label": "Maya", "created_at": NOW}
    return Job.objects.create(**{**defaults, **fields})


# ---- signing in ------------------------------------------------------------------------------------------------------


def test_a_page_asks_for_a_login_and_then_opens() -> None:
    make_user()
    client = Client()
    response = client.get("/orders/?tab=on-hold")
    assert response["Location"] == "/login/?next=%2Forders%2F%3Ftab%3Don-hold"
    response = client.post(
        response["Location"], {"username": "maya", "password": PASSWORD, "next": "/orders/?tab=on-hold"}
    )
    assert response["Location"] == "/orders/?tab=on-hold"


def test_signing_in_never_leads_to_another_site() -> None:
    make_user()
    response = Client().post(
        "/login/?next=https://evil.example", {"username": "maya", "password": PASSWORD, "next": "https://evil.example"}
    )
    assert response["Location"] == "/"


def test_a_wrong_password_says_the_same_as_an_unknown_name() -> None:
    make_user()

    def answer(username: str) -> str:
        page = html(Client().post("/login/", {"username": username, "password": "wrong"}))
        return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"|value="(maya|nobody)"', "", page)

    assert answer("maya") == answer("nobody")


def test_too_many_attempts_are_locked_out_even_with_the_right_password(settings: Any) -> None:
    settings.AXES_ENABLED = True
    make_user()
    client = Client()
    for _attempt in range(settings.AXES_FAILURE_LIMIT):
        response = client.post("/login/", {"username": "maya", "password": "wrong"})
    assert "Too many attempts" in html(response, 429)
    assert "Too many attempts" in html(client.post("/login/", {"username": "maya", "password": PASSWORD}), 429)


def test_a_closed_login_is_out_at_once(client_as: SignIn) -> None:
    client = client_as("viewer")
    assert client.get("/orders/").status_code == 200
    User.objects.update(is_active=False)
    assert client.get("/orders/").status_code == 302


def test_signing_out_needs_a_post(client_as: SignIn) -> None:
    client = client_as("viewer")
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/").status_code == 302


# ---- one's own settings ----------------------------------------------------------------------------------------------


def test_language_zone_and_look_are_kept(client_as: SignIn) -> None:
    client = client_as("viewer")
    client.cookies["django_language"] = "tr"
    response = client.post("/me/", {"language": "fa", "time_zone": "Asia/Tehran", "theme": "dark"})
    assert response.status_code == 302
    assert response.cookies["django_language"]["max-age"] == 0, "what was switched in this browser is forgotten"
    del client.cookies["django_language"]
    user = User.objects.get()
    assert (user.language, user.time_zone) == ("fa", "Asia/Tehran")
    page = html(client.get("/me/"))
    assert 'dir="rtl"' in page
    assert 'data-theme="dark"' in page


@pytest.mark.parametrize("wrong", [{"time_zone": "Mars/Base"}, {"language": "xx"}, {"theme": "pink"}])
def test_a_setting_that_does_not_exist_is_refused(client_as: SignIn, wrong: dict[str, str]) -> None:
    client = client_as("viewer")
    html(client.post("/me/", {"language": "fa", "time_zone": "UTC", "theme": "dark", **wrong}), 422)
    assert User.objects.get().language == ""


def test_a_new_password_keeps_this_browser_signed_in() -> None:
    user = make_user()
    client, other = Client(), Client()
    client.force_login(user)
    other.force_login(user)
    form = {"old_password": PASSWORD, "new_password1": "another-long-one-9", "new_password2": "another-long-one-9"}
    assert client.post("/me/password/", form).status_code == 302
    assert client.get("/").status_code == 200
    assert other.get("/").status_code == 302


# ---- people ----------------------------------------------------------------------------------------------------------


def test_only_an_owner_sees_the_people(client_as: SignIn) -> None:
    for role in Role.values:
        assert client_as(role).get("/users/").status_code == (200 if role == "owner" else 403)


def test_a_person_gets_a_login_and_a_history(client_as: SignIn) -> None:
    client = client_as("owner")
    form = {"username": "zofia", "first_name": "Zofia", "role": "warehouse", "password": PASSWORD, "email": ""}
    assert client.post("/users/new/", form).status_code == 302
    user = User.objects.get(username="zofia")
    assert user.check_password(PASSWORD)
    assert "Got a login as Warehouse." in html(client.get(f"/users/{user.pk}/"))
    assert "with that username already exists" in html(client.post("/users/new/", form), 422)


def test_a_change_of_role_is_in_the_history_with_who_did_it(client_as: SignIn) -> None:
    client = client_as("owner")
    user = make_user("zofia", Role.VIEWER)
    form = {"first_name": "Zofia", "last_name": "", "email": "", "role": "support", "is_active": "on", "password": ""}
    assert client.post(f"/users/{user.pk}/", form).status_code == 302
    entry = TimelineEntry.objects.get(subject=f"user:{user.pk}", kind="user.role_changed")
    assert entry.data == {"before": "viewer", "after": "support"}
    assert entry.actor_label == "owner-tester"
    page = html(client.get(f"/users/{user.pk}/"))
    assert "Role changed from Viewer to Support." in page
    user.refresh_from_db()
    assert user.check_password(PASSWORD), "an empty password keeps the present one"


@pytest.mark.parametrize("change", [{"role": "viewer", "is_active": "on"}, {"role": "owner"}])
def test_the_last_owner_stays_one(client_as: SignIn, change: dict[str, str]) -> None:
    client = client_as("owner")
    owner = User.objects.get()
    page = html(
        client.post(f"/users/{owner.pk}/", {"first_name": "", "last_name": "", "email": "", "password": "", **change}),
        422,
    )
    assert "only owner" in page
    owner.refresh_from_db()
    assert owner.is_active
    assert owner.role == "owner"


def test_a_weak_password_is_refused(client_as: SignIn) -> None:
    page = html(
        client_as("owner").post("/users/new/", {"username": "x", "role": "viewer", "password": "12345678901"}), 422
    )
    assert "entirely numeric" in page
    assert not User.objects.filter(username="x").exists()


# ---- jobs ------------------------------------------------------------------------------------------------------------


def test_a_running_job_tells_how_far_it_is_and_asks_for_itself(client_as: SignIn) -> None:
    job = make_job(state="running", total=200, done=50)
    client = client_as("viewer")
    card = html(client.get(f"/jobs/{job.pk}/", headers={"HX-Request": "true", "HX-Target": f"job-{job.pk}"}))
    assert "50 of 200" in re.sub(r"<[^>]+>", "", card)
    assert "<html" not in card
    assert 'hx-trigger="every 1s"' in card
    Job.objects.update(state="done", done=200)
    assert "hx-trigger" not in html(
        client.get(f"/jobs/{job.pk}/", headers={"HX-Request": "true", "HX-Target": f"job-{job.pk}"})
    )


def test_a_queued_job_can_be_cancelled_and_resumed(client_as: SignIn) -> None:
    job = make_job(total=3)
    client = client_as("warehouse")
    assert client.post(f"/jobs/{job.pk}/cancel/").status_code == 302
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert client.post(f"/jobs/{job.pk}/resume/").status_code == 302
    job.refresh_from_db()
    assert job.state == "queued"
    assert client_as("viewer").post(f"/jobs/{job.pk}/cancel/").status_code == 403


def test_cancelling_an_ended_job_says_that_it_has_ended(client_as: SignIn) -> None:
    job = make_job(state="done")
    assert "It has ended already." in html(client_as("owner").post(f"/jobs/{job.pk}/cancel/"), 409)


def test_errors_are_listed_and_come_as_a_file_without_formulas(client_as: SignIn) -> None:
    job = make_job(state="done_with_errors", failed=2)
    JobError.objects.create(
        job=job, reference="=HYPERLINK(1)", line=7, field="sku", message="<b>no SKU</b>", raw={"Name": "@SUM(1)"}
    )
    JobError.objects.create(job=job, reference="row", message="other")
    client = client_as("owner")
    assert "<b>no SKU" not in html(client.get(f"/jobs/{job.pk}/"))
    response = client.get(f"/jobs/{job.pk}/errors.csv")
    rows = list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))
    assert rows == [
        ["Line", "What", "Field", "Reason", "Name"],
        ["7", "'=HYPERLINK(1)", "sku", "<b>no SKU</b>", "'@SUM(1)"],
        ["", "row", "", "other", ""],
    ]


def test_the_file_a_job_made_is_handed_out_as_an_attachment(client_as: SignIn) -> None:
    job = make_job(state="done", output=store_file(name="orders.csv", content_type="text/csv", data=b"a,b\n"))
    response = client_as("owner").get(f"/jobs/{job.pk}/output/")
    assert response.content == b"a,b\n"
    assert response["Content-Disposition"] == 'attachment; filename="orders.csv"'
    assert client_as("owner").get(f"/jobs/{make_job().pk}/output/").status_code == 404


def test_a_job_whose_kind_is_gone_still_opens(client_as: SignIn) -> None:
    job = make_job(kind="of-an-older-version", state="failed", message="lost")
    assert "lost" in html(client_as("owner").get(f"/jobs/{job.pk}/"))


def test_jobs_are_listed_newest_first_in_pages(client_as: SignIn) -> None:
    for n in range(51):
        make_job(title=f"Job {n:02}")
    client = client_as("viewer")
    page = html(client.get("/jobs/"))
    assert page.index("Job 50") < page.index("Job 49")
    assert "Job 00" not in page
    older = re.search(r'rel="next" href="([^"]+)"', page)
    assert older
    assert "Job 00" in html(client.get("/jobs/" + older[1].replace("&amp;", "&")))
    assert client.get("/jobs/?after=forged")["Location"] == "/jobs/"
    assert client.get("/jobs/?tab=nope").status_code == 404


# ---- the rest --------------------------------------------------------------------------------------------------------


def test_health_needs_no_login_and_tells_what_answers() -> None:
    response = Client().get("/healthz")
    assert response.status_code == 200
    assert response.json()["database"] == "ok"
    assert "no-cache" in response["Cache-Control"]


def test_what_is_not_there_says_so_with_a_way_on(client_as: SignIn) -> None:
    page = html(client_as("viewer").get("/no/such/page/"), 404)
    assert 'href="/"' in page
    assert "There is no such page" in html(Client().get("/no/such/page/"), 404)


def test_an_old_form_is_explained(client_as: SignIn) -> None:
    client_as("owner")
    client = Client(enforce_csrf_checks=True)
    assert "This page is too old" in html(client.post("/login/", {"username": "x"}), 403)


def test_pages_forbid_inline_script_and_foreign_origins() -> None:
    policy = Client().get("/login/")["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe-inline" not in policy


def _routes(patterns: list[Any], prefix: str = "") -> list[tuple[str, Any]]:
    found = []
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found += _routes(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            found.append((prefix + str(pattern.pattern), pattern.callback))
    return found


def test_every_address_of_the_dashboard_names_its_permission_or_is_public() -> None:
    routes = [(route, view) for route, view in _routes(get_resolver().url_patterns) if not route.startswith("api/")]
    assert len(routes) > 20
    unguarded = [route for route, view in routes if not hasattr(view, "permission")]
    assert unguarded == []
    assert {view.permission for _route, view in routes} - {None} <= MATRIX.keys()
