"""A bad network on loopback: a proxy between a process and a server, which does to the data what a test says."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias


class Way(Enum):
    TO_SERVER = "to the server"
    FROM_SERVER = "from the server"


@dataclass(eq=False)
class Connection:
    """`passed`: bytes, both ways together. A way that is lost has lost data, and so passes on nothing ever again."""

    client: socket.socket
    server: socket.socket
    passed: int = 0
    lost: set[Way] = field(default_factory=set)

    def cut(self) -> None:
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def half_close(self, way: Way) -> None:
        """Nothing more comes that way, and its receiver is told so; the other way stays open."""
        self.lost.add(way)
        with suppress(OSError):
            self.ends(way)[1].shutdown(socket.SHUT_WR)

    def ends(self, way: Way) -> tuple[socket.socket, socket.socket]:
        """From where to where."""
        return (self.client, self.server) if way is Way.TO_SERVER else (self.server, self.client)


Toxic: TypeAlias = Callable[[Connection, Way, bytes], bytes]
"""What becomes of data: what it returns is passed on. It may sleep, and it may do something to the connection."""


def healthy(_: Connection, __: Way, data: bytes) -> bytes:
    return data


def delayed(seconds: float) -> Toxic:
    def delay(_: Connection, __: Way, data: bytes) -> bytes:
        time.sleep(seconds)
        return data

    return delay


def swallowed(*ways: Way) -> Toxic:
    """A black hole: nobody is told that the data is gone."""

    def swallow(connection: Connection, way: Way, data: bytes) -> bytes:
        if way in ways:
            connection.lost.add(way)
            return b""
        return data

    return swallow


def cut_after(count: int) -> Toxic:
    """In the middle of a message, after so many bytes of each connection, both ways together."""

    def cut(connection: Connection, _: Way, data: bytes) -> bytes:
        left = count - connection.passed
        if left <= len(data):
            connection.cut()
        return data[: max(0, left)]

    return cut


def half_closed(closed: Way) -> Toxic:
    def close(connection: Connection, way: Way, data: bytes) -> bytes:
        connection.half_close(closed)
        return b"" if way is closed else data

    return close


def answer_lost(request: bytes, lost: list[Connection]) -> Toxic:
    """The server gets the request, with this text in it, and does it; the client is cut off before the answer comes.

    Once; `lost` is where the connection is put to which it happened.
    """
    asked: list[Connection] = []

    def lose(connection: Connection, way: Way, data: bytes) -> bytes:
        if way is Way.TO_SERVER and request in data and not asked:
            asked.append(connection)
        elif way is Way.FROM_SERVER and connection in asked and not lost:
            lost.append(connection)
            connection.cut()
            return b""
        return data

    return lose


class ToxicProxy:
    """Does nothing to the data until it is given a toxic."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.toxic: Toxic = healthy
        self.met = 0
        """How often data met a toxic."""
        self._connections: set[Connection] = set()
        self._accept()

    def cut(self) -> None:
        """All connections that there are."""
        for connection in list(self._connections):
            connection.cut()

    def refuse(self) -> None:
        """New connections; those that there are go on."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def heal(self) -> None:
        """What was lost stays lost: its connections do not work again, but new ones do."""
        self.toxic = healthy
        if self._listener.fileno() < 0:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self._accept()

    def close(self) -> None:
        """Nothing of it is left when this returns."""
        self.heal()
        self.refuse()
        while self._connections:
            self.cut()
            time.sleep(0.01)

    def _accept(self) -> None:
        threading.Thread(target=self._serve, args=[self._listener], daemon=True).start()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return  # it refuses
            threading.Thread(target=self._connect, args=[client], daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        """Until both ways have come to their end."""
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", self._server_port)) as server:
            connection = Connection(client, server)
            self._connections.add(connection)
            pumps = [threading.Thread(target=self._pump, args=[connection, way], daemon=True) for way in Way]
            for pump in pumps:
                pump.start()
            for pump in pumps:
                pump.join()
            self._connections.discard(connection)

    def _pump(self, connection: Connection, way: Way) -> None:
        source, target = connection.ends(way)
        with suppress(OSError):
            while data := source.recv(65_536):
                self.met += self.toxic is not healthy
                passed_on = b"" if way in connection.lost else self.toxic(connection, way, data)
                connection.passed += len(passed_on)
                target.sendall(passed_on)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@contextmanager
def toxic_proxy(server_port: int) -> Iterator[ToxicProxy]:
    proxy = ToxicProxy(server_port)
    try:
        yield proxy
    finally:
        proxy.close()
