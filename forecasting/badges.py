"""How the classes of demand look."""

from __future__ import annotations

from core.badges import register
from forecasting.models import Pattern, Speed

_TONES = {"fast": "ok", "slow": "info", "intermittent": "neutral", "new": "warn"}
register("forecast.speed", {speed.value: (_TONES[speed.value], speed.label) for speed in Speed})
register(
    "forecast.pattern", {pattern.value: (_TONES.get(pattern.value, "neutral"), pattern.label) for pattern in Pattern}
)
