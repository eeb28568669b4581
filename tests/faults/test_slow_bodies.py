"""Bodies that come slowly, or never: they hold their threads for a bounded time and keep nobody out."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from api.connections import BODY_BYTES_MIN, QUIET_SECONDS_MAX
from tests.builders import a_product
from tests.mongo import put_products
from tests.stack import Stack, wait_until

LIMIT_SECONDS = 4
HALF_SENT = 300


@pytest.fixture
def api(stack: Stack) -> Stack:
    put_products(stack.database, a_product("MUG", stock=1_000))
    stack.environment |= {"API_PROCESSES": "1", "BODY_SECONDS_MAX": str(LIMIT_SECONDS)}
    return stack


def head(stack: Stack, length: int, path: str = "/v1/orders") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {stack.token()}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


@contextmanager
def open_requests(stack: Stack, count: int, *, sent: bytes = b'{"items"') -> Iterator[list[socket.socket]]:
    """Connections on which the beginning of a body came."""
    with ExitStack() as connections:
        made = []
        for _ in range(count):
            connection = connections.enter_context(socket.create_connection(("127.0.0.1", stack.port), timeout=30))
            connection.sendall(head(stack, 100_000) + sent)
            made.append(connection)
        yield made


def is_ended(connection: socket.socket) -> bool:
    """By the server: with an answer before it, or without."""
    connection.setblocking(False)
    try:
        while connection.recv(4096):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


def buy(stack: Stack) -> None:
    with stack.client() as client:
        assert client.get("/livez", timeout=2 * LIMIT_SECONDS + 5).status_code == httpx.codes.OK
        order = {"items": [{"sku": "MUG", "quantity": 1}]}
        assert client.post("/v1/orders", json=order, timeout=5).status_code == httpx.codes.ACCEPTED


def test_two_hundred_half_sent_bodies_keep_nobody_out(api: Stack) -> None:
    """More than one process has threads by the settings (64 and 64 for those who wait), and all to one process."""
    api.environment["BODY_SECONDS_MAX"] = "60"
    api.start_api()
    with open_requests(api, 200) as connections:
        started = time.monotonic()
        for _ in range(5):
            buy(api)
        assert time.monotonic() - started < 10
        assert not any(is_ended(connection) for connection in connections)
    assert api.database.orders.count_documents({}) == 5


def test_half_sent_bodies_are_ended_and_free_their_threads(api: Stack) -> None:
    """More than the process has threads."""
    api.start_api()
    with open_requests(api, HALF_SENT) as connections:
        buy(api)
        wait_until(lambda: all(map(is_ended, connections)), "the connections to be ended", limit=4 * LIMIT_SECONDS)
        buy(api)
    assert "connections ended" in api.log("api")
    assert api.database.orders.count_documents({}) == 2


def test_half_a_request_behind_a_whole_one_is_ended(api: Stack) -> None:
    """The last that the kernel saw was an answer, as on an idle connection; so is `100 Continue`. Takes 45 s."""
    api.start_api()
    behind = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" + head(api, 100_000) + b"{"
    expecting = head(api, 100_000).replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    with ExitStack() as connections:
        made = []
        for request in (behind, expecting):
            connection = connections.enter_context(socket.create_connection(("127.0.0.1", api.port), timeout=5))
            connection.sendall(request)
            assert connection.recv(4096)[:12] in (b"HTTP/1.1 200", b"HTTP/1.1 100")
            made.append(connection)
        wait_until(lambda: all(map(is_ended, made)), "both to be ended", limit=QUIET_SECONDS_MAX + 10)
    assert "connections ended" in api.log("api")


def test_a_body_that_trickles_for_ever_is_ended(api: Stack) -> None:
    api.start_api()
    with socket.create_connection(("127.0.0.1", api.port), timeout=5) as connection:
        connection.sendall(head(api, 100_000))
        started = time.monotonic()

        def trickle() -> bool:
            try:
                connection.setblocking(True)
                connection.sendall(b" ")
            except OSError:
                return True
            time.sleep(0.3)
            return is_ended(connection)

        wait_until(trickle, "the trickle to be ended", limit=4 * LIMIT_SECONDS)
        assert time.monotonic() - started >= LIMIT_SECONDS


def test_a_body_that_does_not_say_how_long_it_is_is_refused_when_it_begins_and_ended(api: Stack) -> None:
    api.start_api()
    with socket.create_connection(("127.0.0.1", api.port), timeout=LIMIT_SECONDS) as connection:
        connection.sendall(head(api, 100_000).replace(b"Content-Length: 100000", b"Transfer-Encoding: chunked"))
        connection.sendall(b"1\r\n \r\n")
        assert connection.recv(1024).startswith(b"HTTP/1.1 411")
        wait_until(lambda: is_ended(connection), "the connection to be ended", limit=4 * LIMIT_SECONDS)


def test_a_slow_upload_that_goes_on_is_not_cut(api: Stack) -> None:
    """Three times the limit in all."""
    api.start_api()
    order = b'{"items":[{"sku":"MUG","quantity":1}]}'
    pieces = 24
    body = order + b" " * (pieces * BODY_BYTES_MIN // 4)
    with socket.create_connection(("127.0.0.1", api.port), timeout=10) as connection:
        connection.sendall(head(api, len(body)))
        for piece in range(pieces):
            start, end = piece * len(body) // pieces, (piece + 1) * len(body) // pieces
            connection.sendall(body[start:end])
            time.sleep(3 * LIMIT_SECONDS / pieces)
        assert connection.recv(1024).startswith(b"HTTP/1.1 202")


def ask(connection: socket.socket, path: str, *headers: str) -> bytes:
    connection.sendall("\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode())
    answer = b""
    while not answer.endswith(b"}"):
        piece = connection.recv(4096)
        assert piece, "the connection was ended"
        answer += piece
    return answer


def test_idle_connections_and_clients_that_wait_are_left_alone(api: Stack) -> None:
    """For several limits: who never asked, who has its answer, and who waits for one."""
    api.start_api()
    with api.client() as client:
        placed = client.post("/v1/orders", json={"items": [{"sku": "MUG", "quantity": 1}]}).headers["Location"]
    with ExitStack() as connections:
        silent, idle, waiting = (
            connections.enter_context(socket.create_connection(("127.0.0.1", api.port), timeout=20)) for _ in range(3)
        )
        for connection in (idle, waiting):
            assert ask(connection, "/livez").startswith(b"HTTP/1.1 200")
        time.sleep(0.1)  # so that the request comes visibly after the answer
        started = time.monotonic()
        answer = ask(waiting, placed, f"Authorization: Bearer {api.token()}", "Prefer: wait=12").lower()
        assert b"preference-applied: wait=12" in answer
        assert time.monotonic() - started >= 3 * LIMIT_SECONDS
        for connection in (silent, idle, waiting):
            assert ask(connection, "/livez").startswith(b"HTTP/1.1 200")
    assert "connections ended" not in api.log("api")
