"""`./run` as a person uses it: one launcher per test, on a state folder of its own."""

from __future__ import annotations

import re
import signal
import socket
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from oms.embedded import Postgres
from oms.embedded.processes import command_line, wait_until
from oms.launch import absolute_test_path, parallel_options
from oms.launcher.demo import listen, parse_options
from tests.platform.conftest import ROOT, Launched

linux_only = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
Launch = Callable[..., Launched]


def demo_database(launched: Launched) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(Postgres(launched.home / "demo").url)


def remember(launched: Launched) -> None:
    with demo_database(launched) as connection:
        connection.execute("create table remembered ()")


def remembers(launched: Launched) -> bool:
    with demo_database(launched) as connection:
        return connection.execute("select to_regclass('remembered') is not null").fetchone() == (True,)


@pytest.mark.slow
@linux_only
def test_kill_9_of_the_launcher_leaves_no_orphan_and_the_next_start_reuses_the_data(
    launch: Launch, free_port: int
) -> None:
    first = launch("demo", "--port", str(free_port), "--orders", "3")
    first.wait_for("OMS is ready")
    running = " ".join(command_line(pid) for pid in first.descendants())
    assert all(
        name in running
        for name in ("/postgres ", "valkey-server ", "gunicorn ", "celery -A oms worker", "celery -A oms beat")
    )

    remember(first)

    first.leave(signal.SIGKILL)
    assert wait_until(lambda: not first.descendants(), 20), "something was left over"

    second = launch("demo", "--port", str(free_port), "--orders", "3")
    second.wait_for("OMS is ready")
    assert remembers(second)
    with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/healthz", timeout=10) as answer:
        assert answer.status == 200

    busy = launch("demo", "--port", str(free_port))
    assert busy.process.wait(60) == 1
    assert f"The demo already runs (http://127.0.0.1:{free_port})" in busy.printed

    assert second.leave(signal.SIGINT) == 0
    assert not second.descendants()


def test_a_taken_port_is_a_clear_error_before_anything_starts(launch: Launch, free_port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port))
        taken.listen()
        launched = launch("demo", "--port", str(free_port))
        assert launched.process.wait(60) == 1
    assert f"Port {free_port} of 127.0.0.1 cannot be used (Address already in use)" in launched.printed
    assert "Traceback" not in launched.printed
    assert not (launched.home / "demo" / "postgres").exists()


@linux_only
def test_manage_passes_output_and_exit_code_on_and_leaves_nothing_running(launch: Launch) -> None:
    shows = (
        "import os; from django.db import connection; print(connection.pg_version, os.getcwd()); raise SystemExit(7)"
    )
    launched = launch("manage", "shell", "-v0", "-c", shows)
    assert launched.process.wait(180) == 7, launched.printed
    assert launched.printed.splitlines()[-1].endswith(str(Path.cwd()))
    assert "Traceback" not in launched.printed
    assert not launched.descendants()


def test_the_secret_key_is_made_once_and_private(launch: Launch) -> None:
    keys = set()
    for _ in range(2):
        launched = launch("manage", "diffsettings")
        assert launched.process.wait(180) == 0, launched.printed
        keys.update(re.findall("^SECRET_KEY = '(.+)'", launched.printed, re.MULTILINE))
    secret = launched.home / "secret_key"
    assert keys == {secret.read_text()}
    assert len(secret.read_text()) >= 50
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "arguments", [["--port", "0"], ["--port", "65536"], ["--port", "web"], ["--orders", "-1"], ["--por", "8000"]]
)
def test_wrong_options_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        parse_options(arguments)
    assert refused.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_a_port_is_ours_from_the_moment_it_is_taken(free_port: int) -> None:
    with listen(free_port), socket.create_connection(("127.0.0.1", free_port), timeout=5):
        pass


def test_tests_run_in_parallel_unless_the_caller_has_a_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oms.launch.processors", lambda: 2)
    assert parallel_options(["tests/core"]) == ["-n", "2", "--dist", "loadgroup"]
    assert parallel_options(["-p", "no:xdist"]) == parallel_options(["-n0"]) == parallel_options(["--pdb"]) == []


def test_test_paths_are_seen_from_the_callers_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "test_here.py").touch()
    monkeypatch.chdir(tmp_path)
    assert absolute_test_path("test_here.py::test_one") == f"{tmp_path.resolve()}/test_here.py::test_one"
    assert absolute_test_path("-k") == "-k"
    assert absolute_test_path("elsewhere.py") == "elsewhere.py"


def test_run_explains_itself() -> None:
    asked = subprocess.run([sys.executable, str(ROOT / "run"), "--help"], capture_output=True, text=True)
    assert asked.returncode == 0
    assert "./run test" in asked.stdout
    wrong = subprocess.run([sys.executable, str(ROOT / "run"), "fly"], capture_output=True, text=True)
    assert wrong.returncode == 1
    assert "Unknown command 'fly'" in wrong.stderr
