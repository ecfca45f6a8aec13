"""The carriers in use, by code. Filled once at start-up; read everywhere else."""

from __future__ import annotations

from .base import Carrier

_carriers: dict[str, Carrier] = {}


def register(new: Carrier) -> None:
    """Make a carrier known under its code; a second one of the same code replaces the first."""
    _carriers[new.code] = new


def carrier(code: str) -> Carrier:
    """The carrier of a code. Raises KeyError, naming those that are known."""
    try:
        return _carriers[code]
    except KeyError:
        raise KeyError(f"No carrier {code!r}; known are {', '.join(sorted(_carriers)) or 'none'}.") from None


def registered() -> dict[str, Carrier]:
    """All carriers in use, by code."""
    return dict(sorted(_carriers.items()))
