"""HTTP to an address that somebody typed in: checked, then connected to exactly what was checked.

The name is resolved once; every address it has must be a public one, and the connection goes to that address, so nothing can change
between the check and the call. Redirects are not followed, proxies of the environment are not used, and neither a slow nor a long
answer holds a worker.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from core.refusals import Invalid

CONNECT_SECONDS = 5.0
#: The whole call ends after this time, however slowly something still arrives.
TOTAL_SECONDS = 15.0
LONGEST_URL = 500
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart: where to connect, by which name."""

    secure: bool
    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. status 0: nothing did, and `trouble` says why."""

    status: int
    body: bytes
    trouble: str
    milliseconds: int

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300


class Unreachable(Exception):
    """The address may not be called, or cannot be; the text says why."""


def read_url(url: str, *, loopback: bool | None = None) -> Target:
    """Take an address apart. Raises Invalid (field ``url``) for what is never called, whatever its name resolves to."""
    loopback = settings.WEBHOOK_ALLOW_LOOPBACK if loopback is None else loopback
    if len(url) > LONGEST_URL or not url.isprintable() or any(char.isspace() for char in url) or "\\" in url:
        raise _invalid(_("This is no address."))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _invalid(_("This is no address.")) from None
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in ("https", "http") or not host:
        raise _invalid(_("Write an address that begins with https://."))
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise _invalid(_("An address may not hold a user name or password; the signature proves who sends."))
    if parts.fragment or "#" in url:
        raise _invalid(_("An address may not have a fragment (#…)."))
    try:
        host = host if ":" in host else host.encode("idna").decode()
    except UnicodeError:
        raise _invalid(_("This is no host name.")) from None
    secure = parts.scheme == "https"
    local = loopback and _names_loopback(host)
    if not secure and not local:
        raise _invalid(_("Only https is called: the numbers are nobody else's business."))
    if port not in (None, 443) and not local:
        raise _invalid(_("Only port 443 is called."))
    if not local and (literal := _literal(host)) and not is_public(literal):
        raise _invalid(_("This address is not a public one."))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(secure, host, port or (443 if secure else 80), path)


def _invalid(message: str) -> Invalid:
    return Invalid("bad_webhook_url", message, field="url")


def _literal(host: str) -> Address | None:
    """The IP address that a host is, also in the short, decimal, octal and hexadecimal forms that systems understand."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError, UnicodeError):
        return None


def _names_loopback(host: str) -> bool:
    literal = _literal(host)
    return host == "localhost" or (literal is not None and literal.is_loopback)


def is_public(address: Address) -> bool:
    """True for an address of the public internet; what is wrapped in IPv6 is looked at as well."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local or int(address) < 1 << 32:  # ::a.b.c.d, long abolished and still routed by some
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def resolve(target: Target, *, loopback: bool | None = None) -> list[str]:
    """The addresses of a target, all of them public (or, where that is allowed, of this machine). Raises Unreachable."""
    loopback = settings.WEBHOOK_ALLOW_LOOPBACK if loopback is None else loopback
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        raise Unreachable("the name is not known") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    local = loopback and _names_loopback(target.host)
    for text in addresses:
        address = ipaddress.ip_address(text.partition("%")[0])
        if not (is_public(address) or (local and address.is_loopback)):
            raise Unreachable("the name leads to an address that is not public")
    if not addresses:
        raise Unreachable("the name is not known")
    return addresses


class _Connection(http.client.HTTPConnection):
    """Connects to a checked address and speaks to it by its name."""

    def __init__(self, target: Target, address: str, tls: Callable[[], ssl.SSLContext]) -> None:
        super().__init__(target.host, target.port, timeout=CONNECT_SECONDS)
        self._target, self._address, self._tls = target, address, tls

    def connect(self) -> None:
        # The address is a literal: nothing is resolved a second time.
        self.sock = socket.create_connection((self._address, self._target.port), CONNECT_SECONDS)
        if self._target.secure:
            self.sock = self._tls().wrap_socket(self.sock, server_hostname=self._target.host)


def tls_context() -> ssl.SSLContext:
    """Certificates are checked against the system's authorities."""
    return ssl.create_default_context()


def call(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str],
    most: int,
    seconds: float = TOTAL_SECONDS,
    tls: Callable[[], ssl.SSLContext] = tls_context,
) -> Reply:
    """Ask once and answer what came back, its first `most` bytes; never raises for what the network or the other side does."""
    began = time.monotonic()

    def reply(status: int, body: bytes = b"", trouble: str = "") -> Reply:
        return Reply(status, body, trouble, round((time.monotonic() - began) * 1000))

    try:
        target = read_url(url)
        address = resolve(target)[0]
    except Invalid as refusal:
        return reply(0, trouble=refusal.message)
    except Unreachable as error:
        return reply(0, trouble=str(error))
    connection = _Connection(target, address, tls)
    ended = threading.Event()
    clock = threading.Timer(seconds, _end, args=(connection, ended))
    clock.daemon = True
    clock.start()
    try:
        connection.request(method, target.path, body=body, headers={**headers, "connection": "close"})
        response = connection.getresponse()
        answered = response.read(most)
        if ended.is_set():  # a line that was cut reads like the end of an answer
            return reply(0, trouble="no answer in time")
        return reply(response.status, answered)
    except (OSError, http.client.HTTPException, ValueError) as error:
        took_too_long = ended.is_set() or isinstance(error, TimeoutError)
        return reply(0, trouble="no answer in time" if took_too_long else f"{type(error).__name__}: {error}")
    finally:
        clock.cancel()
        connection.close()


def _end(connection: http.client.HTTPConnection, ended: threading.Event) -> None:
    """Cut a call that lasts too long, wherever it is."""
    ended.set()
    if connection.sock is not None:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
