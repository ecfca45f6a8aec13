"""Every list page: what it shows, what its address can say, what can be done with its rows."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from core.listing.counts import surely_beyond
from core.models import Job, SavedView, User

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.listing_pages")]
START = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
HTMX = {"HX-Request": "true", "HX-Target": "list"}


def make_user(role: str = "owner", name: str = "maya") -> User:
    return User.objects.create_user(name, password="not-used-here", role=role)


def make_jobs(count: int, **fields: Any) -> list[Job]:
    return Job.objects.bulk_create(
        Job(
            **{
                "kind": "print", "title": f"Job {n:03}", "created_at": START + timedelta(minutes=n), "actor": "user:1",
                "actor_label": "Maya", "done": n % 7, "state": "queued", **fields,
            }
        )
        for n in range(count)
    )  # fmt: skip


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user())
    return client


def titles(response: Any) -> list[str]:
    return re.findall(r"<bdi>(Job [^<]+)</bdi></a>", response.content.decode())


def region(html: str) -> str:
    """The #list region without the form tokens, which differ from answer to answer."""
    found = re.search(r'<section class="card list".*?</section>', html, re.S)
    assert found
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", found[0])


def link(response: Any, rel: str) -> str:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', response.content.decode())
    assert found, f"no {rel} link"
    return found[1].replace("&amp;", "&")


# ---- showing ---------------------------------------------------------------------------------------------------------


def test_anonymous_people_are_sent_to_sign_in() -> None:
    response = Client().get("/jobs/")
    assert response.status_code == 302
    assert response["Location"].startswith("/login/")


def test_a_role_without_the_permission_is_refused() -> None:
    client = Client()
    client.force_login(make_user("viewer"))
    assert client.get("/users/").status_code == 403


def test_rows_come_in_the_usual_order_with_their_cells(client: Client) -> None:
    make_jobs(3)
    response = client.get("/jobs/")
    html = response.content.decode()
    assert titles(response) == ["Job 002", "Job 001", "Job 000"]
    assert '<span class="badge badge-neutral">Queued</span>' in html
    assert "JOB 002" in html  # a render_ method of the table
    assert 'aria-sort="descending"' in html
    assert "New job" in html


def test_rows_outside_the_pages_own_queryset_are_never_shown(client: Client) -> None:
    make_jobs(1, kind="secret", title="Job secret")
    assert "Job secret" not in client.get("/jobs/").content.decode()


def test_a_bare_list_without_tabs_filters_search_and_actions_works(client: Client) -> None:
    response = client.get("/users/?q=x&tab=y&state=z")
    assert response.status_code == 200
    assert "maya" in response.content.decode()
    assert 'type="checkbox" name="id"' not in response.content.decode()


@pytest.mark.parametrize(
    "query", ["", "?tab=failed", "?q=Job", "?state=queued&sort=-title", "?panel=filters&state=queued&state=failed"]
)
def test_the_number_of_queries_does_not_grow_with_the_rows(client: Client, query: str) -> None:
    make_jobs(60)
    make_jobs(60, title="Job failed", state="failed")
    client.get(f"/jobs/{query}")  # the counts of the navigation are asked once
    with CaptureQueriesContext(connection) as one:
        client.get(f"/jobs/{query}")
    make_jobs(50, title="Job more")
    make_jobs(50, title="Job failed", state="failed")
    with CaptureQueriesContext(connection) as many:
        client.get(f"/jobs/{query}")
    assert len(many) == len(one) <= 6


@pytest.mark.parametrize(
    "query",
    ["", "?tab=failed", "?q=Job+01", "?state=queued&sort=title", "?done_from=abc", "?after=wrong", "?panel=filters"],
)
def test_the_fragment_equals_that_part_of_the_fresh_page(client: Client, query: str) -> None:
    make_jobs(60)
    whole = client.get(f"/jobs/{query}").content.decode()
    part = client.get(f"/jobs/{query}", headers=HTMX).content.decode()
    assert "<html" not in part
    assert region(part) == region(whole)


def test_going_back_in_the_history_gets_the_whole_page(client: Client) -> None:
    response = client.get("/jobs/", headers=HTMX | {"HX-History-Restore-Request": "true"})
    assert "<html" in response.content.decode()
    assert "HX-Request" in response["Vary"]
    assert "no-store" in response["Cache-Control"]


def test_an_empty_list_says_how_to_begin_and_a_list_without_matches_how_to_go_back(client: Client) -> None:
    assert "No jobs yet" in client.get("/jobs/").content.decode()
    make_jobs(1)
    html = client.get("/jobs/?q=nowhere").content.decode()
    assert "Nothing matches" in html
    assert "No jobs yet" not in html


def test_counts_stop_at_a_thousand(client: Client) -> None:
    make_jobs(1001)
    html = client.get("/jobs/").content.decode()
    assert "1,000+" in html
    assert "1,001" not in html


def test_a_list_whose_rows_are_all_on_the_page_counts_them_there(client: Client) -> None:
    make_jobs(3)
    assert "3</bdi> rows" in client.get("/jobs/?q=job").content.decode()
    assert "0</bdi> rows" in client.get("/jobs/?q=nowhere").content.decode()


def test_a_tab_beyond_the_cap_is_not_counted_again_at_once(client: Client) -> None:
    make_jobs(1001)
    client.get("/jobs/")
    Job.objects.all().delete()
    make_jobs(2)
    html = client.get("/jobs/").content.decode()
    assert "2</bdi> rows" in html  # what is on the page is always counted as it is


def test_a_search_is_left_uncounted_only_where_the_planner_is_sure() -> None:
    make_jobs(12_000)
    make_jobs(300, state="failed")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE core_job")
    assert surely_beyond(Job.objects.filter(state="queued"))
    assert not surely_beyond(Job.objects.filter(state="failed"))


def test_markup_in_data_stays_text(client: Client) -> None:
    hostile = "<script>alert(1)</script>\"'><img src=x onerror=y>"
    make_jobs(1, title=hostile, actor_label=hostile, message=hostile)
    html = client.get("/jobs/?cols=title,shouted,actor,message,created,state,done").content.decode()
    assert "<script>alert" not in html
    assert "<SCRIPT>ALERT" not in html
    assert "<img" not in region(html)
    assert "&lt;script&gt;" in html


# ---- the address -----------------------------------------------------------------------------------------------------


def test_tabs_search_filters_and_order_work_together(client: Client) -> None:
    make_jobs(5)
    make_jobs(3, state="failed", title="Job bad", done=9)
    assert titles(client.get("/jobs/?tab=failed")) == ["Job bad"] * 3
    assert titles(client.get("/jobs/?tab=open&q=003")) == ["Job 003"]
    assert titles(client.get("/jobs/?state=failed&done_from=9&sort=title")) == ["Job bad"] * 3
    assert titles(client.get("/jobs/?state=queued&sort=title")) == [f"Job {n:03}" for n in range(5)]
    assert titles(client.get("/jobs/?state=queued&sort=-title")) == [f"Job {n:03}" for n in reversed(range(5))]
    assert titles(client.get("/jobs/?created_after=2026-11-02")) == []


def test_each_filter_is_a_chip_that_can_be_taken_away(client: Client) -> None:
    make_jobs(1)
    html = client.get("/jobs/?state=queued&state=failed&created_after=2026-11-01&q=Job&sort=title").content.decode()
    removals = [address.replace("&amp;", "&") for address in re.findall(r'class="chip">.*?href="([^"]+)"', html, re.S)]
    assert removals == [
        "/jobs/?created_after=2026-11-01&sort=title&state=queued&state=failed",
        "/jobs/?created_after=2026-11-01&q=Job&sort=title&state=failed",
        "/jobs/?created_after=2026-11-01&q=Job&sort=title&state=queued",
        "/jobs/?q=Job&sort=title&state=queued&state=failed",
    ]


def test_a_bad_filter_value_is_named_and_the_list_is_shown_without_it(client: Client) -> None:
    make_jobs(3)
    response = client.get("/jobs/?done_from=many&state=queued")
    assert response.status_code == 200
    assert len(titles(response)) == 3
    assert "Done from</strong>: Enter a number." in response.content.decode()


@pytest.mark.parametrize(
    "query",
    ["sort=actor_label", "sort=-user__password", "tab=nowhere", "after=abc", "before=abc", "after=" + "a" * 5000],
)
def test_what_is_not_on_offer_is_told_and_the_list_is_shown(client: Client, query: str) -> None:
    make_jobs(2)
    response = client.get(f"/jobs/?{query}")
    assert titles(response) == ["Job 001", "Job 000"]
    assert 'role="alert"' in response.content.decode()


@pytest.mark.parametrize(
    "query", ["kind=secret", "_connector=OR", "state__in=failed", "offset=999999999", "actor_label__regex=("]
)
def test_unknown_words_of_the_address_are_not_read(client: Client, query: str) -> None:
    make_jobs(2)
    response = client.get(f"/jobs/?{query}")
    assert len(titles(response)) == 2
    assert query.split("=")[0] not in region(response.content.decode())


def test_columns_can_be_chosen_and_the_naming_column_stays(client: Client) -> None:
    make_jobs(1, message="hello there")
    html = client.get("/jobs/?cols=message&cols=done&cols=nonsense").content.decode()
    heads = re.findall(r'<th scope="col"(?! class="pick")[^>]*>(?:<a[^>]*>)?([^<]+)', html)
    assert heads == ["Title", "Done", "Message"]
    assert "hello there" in html


WORDS = st.sampled_from(
    [
        "tab",
        "q",
        "sort",
        "cols",
        "after",
        "before",
        "panel",
        "state",
        "done_from",
        "created_after",
        "created_before",
        "cancelling",
        "actor",
    ]
)
VALUES = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["1e1000", "-1e1000", "NaN", "9" * 40, "0001-01-01", "9999-12-31", "\x00", "%00", "failed", "-title"]
    ),
)


@given(query=st.lists(st.tuples(WORDS, VALUES), max_size=5))
@example(query=[("created_after", "0001-01-01"), ("created_before", "9999-12-31")])
@example(query=[("done_from", "1e1000")])
@example(query=[("q", "\x00"), ("actor", "\x00")])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_address_breaks_the_list(client: Client, query: list[tuple[str, str]]) -> None:
    assert client.get("/jobs/", query_params=query).status_code == 200


# ---- pages -----------------------------------------------------------------------------------------------------------


def test_walking_forth_and_back_meets_every_row_once_although_rows_arrive(client: Client) -> None:
    make_jobs(120)
    expected = [f"Job {n:03}" for n in reversed(range(120))]
    first = client.get("/jobs/")
    make_jobs(5, title="Job new", created_at=START + timedelta(days=1))
    second = client.get(link(first, "next"))
    third = client.get(link(second, "next"))
    assert titles(first) + titles(second) + titles(third) == expected
    assert 'rel="next"' not in third.content.decode()
    assert titles(client.get(link(third, "prev"))) == titles(second)
    back = client.get(link(second, "prev"))
    assert titles(back) == titles(first)
    assert titles(client.get(link(back, "prev")))[:6] == ["Job new"] * 5 + ["Job 119"]


def test_a_page_that_has_emptied_meanwhile_leads_to_the_first(client: Client) -> None:
    jobs = make_jobs(60)
    address = link(client.get("/jobs/"), "next")
    Job.objects.filter(pk__in=[job.pk for job in jobs[:10]]).delete()
    assert len(titles(client.get(address))) == 50


def test_a_cursor_of_another_order_is_refused_with_a_sentence(client: Client) -> None:
    make_jobs(60)
    address = link(client.get("/jobs/"), "next")
    response = client.get(address + "&sort=title")
    assert "no longer holds" in response.content.decode()
    assert titles(response)[0] == "Job 000"


# ---- bulk actions ----------------------------------------------------------------------------------------------------


def test_an_action_on_ticked_rows_tells_row_by_row_what_was_refused(client: Client) -> None:
    good = make_jobs(2)
    bad = make_jobs(1, state="failed", title="Job bad")[0]
    response = client.post(
        "/jobs/", {"action": "mark", "id": [job.pk for job in good] + [bad.pk, 999_999_999, "zebra"]}
    )
    html = response.content.decode()
    assert "2 rows done" in html
    assert "3 refused" not in html
    assert "It has failed." in html
    assert "no longer there" in html
    assert set(Job.objects.filter(message="marked by maya")) == set(good)


def test_an_action_on_all_that_match_reaches_beyond_the_page_and_no_further(client: Client) -> None:
    make_jobs(70)
    make_jobs(3, state="failed")
    response = client.post("/jobs/?state=queued", {"action": "mark", "all_matching": "1"}, headers=HTMX)
    assert "70 rows done" in response.content.decode()
    assert Job.objects.filter(message="marked by maya").count() == 70


def test_all_that_match_is_refused_while_a_filter_is_unclear(client: Client) -> None:
    make_jobs(3)
    response = client.post("/jobs/?done_from=abc", {"action": "mark", "all_matching": "1"})
    assert response.status_code == 422
    assert "Mend the filter" in response.content.decode()
    assert not Job.objects.exclude(message="").exists()


@pytest.mark.parametrize("query", ["tab=nowhere", "sort=nonsense"])
def test_all_that_match_is_refused_for_any_address_understood_in_part(client: Client, query: str) -> None:
    make_jobs(3)
    client.post(f"/jobs/?{query}", {"action": "mark", "all_matching": "1"})
    assert not Job.objects.exclude(message="").exists()


def test_more_rows_than_the_action_takes_are_refused_as_a_whole(client: Client) -> None:
    make_jobs(121)
    response = client.post("/jobs/", {"action": "mark", "all_matching": "1"})
    assert "takes 120 rows" in response.content.decode()
    assert not Job.objects.exclude(message="").exists()


def test_no_selection_is_told(client: Client) -> None:
    make_jobs(1)
    assert "Select at least one row" in client.post("/jobs/", {"action": "mark"}).content.decode()


def test_rows_one_may_not_see_cannot_be_acted_upon(client: Client) -> None:
    secret = make_jobs(1, kind="secret")[0]
    client.post("/jobs/", {"action": "mark", "id": [secret.pk]})
    secret.refresh_from_db()
    assert secret.message == ""


def test_an_action_outside_the_role_is_neither_offered_nor_done() -> None:
    client = Client()
    client.force_login(make_user("support"))
    job = make_jobs(1)[0]
    assert "Owners only" not in client.get("/jobs/").content.decode()
    assert client.post("/jobs/", {"action": "owners", "id": [job.pk]}).status_code == 403
    viewer = Client()
    viewer.force_login(make_user("viewer", "val"))
    assert 'name="id"' not in viewer.get("/jobs/").content.decode()
    assert viewer.post("/jobs/", {"action": "mark", "id": [job.pk]}).status_code == 403
    job.refresh_from_db()
    assert job.message == ""


def test_an_unknown_action_is_not_found(client: Client) -> None:
    assert client.post("/jobs/", {"action": "explode", "id": ["1"]}).status_code == 404


def test_a_refusal_of_the_whole_act_is_told_in_its_own_words(client: Client) -> None:
    job = make_jobs(1)[0]
    assert "The works are closed." in client.post("/jobs/", {"action": "refuse", "id": [job.pk]}).content.decode()


def test_an_action_that_asks_first_asks_on_a_page_or_in_a_dialog_and_keeps_the_selection(client: Client) -> None:
    job = make_jobs(1)[0]
    data = {"action": "explain", "id": [job.pk]}
    page = client.post("/jobs/?state=queued", data).content.decode()
    assert "Really?" in page
    assert f'name="id" value="{job.pk}"' in page
    assert 'action="/jobs/?state=queued"' in page
    dialog = client.post("/jobs/", data, headers=HTMX)
    assert dialog["HX-Retarget"] == "#list-dialog"
    assert "<dialog" in dialog.content.decode()
    job.refresh_from_db()
    assert job.message == ""
    again = client.post("/jobs/", data | {"confirmed": "1", "why": "x" * 30}).content.decode()
    assert "at most 20 characters" in again
    client.post("/jobs/", data | {"confirmed": "1", "why": "because"})
    job.refresh_from_db()
    assert job.message == "because"


def test_other_methods_are_refused(client: Client) -> None:
    assert client.put("/jobs/").status_code == 405


# ---- files -----------------------------------------------------------------------------------------------------------


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_a_csv_holds_every_matching_row_and_the_chosen_columns(client: Client) -> None:
    make_jobs(2100)
    make_jobs(3, state="failed")
    response = client.get("/jobs/?state=queued&cols=title,done&sort=title&export=csv")
    assert re.fullmatch(r'attachment; filename="jobs-\d{4}-\d\d-\d\d\.csv"', response["Content-Disposition"])
    rows = list(csv.reader(io.StringIO(body(response).decode("utf-8-sig"))))
    assert rows[0] == ["Title", "Done"]
    assert len(rows) == 2101
    assert rows[1] == ["Job 000", "0"]
    assert [row[0] for row in rows[1:]] == sorted(row[0] for row in rows[1:])


def test_files_are_safe_to_open_in_a_spreadsheet_program(client: Client) -> None:
    make_jobs(1, title="=1+1", actor_label="+48 123", done=5)
    row = list(
        csv.reader(io.StringIO(body(client.get("/jobs/?cols=title,actor,done&export=csv")).decode("utf-8-sig")))
    )[1]
    assert row == ["'=1+1", "5", "'+48 123"]
    book = CalamineWorkbook.from_filelike(io.BytesIO(body(client.get("/jobs/?cols=title,actor,done&export=xlsx"))))
    assert book.get_sheet_by_index(0).to_python()[1] == ["'=1+1", 5.0, "'+48 123"]


def test_times_in_a_workbook_are_times(client: Client) -> None:
    make_jobs(1)
    book = CalamineWorkbook.from_filelike(io.BytesIO(body(client.get("/jobs/?cols=title,created&export=xlsx"))))
    assert book.get_sheet_by_index(0).to_python()[1] == ["Job 000", START.replace(tzinfo=None)]


@pytest.mark.parametrize("query", ["export=pdf", "export=csv&done_from=abc", "export=csv&tab=nowhere"])
def test_an_export_of_something_unclear_shows_what_is_wrong_instead(client: Client, query: str) -> None:
    make_jobs(1)
    response = client.get(f"/jobs/?{query}")
    assert response.status_code == 422
    assert 'role="alert"' in response.content.decode()


# ---- saved views -----------------------------------------------------------------------------------------------------


def test_a_saved_view_keeps_the_address_and_shows_itself_as_current(client: Client) -> None:
    make_jobs(1)
    response = client.post(
        "/jobs/?sort=title&state=queued&cols=title&after=x&junk=1", {"action": "save_view", "name": " Mine "}
    )
    assert response.status_code == 302
    view = SavedView.objects.get()
    assert (view.name, view.query, view.user.username) == ("Mine", "sort=title&state=queued", "maya")
    html = client.get(response["Location"]).content.decode()
    assert re.search(r'href="/jobs/\?sort=title&amp;state=queued" aria-current="true">.*?<bdi>Mine</bdi>', html, re.S)


def test_a_view_of_the_same_name_is_replaced(client: Client) -> None:
    for query in ("q=one", "q=two"):
        client.post(f"/jobs/?{query}", {"action": "save_view", "name": "Mine"})
    assert SavedView.objects.get().query == "q=two"


def test_views_are_ones_own_unless_shared(client: Client) -> None:
    client.post("/jobs/?q=a", {"action": "save_view", "name": "Private"})
    client.post("/jobs/?q=b", {"action": "save_view", "name": "Everybody", "shared": "1"})
    other = Client()
    other.force_login(make_user("support", "sam"))
    html = other.get("/jobs/").content.decode()
    assert "Everybody" in html
    assert "Private" not in html
    assert other.post("/jobs/", {"action": "save_view", "name": "x", "shared": "1"}).status_code == 403
    for view in SavedView.objects.all():
        assert other.post("/jobs/", {"action": "delete_view", "view": view.pk}).status_code in {403, 404}
    assert SavedView.objects.count() == 2
    client.post("/jobs/", {"action": "delete_view", "view": SavedView.objects.get(name="Everybody").pk})
    assert SavedView.objects.get().name == "Private"


@pytest.mark.parametrize(("data", "status"), [({"name": ""}, 422), ({"name": "x" * 61}, 422), ({"name": "\x00"}, 422)])
def test_a_view_needs_a_fitting_name(client: Client, data: dict[str, str], status: int) -> None:
    assert client.post("/jobs/", {"action": "save_view"} | data).status_code == status


@pytest.mark.parametrize("view", ["", "zebra", "9" * 30, "-1"])
def test_removing_a_view_that_is_none_is_not_found(client: Client, view: str) -> None:
    assert client.post("/jobs/", {"action": "delete_view", "view": view}).status_code == 404
