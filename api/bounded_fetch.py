"""One GET that can neither hang, nor grow, nor lead elsewhere: for asking another server while requests wait here.

`http.client` and not `urllib`: it follows no redirects, asks no proxy, speaks nothing but HTTP, and shows its socket,
so that the whole exchange can be cut off. Every other timeout of Python's is for one read, and a server that sends a
byte a second never runs into it.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

SECONDS_MAX = 5.0
"""For the connection, and again for request and answer."""

BYTES_MAX = 262_144
"""The largest JWK sets of public issuers have some tens of thousands."""

OK = 200


class FetchFailed(Exception):
    """Whatever it was, there is no answer; the message names no address."""


def fetch(url: str, *, seconds_max: float = SECONDS_MAX) -> bytes:
    """The body of a plain 200; the certificate of an https address is checked. Raises `FetchFailed`."""
    parts = urlsplit(url)
    connection_type = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    try:
        with closing(connection_type(parts.hostname or "", parts.port, timeout=seconds_max)) as connection:
            connection.connect()
            with _cut_off_after(seconds_max, connection.sock):
                return _exchange(connection, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
    except (OSError, HTTPException) as error:
        raise FetchFailed(repr(error)) from error


def _exchange(connection: HTTPConnection, target: str) -> bytes:
    connection.request("GET", target, headers={"Accept": "application/json", "Connection": "close"})
    response = connection.getresponse()
    if response.status != OK:
        raise FetchFailed(f"Status {response.status} instead of {OK}")
    body = response.read(BYTES_MAX + 1)
    if len(body) > BYTES_MAX:
        raise FetchFailed(f"More than {BYTES_MAX} bytes")
    if response.length or not body:  # http.client takes the end of the connection for that of headers and body
        raise FetchFailed("The answer was cut off")
    return body


@contextmanager
def _cut_off_after(seconds: float, connected: socket.socket) -> Iterator[None]:
    """A shut socket wakes whoever reads from it."""
    is_late = threading.Event()

    def cut_off() -> None:
        is_late.set()
        with suppress(OSError):  # closed already
            connected.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut_off)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if is_late.is_set():  # what was read so far may look like a whole answer
        raise FetchFailed(f"No end after {seconds} s")
