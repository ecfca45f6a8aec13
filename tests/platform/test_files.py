"""The files that other machines rely on: locks, continuous integration, containers."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from oms.launcher.catalogs import compile_catalogs
from oms.launcher.stamps import Stamp, fingerprint
from tests.platform.conftest import ROOT

LOCKS = ("production", "forecast", "demo", "dev")
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)


def locked_versions(name: str) -> set[tuple[str, str]]:
    """(library, version); two versions of a library where an old Python cannot have the new one."""
    return set(PINNED.findall((ROOT / "requirements" / f"{name}.txt").read_text()))


def required_names(group: str | None = None) -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"] | project["project"]["optional-dependencies"]
    lines = groups[group] if group else project["project"]["dependencies"]
    return [re.split(r"[\[<>=;~ ]", line, maxsplit=1)[0] for line in lines]


@pytest.mark.parametrize("name", [*LOCKS, "uv"])
def test_every_locked_library_has_hashes_and_no_address(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text.strip())
    assert len(entries) == len(locked_versions(name))
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert "index-url" not in text


def test_larger_locks_hold_the_smaller_ones() -> None:
    production, forecast, demo, dev = map(locked_versions, LOCKS)
    assert production <= forecast <= demo <= dev


def test_every_required_library_is_locked_and_has_its_reason() -> None:
    reasons = (ROOT / "docs" / "dependencies.md").read_text()
    wanted = {
        "production": required_names(), "forecast": required_names("forecast"), "demo": required_names("embedded"),
        "dev": required_names("dev"),
    }  # fmt: skip
    for lock, names in wanted.items():
        assert set(names) <= {name for name, _version in locked_versions(lock)}
    without = [name for names in wanted.values() for name in names if name not in reasons]
    assert not without


def test_commands_can_be_executed() -> None:
    assert os.access(ROOT / "run", os.X_OK)
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_compose_describes_every_process_and_keeps_secrets_out() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    services = yaml.safe_load(text)["services"]
    assert set(services) == {"migrate", "web", "worker", "beat", "postgres", "valkey"}
    assert all("image" in service for service in services.values())
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD", "ALLOWED_HOSTS", "OMS_PUBLIC_URL"):
        assert f"${{{name}:?" in text
    assert services["web"]["ports"] == ["127.0.0.1:8000:8000"]


def test_every_variable_that_settings_read_is_documented_or_standard() -> None:
    settings = (ROOT / "oms" / "settings.py").read_text()
    documented = (ROOT / "docs" / "operations.md").read_text()
    read = set(re.findall(r'env\.(?:text|flag|number|words)\(\s*"([A-Z_]+)"', settings))
    assert len(read) > 10
    assert sorted(name for name in read if f"`{name}`" not in documented) == []


def test_catalogs_are_compiled_once_and_again_after_a_change(tmp_path: Path) -> None:
    folder = tmp_path / "tr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    source = folder / "django.po"
    source.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "Order"\nmsgstr "Sipariş"\n'
    )
    assert compile_catalogs(tmp_path) == [source]
    assert "Sipariş".encode() in (folder / "django.mo").read_bytes()
    assert compile_catalogs(tmp_path) == []
    later = (folder / "django.mo").stat().st_mtime + 5
    os.utime(source, (later, later))
    assert compile_catalogs(tmp_path) == [source]


def test_a_stamp_holds_until_a_file_changes(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("one")
    stamp = Stamp(tmp_path / "stamp", fingerprint(tmp_path, "*.py"))
    assert not stamp.is_current()
    stamp.write("printed\nlines\n")
    assert stamp.is_current()
    assert stamp.printed() == "printed\nlines\n"
    (tmp_path / "app.py").write_text("two")
    assert not Stamp(stamp.path, fingerprint(tmp_path, "*.py")).is_current()
