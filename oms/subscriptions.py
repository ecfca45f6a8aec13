"""THE table: domain event → handlers that react to it. Handlers run once per event, in one transaction with their effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.outbox import Event

SUBSCRIPTIONS: Mapping[type[Event], Sequence[str]] = {}
