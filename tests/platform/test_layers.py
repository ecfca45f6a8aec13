"""Who may import whom, as `docs/architecture.md` draws it and `pyproject.toml` says it."""

from __future__ import annotations

import subprocess
import sys

from tests.platform.conftest import ROOT


def test_no_module_imports_what_lies_above_it() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout
