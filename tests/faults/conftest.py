"""Servers and programs that can be taken away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from oms.embedded import TEST
from oms.embedded.valkey import Valkey
from tests.browser.stack import Stack, forget_queue
from tests.factories.returns import make_shop


@pytest.fixture
def stack(transactional_db: None, tmp_path: Path) -> Iterator[Stack]:
    """The system's programs, none of them started yet."""
    make_shop()
    running = Stack(tmp_path)
    forget_queue()
    try:
        yield running
    finally:
        running.stop()
        forget_queue()


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A Redis that only this test uses, so that it may be stopped."""
    server = Valkey(tmp_path / "own", TEST)
    (tmp_path / "own" / "log").mkdir(parents=True)
    server.start()
    yield server
    server.stop()
