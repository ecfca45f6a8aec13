"""A receiver of webhooks on this machine: real HTTP, scripted answers, and the receiver's side of the contract."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """What came in, and what to answer: statuses in order, then 204 for ever. Words: `lose` takes it and cuts the line, `drip` answers letter
    by letter, `flood` answers without end."""

    url: str = ""
    answers: list[int | str] = field(default_factory=list)
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    shown: dict[str, tuple[int, int]] = field(default_factory=dict)  # SKU → (version, units)

    def take(self, body: bytes) -> None:
        """Keep the highest version of each SKU: an older one is dropped."""
        for item in json.loads(body)["data"]["items"]:
            version, units = item["version"], item["available"]
            if version > self.shown.get(item["sku"], (0, 0))[0]:
                self.shown[item["sku"]] = (version, units)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _headers, body in self.calls]


def verify(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Check as Standard Webhooks tells receivers to; written anew, so that it proves the sender."""
    key = base64.b64decode(secret.split("_", 1)[1])
    content = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    wanted = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return any(
        part.startswith("v1,") and hmac.compare_digest(part[3:], wanted)
        for part in headers["webhook-signature"].split(" ")
    )


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.calls.append(({name.lower(): value for name, value in self.headers.items()}, body))
            answer = receiver.answers.pop(0) if receiver.answers else 204
            if isinstance(answer, str):
                getattr(self, f"_{answer}")(body)
                return
            if answer < 300:
                receiver.take(body)
            self.send_response(answer)
            if answer == 302:
                self.send_header("location", receiver.url + "elsewhere")
            self.end_headers()

        def _lose(self, body: bytes) -> None:
            receiver.take(body)
            self.close_connection = True

        def _drip(self, body: bytes) -> None:
            with suppress(OSError):
                for char in "HTTP/1.1 200 OK\r\nx-slow: " + "a" * 600:
                    self.wfile.write(char.encode())
                    self.wfile.flush()
                    time.sleep(0.05)

        def _flood(self, body: bytes) -> None:
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                for _ in range(2000):
                    self.wfile.write(b"x" * 100_000)

        def do_GET(self) -> None:
            receiver.calls.append(({}, b"{}"))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Quiet."""

    return Handler


@contextmanager
def receiving(*answers: int | str, ssl_context: Any = None, host: str = "127.0.0.1") -> Iterator[Receiver]:
    """A receiver that listens for as long as the block lasts."""
    receiver = Receiver(answers=list(answers))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver))
    server.daemon_threads = True
    if ssl_context is not None:
        server.socket = ssl_context.wrap_socket(server.socket, server_side=True)
    receiver.url = f"{'https' if ssl_context else 'http'}://{host}:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
