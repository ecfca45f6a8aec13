"""What a step of the forecasting job found out; plain, so that the job can be known where the models are not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from forecasting.models import ForecastResult, PastForecast


@dataclass(slots=True)
class Worked:
    """Pools as JSON, or rows and the last variant they reach to."""

    pools: dict[str, Any] | None = None
    results: list[ForecastResult] = field(default_factory=list)
    pasts: list[PastForecast] = field(default_factory=list)
    variants: int = 0
    after: int = 0
    last: bool = False
