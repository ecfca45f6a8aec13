"""The launcher behind `./run`: starts the servers, then the demo, a manage.py command, the tests or a benchmark.

Messages go to stderr, so that the standard output of a command stays its own. Standard library only.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[0] = str(ROOT)  # Python put oms/ here, whose celery.py must not hide the library

from oms.embedded import BENCH, DEMO, TEST, EmbeddedError, Guard, Profile, Services  # noqa: E402
from oms.embedded.processes import exclusive  # noqa: E402
from oms.launcher.catalogs import compile_catalogs  # noqa: E402
from oms.launcher.stamps import Stamp, fingerprint  # noqa: E402
from oms.launcher.system import ensure_chromium, ensure_pango  # noqa: E402

HOME = Path(os.environ.get("OMS_HOME") or ROOT / ".oms").absolute()
# Commands that bring the tables about, or need none.
SCHEMA_COMMANDS = frozenset(
    {
        *("migrate", "makemigrations", "showmigrations", "sqlmigrate", "squashmigrations", "optimizemigration"),
        *("check", "diffsettings", "makemessages", "compilemessages", "setup_demo", "help", "--help", "--version"),
    }
)


def main(command: str, arguments: list[str]) -> int:
    """Run one of `./run`'s commands; returns its exit code."""
    try:
        compile_catalogs(ROOT / "locale")
        if command != "lint":
            ensure_pango(HOME / "apt.log")
        return COMMANDS[command](arguments)
    except EmbeddedError as error:
        say(f"\n{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def run_demo(arguments: list[str]) -> int:
    """The demo shop: web, worker and beat until Ctrl-C."""
    from oms.launcher.demo import Demo, parse_options

    options = parse_options(arguments)
    state = slot("demo")
    demo = Demo(ROOT, state, options, lambda servers: application_environment(state, servers))
    with Guard() as guard:
        return demo.run(guard, services(state, guard, DEMO))


def run_manage(arguments: list[str]) -> int:
    """A manage.py command in the caller's folder, on the demo's data."""
    state = slot("demo")
    with Guard() as guard, services(state, guard, DEMO) as servers:
        environment = application_environment(state, servers)
        if arguments and arguments[0] not in SCHEMA_COMMANDS and servers.postgres:
            migrate_if_needed(state, environment)
        return run_program(guard, manage(*arguments), environment)


def run_bench(arguments: list[str]) -> int:
    """`manage.py bench` on servers and data of its own."""
    state = slot("bench")
    with Guard() as guard, services(state, guard, BENCH) as servers:
        environment = application_environment(state, servers)
        migrate_if_needed(state, environment)
        return run_program(guard, manage("bench", *arguments), environment)


def run_tests(arguments: list[str]) -> int:
    """pytest with everything it needs; parallel unless told otherwise. Its closing line is the last one printed."""
    state = slot("test")
    chromium = ensure_chromium(HOME / "apt.log")
    with (
        exclusive(state / "test.lock", f"The tests already run on {state}. Set OMS_SLOT to another name to run more."),
        Guard() as guard,
    ):
        given = {
            "database_url": os.environ.get("OMS_TEST_DATABASE_URL", ""),
            "redis_url": os.environ.get("OMS_TEST_REDIS_URL", ""),
        }
        with Services(state, guard, TEST, **given) as servers:
            environment = application_environment(state, servers, mode="test")
            if chromium:
                environment["OMS_CHROMIUM"] = chromium
            command = [
                sys.executable,
                "-m",
                "pytest",
                *parallel_options(arguments),
                *map(absolute_test_path, arguments),
            ]
            return run_program(guard, command, environment, folder=ROOT)


def run_campaign(arguments: list[str]) -> int:
    """Random acts on stock, far more of them than the suite has, on servers of their own (`OMS_SLOT`, else "campaign")."""
    from oms.launcher.campaign import parse_options

    tests = parse_options(arguments)
    os.environ.setdefault("OMS_SLOT", "campaign")
    return run_tests(tests)


def run_lint(arguments: list[str]) -> int:
    """Every static check, also after one has failed; 1 if any did."""
    del arguments
    programs = Path(sys.executable).parent
    checks = (
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["lint-imports"],
        ["djlint", "templates", "--lint", "--quiet"],
    )
    failed = []
    for check in checks:
        say(f"— {' '.join(check)}")
        if subprocess.run([programs / check[0], *check[1:]], cwd=ROOT, check=False).returncode:
            failed.append(check[0])
    return 1 if failed else 0


def slot(default: str) -> Path:
    """The state folder: the demo, the tests and benchmarks each have one, and OMS_SLOT names yet others."""
    state = HOME / (os.environ.get("OMS_SLOT") or default)
    state.mkdir(parents=True, exist_ok=True)
    return state


def services(state: Path, guard: Guard, profile: Profile) -> Services:
    """The servers of a slot; those that DATABASE_URL and REDIS_URL name are used instead of embedded ones."""
    return Services(
        state,
        guard,
        profile,
        database_url=os.environ.get("DATABASE_URL", ""),
        redis_url=os.environ.get("REDIS_URL", ""),
    )


def application_environment(state: Path, servers: Services, mode: str = "demo") -> dict[str, str]:
    """The environment of Django, Celery and gunicorn."""
    mine = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    if servers.postgres:  # PGHOST, PGOPTIONS, … are about some other server
        mine = {name: value for name, value in mine.items() if not name.startswith("PG")}
    if servers.valkey:
        mine.pop("CELERY_BROKER_URL", None)
    mine.setdefault("SECRET_KEY", secret_key())
    mine["OMS_ENV"] = mode if mode == "test" else mine.get("OMS_ENV", mode)
    if sys.platform == "darwin":  # where Homebrew puts Pango is not among the places that are searched
        mine.setdefault("DYLD_FALLBACK_LIBRARY_PATH", "/opt/homebrew/lib:/usr/local/lib")
    return {
        **mine,
        **servers.environment,
        "OMS_STATE": str(state),
        "DJANGO_SETTINGS_MODULE": "oms.settings",
        "PYTHONUNBUFFERED": "1",
    }


FOREIGN = frozenset({"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "DJANGO_SETTINGS_MODULE", "PYTEST_ADDOPTS"})


def secret_key() -> str:
    """A secret key of this machine, made once and readable by its owner only."""
    path = HOME / "secret_key"
    if not path.exists():
        draft = HOME / f"secret_key.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
        draft.rename(path)
    return path.read_text()


def manage(*arguments: str) -> list[str]:
    """The command line of manage.py."""
    return [sys.executable, str(ROOT / "manage.py"), *arguments]


def migrate_if_needed(state: Path, environment: dict[str, str]) -> None:
    """Bring the embedded database up to date when migrations have changed since this was last done."""
    stamp = Stamp(state / "schema.stamp", fingerprint(ROOT, "*/migrations/*.py", "requirements/demo.txt"))
    if not stamp.is_current():
        say("Preparing the database …")
        done = subprocess.run(
            manage("migrate", "--verbosity=0"),
            env=environment,
            stdout=sys.stderr,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            raise EmbeddedError("The database could not be prepared (see above).")
        stamp.write()


def run_program(guard: Guard, command: Sequence[str], environment: dict[str, str], folder: Path | None = None) -> int:
    """Run a program in the foreground; returns its exit code, 128 + n when signal n ended it.

    Ctrl-C reaches the program by the terminal, so it is the program that decides; SIGTERM is passed on.
    """
    program = subprocess.Popen(command, env=environment, cwd=folder)
    guard.watch_process("program", program.pid)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: program.terminate())
    signal.signal(signal.SIGHUP, lambda *_: program.terminate())
    code = program.wait()
    guard.forget("program")
    return 128 - code if code < 0 else code


def parallel_options(arguments: Sequence[str]) -> list[str]:
    """One test process for each processor, unless the caller has a say in it."""
    own_say = ("-n", "--numprocesses", "--dist", "--pdb", "--trace", "-s", "--capture=no")
    if "no:xdist" in arguments or "-pno:xdist" in arguments or any(word.startswith(own_say) for word in arguments):
        return []
    return ["-n", str(processors()), "--dist", "loadgroup"] if processors() > 1 else []


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def absolute_test_path(argument: str) -> str:
    """A test path as seen from the caller's folder, since pytest runs in the project's."""
    path, separator, test = argument.partition("::")
    if argument.startswith("-") or not Path(path).exists():
        return argument
    return f"{Path(path).resolve()}{separator}{test}"


def say(text: str) -> None:
    """A message for the person at the terminal."""
    print(text, file=sys.stderr, flush=True)


COMMANDS = {
    "demo": run_demo,
    "manage": run_manage,
    "bench": run_bench,
    "test": run_tests,
    "campaign": run_campaign,
    "lint": run_lint,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
