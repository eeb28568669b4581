"""The load: wrk as fast as the contender answers (closed loop), and a steady rate whatever it answers (open loop)."""

import json
import os
import selectors
import shutil
import socket
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).parent / "prepared.lua"


class LoadFailed(Exception):
    """The load could not be made, or was not answered."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests, sent in turn to a port of this machine."""

    port: int
    requests: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Answers:
    """`accepted`: with a status below 400; latencies in milliseconds."""

    accepted: int
    refused: int
    broken: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        return self.accepted / self.seconds


def closed_loop(traffic: Traffic, *, connections: int, seconds: int) -> Answers:
    """Every connection sends its next request when the last one is answered. Raises `LoadFailed`.

    wrk takes whole seconds.
    """
    wrk = find_wrk()
    threads = min(2, connections)
    command = [wrk, f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(SCRIPT)]
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(f"{len(request)}\n".encode() + request for request in traffic.requests))
        file.flush()
        run = subprocess.run(
            [*command, f"http://127.0.0.1:{traffic.port}"],
            env=os.environ | {"REQUESTS": file.name},
            capture_output=True,
            text=True,
            check=False,
        )
    return answers_from(run.stdout, run.stderr)


def find_wrk() -> str:
    wrk = shutil.which("wrk")
    if wrk is None:
        raise LoadFailed("there is no wrk on PATH; on Debian and Ubuntu: apt install wrk")
    return wrk


def answers_from(output: str, errors: str) -> Answers:
    """What wrk printed last, by our script. Raises `LoadFailed` with what it printed instead."""
    try:
        figures = json.loads(output.strip().splitlines()[-1])
        answers = figures.pop("answers")
    except (ValueError, TypeError, LookupError, AttributeError):
        raise LoadFailed(f"wrk: {errors or output}") from None
    return Answers(accepted=answers - figures["refused"], **figures)


def refuse_errors(answers: Answers) -> Answers:
    """For a load that is accepted whole, or is not the one that is to be measured. Raises `LoadFailed`."""
    if answers.refused or answers.broken or not answers.accepted:
        raise LoadFailed(f"{answers.refused} requests were refused, {answers.broken} were not answered")
    return answers


def open_loop(traffic: Traffic, *, rate: float, connections: int, seconds: float) -> Answers:
    """Orders leave at their time, one every 1/rate seconds, on whichever connection is free.

    The latency of each counts from the time at which it should have left: a contender that stalls can't hide what
    its clients wait for. Raises `LoadFailed`.
    """
    sender, begun = _Sender(traffic.port, connections), time.perf_counter()
    latencies = sender.send(traffic.requests, rate, seconds)
    elapsed = time.perf_counter() - begun
    if not latencies:
        raise LoadFailed("no order was answered")
    return Answers(
        accepted=len(latencies) - sender.refused,
        refused=sender.refused,
        broken=round(rate * seconds) - len(latencies),
        seconds=elapsed,
        p50_ms=1000 * percentile(latencies, 50),
        p99_ms=1000 * percentile(latencies, 99),
    )


def percentile(values: Sequence[float], percent: int) -> float:
    """The least of the values that `percent` of them are not above: the nearest rank."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * percent // 100) - 1)]


class _Sender:
    """A server may end a connection that was idle: a new one takes its place, and what was sent on it is sent again."""

    def __init__(self, port: int, connections: int) -> None:
        self.refused = 0
        self._port = port
        self._selector = selectors.DefaultSelector()
        self._asked: dict[socket.socket, tuple[bytes, float]] = {}
        """The request, and the time at which it should have left."""
        self._partial: dict[socket.socket, bytes] = {}
        self._free = deque(self._connected() for _ in range(connections))

    def send(self, requests: Sequence[bytes], rate: float, seconds: float) -> list[float]:
        latencies: list[float] = []
        begun, sent, total = time.perf_counter(), 0, round(rate * seconds)
        give_up = begun + seconds + 30
        while len(latencies) < total and time.perf_counter() < give_up:
            while self._free and sent < total and begun + sent / rate <= time.perf_counter():
                self._ask(self._free.popleft(), requests[sent % len(requests)], due=begun + sent / rate)
                sent += 1
            until_next = begun + sent / rate - time.perf_counter() if self._free and sent < total else 0.1
            for key, _ in self._selector.select(max(0.0, until_next)):
                self._take(key.fileobj, latencies)  # type: ignore[arg-type] # sockets are all that is registered
        for connection in [*self._free, *self._asked]:
            connection.close()
        return latencies

    def _connected(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(connection, selectors.EVENT_READ)
        return connection

    def _ask(self, connection: socket.socket, request: bytes, *, due: float) -> None:
        self._asked[connection] = request, due
        with suppress(OSError):  # it was ended; that is seen when it is read
            connection.sendall(request)

    def _take(self, connection: socket.socket, latencies: list[float]) -> None:
        try:
            received = connection.recv(65_536)
        except OSError:
            received = b""
        if not received:
            return self._replace(connection)
        answer = self._partial.pop(connection, b"") + received
        head, end, body = answer.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            self._partial[connection] = answer
            return None
        _, due = self._asked.pop(connection)
        latencies.append(time.perf_counter() - due)
        self.refused += int(head.split(b" ", 2)[1]) >= 400
        return self._free.append(connection)

    def _replace(self, ended: socket.socket) -> None:
        self._selector.unregister(ended)
        ended.close()
        self._partial.pop(ended, None)
        connection = self._connected()
        if ended in self._asked:
            request, due = self._asked.pop(ended)
            self._ask(connection, request, due=due)
        else:
            self._free.remove(ended)
            self._free.append(connection)


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
