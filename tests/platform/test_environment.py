"""What programs started by `./run` are told, and what the machine is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from oms import launch
from oms.embedded import DEMO, TEST, Guard, Services
from oms.launcher import system


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(launch, "HOME", tmp_path)
    return tmp_path


def test_programs_are_not_misled_by_the_callers_environment(
    home: Path, state: Path, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGHOST", "PGOPTIONS", "PYTHONPATH", "DJANGO_SETTINGS_MODULE", "CELERY_BROKER_URL", "PYTEST_ADDOPTS"):
        monkeypatch.setenv(name, "somewhere else")
    monkeypatch.delenv("SECRET_KEY", raising=False)
    environment = launch.application_environment(state, Services(state, guard, TEST), mode="test")
    assert "somewhere else" not in environment.values()
    assert environment["OMS_ENV"] == "test"
    assert environment["OMS_STATE"] == str(state)
    assert environment["DATABASE_URL"].startswith("postgresql://oms@%2Ftmp%2Foms-")
    assert environment["SECRET_KEY"] == (home / "secret_key").read_text()


def test_given_servers_keep_what_the_caller_says_about_them(
    home: Path, state: Path, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {
        "DATABASE_URL": "postgresql://db.invalid/oms",
        "REDIS_URL": "redis://cache.invalid/0",
        "CELERY_BROKER_URL": "redis://queue.invalid/0",
        "PGSSLROOTCERT": "/etc/ca.pem",
        "SECRET_KEY": "given",
        "OMS_ENV": "production",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    environment = launch.application_environment(state, launch.services(state, guard, DEMO))
    assert given.items() <= environment.items()


def test_tests_never_run_in_another_mode(
    home: Path, state: Path, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMS_ENV", "production")
    assert launch.application_environment(state, Services(state, guard, TEST), mode="test")["OMS_ENV"] == "test"


def test_a_named_browser_is_taken_before_those_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMS_CHROMIUM", "/opt/own/chromium")
    assert system.find_chromium() == "/opt/own/chromium"


def test_playwrights_own_browser_is_found_where_the_machine_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "chromium-1234" / "chrome-linux" / "chrome"
    program.parent.mkdir(parents=True)
    program.touch()
    monkeypatch.delenv("OMS_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(system, "MAC_BROWSERS", ())
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    assert system.find_chromium() == str(program)


def test_a_missing_browser_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system, "find_chromium", lambda: "")
    monkeypatch.setattr(system, "_may_install", lambda: False)
    assert system.ensure_chromium(tmp_path / "apt.log") == ""
    assert capsys.readouterr().err.startswith("The browser tests are skipped without Chromium.")


def test_missing_pango_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system, "PANGO", ("libno-such-library.so.0",))
    monkeypatch.setattr(system.sys, "platform", "linux")
    monkeypatch.setattr(system, "_may_install", lambda: False)
    system.ensure_pango(tmp_path / "apt.log")
    printed = capsys.readouterr().err
    assert printed.startswith("PDF documents are off")
    assert "libpango-1.0-0" in printed
