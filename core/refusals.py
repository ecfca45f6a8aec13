"""Refusals: an operation that may not go on says so with a stable code and a sentence for people."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """An operation was refused and nothing was changed.

    code: stable, for programs (``not_enough_stock``). message: a translated sentence. field: the input at fault, if one is.
    params: plain values that a program may want (already in the message for people).
    """

    status = 409

    def __init__(self, code: str, message: str, *, field: str | None = None, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.field = field
        self.params = params

    def __str__(self) -> str:
        return str(self.message)


class Invalid(Refusal):
    """The input itself is wrong (HTTP 422)."""

    status = 422


class NotAllowed(Refusal):
    """The actor lacks the permission (HTTP 403)."""

    status = 403


class NotFound(Refusal):
    """The thing named does not exist or is not the actor's (HTTP 404)."""

    status = 404


class Stale(Refusal):
    """Somebody else changed it in the meantime (HTTP 409); the message says who and when where that is known."""


class Unavailable(Refusal):
    """A part of the installation is off (PDF printing, mail, …) and what to do about it (HTTP 503)."""

    status = 503
