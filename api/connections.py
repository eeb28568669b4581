"""The connections of this process as the kernel sees them, and what follows: who hung up, whose body never comes.

WSGI tells an application neither, and Granian has no limit for bodies (emmett-framework/granian, issue 728). It does
not say either which connection a request came by: the environment has the client's address, not its port. So
the rules here, pure functions of what the kernel counts (tcp(7), TCP_INFO), do without:

- a connection on which something came and nothing was answered for the limit, while it brought less than
  `BODY_BYTES_MIN`, is a request whose body does not come, unless it can be that of a waiting request, or has brought
  more than this process has taken: then it is we who are slow;
- one on which nothing came or went for `QUIET_SECONDS_MAX` is such a request too, though something was sent last: an
  answer to the request before it, or `100 Continue`. Granian itself ends idle connections, long before that;
- a waiting request for which there is no connection that its request can have come by belongs to a client that hung up.
  Where connections are fewer than requests of the same moment, one of these may be answered early in another's stead;
  that is all that can go wrong, and a preference is no more than that.
"""

import fcntl
import os
import socket
import struct
import sys
import termios
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FILES = Path("/proc/self/fd")

TCP_INFO_BYTES = 160
AGES = struct.Struct("=I4xI")
"""At 44: milliseconds since data was last sent, and last received. The layout, of linux/tcp.h, only ever grows."""
RECEIVED = struct.Struct("=Q")
"""At 128: bytes received."""
SENT = struct.Struct("=I")
"""At 156: segments with data sent."""

BODY_BYTES_MIN = 16_384
"""Whoever brings as much within each limit may go on."""

DISPATCH_SECONDS_MAX = 5.0
"""From the kernel's receiving a request to its taking a place to wait; more only when the process is overrun."""

CLOCK_SECONDS = 0.05
"""The kernel's milliseconds are counted in ticks of up to ten."""

QUIET_SECONDS_MAX = 45.0
"""Idle connections do not live as long: IDLE_SECONDS in api/__main__.py. Nor does a request that waits."""

QUIET_SECONDS = 2.0
"""A waiting request brings nothing more."""


@dataclass(frozen=True, slots=True)
class Connection:
    """`received_at` is of the last data, `quiet_since` of the last in either direction: on the monotonic clock.

    `asks`: something came after all that was sent, and this process has taken it; `may_ask`: for all that is known.
    `answers` grows with all that is sent.
    """

    file: int
    peer: tuple[str, int]
    received: int
    received_at: float
    quiet_since: float
    asks: bool
    may_ask: bool
    answers: int


@dataclass(frozen=True, slots=True)
class Mark:
    """What a connection had brought at some moment since when it was not answered."""

    at: float
    received: int
    answers: int


class SlowBodies:
    """Remembers from one look to the next how much each connection that asks has brought.

    When slow bodies hold all threads, whole requests wait behind them and look the same, but are younger: of what is
    overdue only the older half is to be ended at one look, and the rest may be answered until the next.
    """

    def __init__(self, seconds_max: float) -> None:
        self._seconds_max = seconds_max
        self._marks: dict[tuple[str, int], Mark] = {}

    def overdue(
        self, connections: Sequence[Connection], waiting_since: Sequence[float], now: float
    ) -> list[Connection]:
        self._marks = {found.peer: self._mark(found, now) for found in connections if found.asks}
        overdue = [
            connection
            for connection in connections
            if self._is_overdue(connection, now) and not may_be_waiting(connection, waiting_since, now)
        ]
        overdue.sort(key=self._asked_at)
        return overdue[: (len(overdue) + 1) // 2]

    def _is_overdue(self, connection: Connection, now: float) -> bool:
        mark = self._marks.get(connection.peer)
        asked_for_too_long = mark is not None and now - mark.at >= self._seconds_max
        return asked_for_too_long or now - connection.quiet_since >= QUIET_SECONDS_MAX

    def _asked_at(self, connection: Connection) -> float:
        mark = self._marks.get(connection.peer)
        return mark.at if mark else connection.received_at

    def _mark(self, connection: Connection, now: float) -> Mark:
        mark = self._marks.get(connection.peer)
        if mark is None or mark.answers != connection.answers:
            return Mark(connection.received_at, connection.received, connection.answers)
        if connection.received - mark.received >= BODY_BYTES_MIN:
            return Mark(now, connection.received, connection.answers)
        return mark


def may_be_waiting(connection: Connection, waiting_since: Sequence[float], now: float) -> bool:
    return now - connection.received_at >= QUIET_SECONDS and any(
        _may_have_brought(connection, since) for since in waiting_since
    )


def without_client(waiting_since: Sequence[float], connections: Iterable[Connection]) -> list[int]:
    """The places in `waiting_since`, which ascends, of the requests for which no connection is left."""
    arrivals = sorted(
        (connection for connection in connections if connection.may_ask), key=lambda found: found.received_at
    )
    gone, next_arrival = [], 0
    for place, since in enumerate(waiting_since):
        # Each of the requests came by one of them: the earliest that it can be leaves the most for the later ones.
        while next_arrival < len(arrivals) and arrivals[next_arrival].received_at < since - DISPATCH_SECONDS_MAX:
            next_arrival += 1
        if next_arrival < len(arrivals) and _may_have_brought(arrivals[next_arrival], since):
            next_arrival += 1
        else:
            gone.append(place)
    return gone


def _may_have_brought(connection: Connection, waiting_since: float) -> bool:
    return -CLOCK_SECONDS <= waiting_since - connection.received_at <= DISPATCH_SECONDS_MAX


def can_look() -> bool:
    return hasattr(socket, "TCP_INFO") and FILES.is_dir()


def look(port: int, now: float) -> Iterator[Connection]:
    """The connections that clients made to this port, of this process."""
    for name in os.listdir(FILES):  # noqa: PTH208 - names are all that is wanted of thousands
        with suppress(OSError):  # no socket, not connected, or closed meanwhile
            if found := _look_at(int(name), port, now):
                yield found


def _look_at(file: int, port: int, now: float) -> Connection | None:
    borrowed = socket.socket(fileno=file)
    try:
        if borrowed.family not in (socket.AF_INET, socket.AF_INET6) or borrowed.getsockname()[1] != port:
            return None
        peer = borrowed.getpeername()[:2]
        return _connection(file, peer, borrowed.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES), now)
    finally:
        borrowed.detach()  # the file stays Granian's


def _connection(file: int, peer: tuple[str, int], info: bytes, now: float) -> Connection | None:
    if len(info) < TCP_INFO_BYTES:
        return None
    sent_ago, received_ago = AGES.unpack_from(info, 44)
    [received], [answers] = RECEIVED.unpack_from(info, 128), SENT.unpack_from(info, 156)
    taken = not _unread_bytes(file)
    return Connection(
        file=file,
        peer=peer,
        received=received,
        received_at=now - received_ago / 1000,
        quiet_since=now - min(received_ago, sent_ago) / 1000 if taken else now,
        # In the same tick: an answer and then the next request, or a request and then its answer.
        asks=received > 0 and (received_ago < sent_ago or not answers) and taken,
        may_ask=received > 0 and (received_ago <= sent_ago or not answers),
        answers=answers,
    )


def _unread_bytes(file: int) -> int:
    return int.from_bytes(fcntl.ioctl(file, termios.FIONREAD, bytes(4)), sys.byteorder)


def cut(connection: Connection) -> None:
    """End it in both directions, if it is still the same one: who reads from it reads the end."""
    with suppress(OSError), socket.socket(fileno=os.dup(connection.file)) as copy:
        if copy.getpeername()[:2] == connection.peer:
            copy.shutdown(socket.SHUT_RDWR)
