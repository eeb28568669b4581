"""What follows from the kernel's figures: whose body does not come, and who hung up while waiting."""

import socket
import time
from contextlib import ExitStack

import pytest

from api.connections import BODY_BYTES_MIN, Connection, SlowBodies, can_look, cut, look, without_client

LIMIT = 20.0


def a_connection(port: int = 1, *, at: float, received: int = 100, asks: bool = True, answers: int = 0) -> Connection:
    """`at`: when the last of what was received came."""
    return Connection(3, ("127.0.0.1", port), received, at, at, asks, asks, answers)


def overdue(*looks: tuple[float, list[Connection]], waiting_since: tuple[float, ...] = ()) -> list[int]:
    """The ports of what is overdue at the last of the looks."""
    bodies = SlowBodies(LIMIT)
    found: list[Connection] = []
    for now, connections in looks:
        found = bodies.overdue(connections, waiting_since, now)
    return [connection.peer[1] for connection in found]


def test_a_body_of_which_nothing_more_came_is_overdue_after_the_limit():
    stalled = a_connection(at=0)
    assert overdue((0, [stalled]), (LIMIT - 0.1, [stalled])) == []
    assert overdue((0, [stalled]), (LIMIT, [stalled])) == [1]


def test_a_body_that_trickles_is_overdue_whoever_waits_meanwhile():
    looks = [(float(now), [a_connection(at=now - 0.3, received=100 + now)]) for now in range(22)]
    assert overdue(*looks, waiting_since=tuple(float(now) for now in range(22))) == [1]


def test_a_body_that_goes_on_is_never_overdue():
    looks = [(now, [a_connection(at=now, received=int(now / LIMIT * BODY_BYTES_MIN))]) for now in range(0, 200, 5)]
    assert overdue(*looks) == []


def test_requests_that_are_answered_start_anew():
    looks = [(float(now), [a_connection(at=now, answers=now)]) for now in range(100)]
    assert overdue(*looks) == []


def test_who_does_not_ask_is_idle():
    idle = a_connection(at=0, asks=False)
    assert overdue((0, [idle]), (40, [idle])) == []


def test_who_is_quiet_for_longer_than_an_idle_connection_lives_is_no_idle_connection():
    """But the rest of a request, after an answer to the one before it or after `100 Continue`."""
    stalled = a_connection(at=0, asks=False, answers=1)
    assert overdue((0, [stalled]), (45, [stalled])) == [1]


def test_a_connection_that_may_be_that_of_a_waiting_request_is_left_alone():
    asking = a_connection(at=0)
    assert overdue((0, [asking]), (25, [asking]), waiting_since=(0.4,)) == []
    assert overdue((0, [asking]), (25, [asking]), waiting_since=(-1.0, 9.0)) == [1]


def test_of_what_is_overdue_the_older_half_goes_first():
    stalled = [a_connection(port, at=port / 10) for port in (4, 1, 3, 2, 5)]
    assert overdue((1, stalled), (30, stalled)) == [1, 2, 3]


def test_who_waits_has_a_connection_by_which_the_request_came():
    arrivals = [a_connection(port, at=at) for port, at in enumerate((9.99, 12.0, 14.8))]
    assert without_client((10.0, 12.01, 15.0), arrivals) == []
    assert without_client((), arrivals) == []


@pytest.mark.parametrize(("left", "gone"), [(0, [1, 2]), (1, [0, 2]), (2, [0, 1])])
def test_who_hung_up_is_found_by_the_time(left, gone):
    since = (10.0, 20.0, 30.0)
    assert without_client(since, [a_connection(at=since[left] - 0.02)]) == gone


def test_of_requests_of_one_moment_as_many_go_as_there_are_connections_missing():
    arrivals = [a_connection(port, at=10 + port / 100) for port in range(7)]
    assert len(without_client(tuple(10.1 + n / 100 for n in range(10)), arrivals)) == 3


def test_a_connection_that_has_its_answer_or_came_after_is_nobodys():
    assert without_client((10.0,), [a_connection(at=9.99, asks=False), a_connection(at=10.2), a_connection(at=4)]) == [
        0
    ]


@pytest.mark.skipif(not can_look(), reason="only where the kernel tells")
def test_what_is_seen_of_real_connections():
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = listener.getsockname()[1]
        client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        server = stack.enter_context(listener.accept()[0])

        def seen() -> Connection:
            [found] = look(port, time.monotonic())
            assert found.peer == client.getsockname()
            return found

        assert (seen().asks, seen().received) == (False, 0)
        client.sendall(b"question")
        time.sleep(0.05)
        assert time.monotonic() - seen().quiet_since < 0.04  # what nobody has read is not the client's silence
        assert (seen().asks, seen().may_ask) == (
            False,
            True,
        )  # as long as nobody has read it, it is not the client's turn
        server.recv(100)
        assert (seen().asks, seen().may_ask, seen().received) == (True, True, 8)
        time.sleep(0.05)
        server.sendall(b"answer")
        assert (seen().asks, seen().may_ask) == (False, False)
        assert time.monotonic() - seen().received_at < 1
        time.sleep(0.05)
        client.sendall(b"another")
        server.recv(100)
        assert (seen().asks, seen().received) == (True, 15)
        cut(seen())
        client.settimeout(5)
        assert client.recv(100) == b"answer"
        assert client.recv(100) == b""
        assert server.fileno() > 0
