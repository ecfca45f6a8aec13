"""The embedded PostgreSQL and Valkey, and the guard that clears up after a launcher."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from oms.embedded import DEMO, TEST, EmbeddedError, Guard, Postgres, Services, Valkey
from oms.embedded.guard import Watched, is_alive, is_zombie, stop
from oms.embedded.processes import exclusive, socket_folder, wait_until


@pytest.fixture
def services(state: Path, guard: Guard) -> Services:
    return Services(state, guard, TEST)


def insert_a_row(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("create table if not exists kept (n int)")
        connection.execute("insert into kept values (1)")


def count_rows(url: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.execute("select count(*) from kept").fetchone()[0]


def test_servers_start_serve_and_stop(services: Services) -> None:
    with services:
        insert_a_row(services.environment["DATABASE_URL"])
        assert redis.Redis.from_url(services.environment["REDIS_URL"]).set("key", "value")
        pids = [services.postgres.pid, services.valkey.pid]
    assert not [pid for pid in pids if is_alive(pid)]


def test_a_second_start_finds_the_data_again(services: Services) -> None:
    with services:
        insert_a_row(services.environment["DATABASE_URL"])
    with services:
        assert count_rows(services.environment["DATABASE_URL"]) == 1


def test_servers_stay_up_while_another_launcher_uses_them(services: Services, state: Path, guard: Guard) -> None:
    with services:
        with Services(state, guard, TEST) as second:
            pid = second.postgres.pid
        assert services.postgres.pid == pid
        assert services.postgres.is_running()
        assert services.valkey.is_running()


def test_killed_servers_come_back_with_their_data(state: Path, guard: Guard) -> None:
    with Services(state, guard, DEMO) as services:
        insert_a_row(services.environment["DATABASE_URL"])
        os.kill(services.postgres.pid, signal.SIGKILL)
        os.kill(services.valkey.pid, signal.SIGKILL)
        assert wait_until(lambda: not services.postgres.pid and not services.valkey.pid, 5)
        assert services.revive() == ["PostgreSQL", "Valkey"]
        assert count_rows(services.environment["DATABASE_URL"]) == 1


def test_a_dead_postmaster_that_was_never_reaped_does_not_bar_the_start(state: Path, guard: Guard, monkeypatch) -> None:
    monkeypatch.setattr("oms.embedded.postgres.ZOMBIE_PATIENCE", 0.2)
    services = Services(state, guard, TEST)
    with services:
        lines = services.postgres.pid_file.read_text().splitlines()
    zombie_maker = "import os, time\nif os.fork() == 0: os._exit(0)\nprint('made', flush=True)\ntime.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", zombie_maker], stdout=subprocess.PIPE)
    try:
        parent.stdout.readline()
        zombie = int(Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text())
        assert wait_until(lambda: is_zombie(zombie), 5)
        services.postgres.pid_file.write_text("\n".join([str(zombie), *lines[1:]]))
        services.postgres.account.give(services.postgres.pid_file)
        with services:
            assert services.postgres.pid not in (None, zombie)
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()


def test_a_half_made_data_folder_is_made_anew(services: Services) -> None:
    services.postgres.data.mkdir(parents=True)
    (services.postgres.data / "postgresql.conf").write_text("cut off here")
    with services:
        assert services.postgres.is_running()


def test_data_of_another_version_is_refused_by_name(services: Services) -> None:
    services.postgres.data.mkdir(parents=True)
    (services.postgres.data / "PG_VERSION").write_text("12\n")
    with pytest.raises(EmbeddedError, match="of PostgreSQL 12, the programs"):
        services.postgres.start()


def test_reset_deletes_the_data_but_not_under_somebody_else(services: Services, state: Path, guard: Guard) -> None:
    with services:
        insert_a_row(services.environment["DATABASE_URL"])
        with pytest.raises(EmbeddedError, match="in use"):
            Services(state, guard, TEST).reset()
    services.reset()
    with services, pytest.raises(psycopg.errors.UndefinedTable):
        count_rows(services.environment["DATABASE_URL"])


def test_given_servers_are_used_and_never_reset(state: Path, guard: Guard) -> None:
    given = Services(state, guard, DEMO, database_url="postgresql://elsewhere/oms", redis_url="redis://elsewhere/0")
    with given:
        assert given.environment == {"DATABASE_URL": "postgresql://elsewhere/oms", "REDIS_URL": "redis://elsewhere/0"}
    with pytest.raises(EmbeddedError, match="not deleted"):
        given.reset()


def test_nothing_listens_on_the_network_and_the_socket_folder_is_private(services: Services) -> None:
    with services:
        with psycopg.connect(services.environment["DATABASE_URL"]) as connection:
            assert connection.execute("show listen_addresses").fetchone() == ("",)
        assert redis.Redis.from_url(services.environment["REDIS_URL"]).config_get("port") == {"port": "0"}
        assert services.postgres.sockets.stat().st_mode & 0o077 == 0


def test_socket_paths_stay_short_under_long_project_paths(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100) / ("y" * 100)
    deep.mkdir(parents=True)
    folder = socket_folder(deep)
    folder.rmdir()
    assert len(str(folder / ".s.PGSQL.5432")) < 100


def test_a_socket_folder_open_to_others_is_refused(tmp_path: Path) -> None:
    folder = socket_folder(tmp_path)
    folder.chmod(0o777)
    try:
        with pytest.raises(EmbeddedError, match="somebody else"):
            socket_folder(tmp_path)
    finally:
        folder.rmdir()


def test_addresses_name_the_socket_for_each_library(state: Path) -> None:
    state.mkdir()
    postgres, valkey = Postgres(state), Valkey(state)
    assert psycopg.conninfo.conninfo_to_dict(postgres.url)["host"] == str(postgres.sockets)
    assert valkey.url == f"unix://{valkey.socket}?db=0"
    assert valkey.broker_url == f"redis+socket://{valkey.socket}?virtual_host=1"


def test_a_held_lock_refuses_with_the_note_of_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with exclusive(path, "") as note:
        note.write("http://127.0.0.1:1\n7 8")
        note.flush()
        with (
            pytest.raises(EmbeddedError, match=r"^it runs on http://127\.0\.0\.1:1$"),
            exclusive(path, "it runs on {note}"),
        ):
            pass


def test_stop_kills_what_does_not_leave_when_asked() -> None:
    deaf = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\ntime.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE, start_new_session=True)
    process.stdout.readline()
    stop([Watched("deaf", process.pid, group=True)], patience=0.2)
    process.wait(5)
    process.stdout.close()
    assert not is_alive(process.pid)


def test_the_guard_stops_what_is_on_its_list_and_spares_what_was_struck_off() -> None:
    programs = [subprocess.Popen(["/bin/sleep", "60"], start_new_session=True) for _ in range(2)]
    try:
        with Guard() as guard:
            for name, program in zip(("left", "struck off"), programs, strict=True):
                guard.watch_process(name, program.pid, group=True)
            guard.forget("struck off")
        assert programs[0].wait(5) == -signal.SIGTERM
        assert programs[1].poll() is None
    finally:
        for program in programs:
            program.kill()
            program.wait()
