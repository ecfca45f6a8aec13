"""What several tests of risk begin with."""

from __future__ import annotations

import pytest

from risk.models import RiskSettings


@pytest.fixture
def addresses_hold(db: None) -> None:
    """The shop wants orders held whose address cannot be delivered to."""
    RiskSettings.objects.update_or_create(pk=1, defaults={"hold_addresses": True})
