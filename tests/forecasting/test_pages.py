"""The pages and the API: what they show, who may, and with how many statements."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from api.tokens import create_token
from core.models import Job
from forecasting.models import ENDLESS, ForecastSettings, PastForecast, Stockout
from tests.factories.forecasting import give_demand, make_forecast
from tests.factories.shop import NOW, give_stock, make_location, make_variant

pytestmark = pytest.mark.django_db
TODAY = NOW.date()


def page(client: Any, forecast: Any, query: str = "") -> str:
    answer = client.get(reverse("forecast-one", args=[forecast.pk]) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_shows_filters_sorts_and_exports(client_as: Any) -> None:
    location = make_location("Main")
    quick, slow = make_variant("QUICK"), make_variant("SLOW")
    make_forecast(quick, mean_daily=3.25)
    make_forecast(quick, location, mean_daily=1.0)
    make_forecast(
        slow, speed="slow", mean_daily=0.3, days_of_cover=ENDLESS, tested=False, error_ratio=1.0, position=500
    )
    client = client_as("viewer")
    html = client.get("/forecast/").content.decode()
    assert re.findall(r"<bdi>(QUICK|SLOW)</bdi>", html) == ["QUICK", "QUICK", "SLOW"]
    assert "3.25" in html and "-44 %" in html
    assert "SLOW" not in client.get("/forecast/?speed=fast").content.decode().partition("<tbody")[2]
    assert "SLOW" not in client.get("/forecast/?due=yes").content.decode().partition("<tbody")[2]
    assert "Main" not in client.get("/forecast/?tab=total").content.decode().partition("<tbody")[2]
    assert "QUICK" not in client.get("/forecast/?q=slow").content.decode().partition("<tbody")[2]
    for sort in ("mean", "-mean", "cover", "-cover", "error", "p90"):
        assert client.get(f"/forecast/?sort={sort}").status_code == 200
    exported = b"".join(client_as("owner").get("/forecast/?export=csv").streaming_content).decode()
    assert "QUICK" in exported and "3.25" in exported


def test_pages_of_a_list_sorted_by_a_fraction_follow_each_other(client_as: Any) -> None:
    for n in range(60):
        make_forecast(make_variant(), mean_daily=1 / (n + 3))
    client, seen = client_as("viewer"), []
    url = "/forecast/?sort=-mean"
    for _page in range(2):
        html = client.get(url).content.decode()
        seen += dict.fromkeys(re.findall(r'href="/forecast/(\d+)/"', html))
        following = re.search(r'rel="next" href="([^"]*)"', html)
        url = following[1].replace("&amp;", "&") if following else ""
    assert len(seen) == len(set(seen)) == 60


def test_the_page_of_a_series_draws_history_band_and_days_without_stock(client_as: Any) -> None:
    variant, location = make_variant("TEE"), make_location("Main")
    give_stock(variant, location, 10)
    give_demand(variant, [2] * 20 + [0] * 5 + [3] * 5, until=TODAY, location=location)
    Stockout.objects.create(
        variant=variant, location=location, first_day=TODAY - timedelta(days=10), last_day=TODAY - timedelta(days=6)
    )
    found = make_forecast(variant, location)
    html = page(client_as("viewer"), found)
    assert html.count('class="chart-4 chart-area" x=') == 5
    assert html.count('class="chart-1" x=') == 25 + 6, "days with demand, and six fortnights that came"
    assert "0 asked for, out of stock" in html
    assert re.search(r'class="chart-area chart-2" d="M[\d. L]+Z"', html)
    assert "Goods take 14 days (spread 4)" in html
    assert "seasonal naive" in html.lower()
    assert "44% lower" in html


def test_another_service_level_can_be_tried_and_saves_nothing(client_as: Any) -> None:
    found = make_forecast(make_variant())
    client = client_as("viewer")
    points = [
        int(re.search(r"are at (\d+) or below", page(client, found, f"?service={service}"))[1])  # type: ignore[index]
        for service in (60, 90, 99)
    ]
    assert points == sorted(points) and points[0] < points[-1]
    assert "Only tried out" in page(client, found, "?service=99")
    assert client.get(reverse("forecast-one", args=[found.pk]) + "?service=abc").status_code == 422
    found.refresh_from_db()
    assert found.reorder_point == 70


def test_kept_forecasts_stand_before_the_back_test_of_the_same_days(client_as: Any) -> None:
    variant = make_variant()
    found = make_forecast(variant)
    PastForecast.objects.create(
        variant=variant, made_at=NOW, first_day=TODAY - timedelta(days=28), last_day=TODAY - timedelta(days=15), model="ets", p50=20, p90=33, actual=31
    )  # fmt: skip
    html = page(client_as("viewer"), found)
    assert html.count("the forecast of that day") == 1
    assert html.count('<td class="num"><bdi>back-test</bdi></td>') == 4


@pytest.mark.parametrize("speed", ["fast", "slow", "intermittent"])
def test_a_series_that_nobody_asks_for_has_a_page_too(client_as: Any, speed: str) -> None:
    found = make_forecast(
        make_variant(), speed=speed, mean_daily=0.0, p50_daily=0.0, p90_daily=0.0, daily_variance=0.0, tested=False, backtest={}, model="none",
        horizon={"mean": [0.0] * 56, "p50": [0.0] * 56, "p90": [0.0] * 56}, days_of_cover=ENDLESS,
    )  # fmt: skip
    assert "Nothing is asked for" in page(client_as("viewer"), found)


@pytest.mark.parametrize("language", ["fa", "tr", "pl"])
def test_time_runs_the_readers_way(client_as: Any, language: str) -> None:
    variant = make_variant()
    give_demand(variant, [0] * 89 + [7, 0], until=TODAY)
    client = client_as("viewer")
    client.cookies["django_language"] = language
    html = page(client, make_forecast(variant))
    first_bar = float(re.search(r'class="chart-1" x="([\d.]+)"', html)[1])  # type: ignore[index]
    assert (first_bar < 320) == (language == "fa")


def test_who_may_run_and_change(client_as: Any) -> None:
    make_forecast(make_variant())
    assert "Run now" in client_as("operations").get("/forecast/").content.decode()
    assert "Run now" not in client_as("viewer").get("/forecast/").content.decode()
    assert client_as("viewer").post("/forecast/run/").status_code == 403
    assert client_as("viewer").post("/forecast/settings/", {}).status_code == 403
    assert not Job.objects.exists()
    answer = client_as("operations").post("/forecast/run/")
    assert answer.url == reverse("job", args=[Job.objects.get().pk])


def test_settings_are_saved_in_days_and_percent(client_as: Any) -> None:
    client = client_as("operations")
    values = {
        "lead_time_days": "21", "lead_time_sd": "5.5", "review_days": "3", "cover_days": "45", "service_fast": "98.5", "service_slow": "95",
        "service_intermittent": "90",
    }  # fmt: skip
    assert client.post("/forecast/settings/", values).status_code == 302
    saved = ForecastSettings.objects.get()
    assert (saved.lead_time_days, saved.service_fast, saved.cover_days) == (21.0, 0.985, 45)
    assert "98.5" in client.get("/forecast/settings/").content.decode()
    refused = client.post("/forecast/settings/", {**values, "service_slow": "100"})
    assert refused.status_code == 422
    assert ForecastSettings.objects.get().service_slow == 0.95


@pytest.mark.parametrize("path", ["/forecast/", "one"])
def test_the_number_of_statements_is_constant(client_as: Any, path: str) -> None:
    client, counts = client_as("viewer"), []
    variant = make_variant()
    found = make_forecast(variant)
    url = reverse("forecast-one", args=[found.pk]) if path == "one" else path
    client.get(url)
    for more in (0, 4):
        for _ in range(more):
            location = make_location()
            give_stock(variant, location, 3)
            give_demand(variant, [1, 2, 3], until=TODAY, location=location)
            make_forecast(variant, location)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_api_lists_and_shows_them(client_as: Any, client: Any) -> None:
    variant, location = make_variant("TEE"), make_location("Main")
    total = make_forecast(variant)
    make_forecast(variant, location, days_of_cover=ENDLESS)
    make_forecast(make_variant("CAP"))
    secret = create_token(name="reader", role="viewer")[1]

    def get(path: str) -> Any:
        return client.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {secret}"})

    rows = get("/forecasts?sku=TEE").json()["items"]
    assert {(row["location"], row["days_of_cover"]) for row in rows} == {(None, 30.0), ("Main", None)}
    assert [row["sku"] for row in get("/forecasts?location=total").json()["items"]] == ["TEE", "CAP"]
    first = get("/forecasts?limit=2").json()
    rest = get(f"/forecasts?limit=2&cursor={first['next']}").json()
    assert len(first["items"]) + len(rest["items"]) == 3 and rest["next"] is None
    one = get(f"/forecasts/{total.pk}").json()
    assert len(one["days"]) == 56 and one["days"][0] == {"day": TODAY.isoformat(), "mean": 2.0, "p50": 2.0, "p90": 4.0}
    assert {row["model"] for row in one["candidates"]} == {"ets", "blend", "naive", "seasonal_naive"}
    assert get("/forecasts/999999").status_code == 404
    assert get("/forecasts?location=Nowhere").status_code == 422


def test_no_page_loads_the_models() -> None:
    """The web process knows the job and draws the pages without numpy, which production installs only with the extra."""
    code = (
        "import sys\n"
        "for name in ('numpy', 'pandas', 'scipy', 'statsforecast'): sys.modules[name] = None\n"
        "import django; django.setup()\n"
        "import forecasting.urls, forecasting.jobs, forecasting.tasks, forecasting.handlers, api.forecasting, oms.job_kinds, oms.urls\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
