"""A server on loopback that answers as a test says, to see what a client of ours makes of it."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

Answer: TypeAlias = Callable[[socket.socket], None]
"""Writes to the connection, which is closed afterwards; the request has been read."""


@dataclass
class Loopback:
    port: int
    answer: Answer
    requests: list[bytes] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/keys", scheme: str = "http") -> str:
        return f"{scheme}://localhost:{self.port}{path}"


def response(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def answering(text: bytes) -> Answer:
    return lambda connection: connection.sendall(text)


@contextmanager
def loopback(answer: Answer, *, tls: ssl.SSLContext | None = None) -> Iterator[Loopback]:
    """Takes connections until the end of the block; `answer` may be changed meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Loopback(listener.getsockname()[1], answer)
        thread = threading.Thread(target=_serve, args=[server, listener, tls], daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            with socket.create_connection(("127.0.0.1", server.port), 5):
                thread.join(10)


def _serve(server: Loopback, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
    while True:
        connection, _ = listener.accept()
        if server.stopping.is_set():
            connection.close()
            return
        threading.Thread(target=_answer, args=[server, connection, tls], daemon=True).start()


def _answer(server: Loopback, plain: socket.socket, tls: ssl.SSLContext | None) -> None:
    try:
        with plain, tls.wrap_socket(plain, server_side=True) if tls else plain as connection:
            server.requests.append(connection.recv(65_536))
            server.answer(connection)
    except OSError:
        pass  # the client went away, or does not trust us: the test sees it from there
