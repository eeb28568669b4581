"""The load of the benchmark over real sockets: what is sent, what is counted, and connections that a server ends."""

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from bench import prepared
from bench.load import Traffic, closed_loop, open_loop

ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"
REFUSED = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"

Answer = Callable[[bytes], bytes]


class Server:
    """Answers each request by itself; ends a connection after so many."""

    def __init__(self, answer: Answer, requests_per_connection: int | None) -> None:
        self.received: list[bytes] = []
        self.connections = 0
        self._answer = answer
        self._limit = requests_per_connection
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._talk, args=[connection], daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        served = 0
        with suppress(OSError), connection:
            while served != self._limit and (request := connection.recv(65_536)):
                self.received.append(request)
                connection.sendall(self._answer(request))
                served += 1

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextmanager
def serving(answer: Answer, *, requests_per_connection: int | None = None) -> Iterator[Server]:
    server = Server(answer, requests_per_connection)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    yield server
    server.close()
    thread.join(5)


@pytest.fixture
def requests() -> list[bytes]:
    return prepared.orders("/v1/orders", skus=3, callers=[{"Authorization": f"Bearer {n}"} for n in range(5)])


def test_an_open_loop_sends_each_order_once_and_every_one_of_them(requests):
    with serving(lambda _: ACCEPTED) as server:
        answers = open_loop(Traffic(server.port, requests), rate=100, connections=4, seconds=1)
    assert (answers.accepted, answers.refused) == (100, 0)
    assert sorted(server.received) == sorted(requests * 20)


def test_an_open_loop_counts_what_is_refused(requests):
    with serving(lambda request: REFUSED if b"Bearer 0" in request else ACCEPTED) as server:
        answers = open_loop(Traffic(server.port, requests), rate=50, connections=4, seconds=1)
    assert (answers.accepted, answers.refused) == (40, 10)


def test_an_open_loop_goes_on_when_the_server_ends_connections(requests):
    with serving(lambda _: ACCEPTED, requests_per_connection=5) as server:
        answers = open_loop(Traffic(server.port, requests), rate=100, connections=2, seconds=1)
    assert answers.accepted == 100
    assert server.connections >= 20


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not part of what make test installs")
def test_wrk_sends_the_prepared_requests_in_turn(requests):
    with serving(lambda request: REFUSED if b"Bearer 0" in request else ACCEPTED) as server:
        answers = closed_loop(Traffic(server.port, requests), connections=1, seconds=1)
    assert set(server.received) == set(requests)
    assert answers.accepted > 4 * answers.refused - 5
    assert answers.refused > 0
    assert answers.broken == 0
