"""A message to an endpoint: posted once, and what the receiver said. core.outgoing checks the address and connects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.outgoing import call, is_public, read_url, tls_context

__all__ = ["Answer", "is_public", "post", "read_url"]

#: The whole call ends after this time, however slowly something still arrives.
TOTAL_SECONDS = 15.0
MOST_ANSWER = 4096


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said. status 0: nothing; `text` says why, or how the answer begins."""

    status: int
    text: str
    milliseconds: int

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Post once and answer what came back; never raises for what the network or the receiver does."""
    reply = call("POST", url, body=body, headers=headers, most=MOST_ANSWER, seconds=TOTAL_SECONDS, tls=tls_context)
    text = reply.trouble or reply.body.decode("utf-8", "replace")
    if 300 <= reply.status < 400:
        text = "a redirect, which is not followed"
    clean = "".join(char if char.isprintable() else " " for char in text)
    return Answer(reply.status, clean[:300], reply.milliseconds)
