"""The load: wrk as fast as the contender answers (closed loop), and a steady rate whatever it answers (open loop)."""

import json
import os
import selectors
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).parent / "orders.lua"


class LoadFailed(Exception):
    """The load could not be made, or was not answered."""


@dataclass(frozen=True, slots=True)
class Target:
    url: str
    headers: Mapping[str, str]
    skus: int


@dataclass(frozen=True, slots=True)
class Answers:
    """`accepted`: with a status below 400; latencies in milliseconds."""

    accepted: int
    refused: int
    broken: int
    seconds: float
    p50_ms: float
    p99_ms: float


def closed_loop(target: Target, *, connections: int, seconds: float) -> Answers:
    """Every connection sends its next order when the last one is answered. Raises `LoadFailed`."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise LoadFailed("there is no wrk on PATH; on Debian and Ubuntu: apt install wrk")
    threads = min(2, connections)
    command = [wrk, f"-t{threads}", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "30s", "-s", str(SCRIPT)]
    headers = "\n".join(f"{name}: {value}" for name, value in target.headers.items())
    environment = os.environ | {"SKUS": str(target.skus), "ORDER_HEADERS": headers}
    run = subprocess.run([*command, target.url], env=environment, capture_output=True, text=True, check=False)
    try:
        figures = json.loads(run.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise LoadFailed(f"wrk: {run.stderr or run.stdout}") from None
    answers = figures.pop("answers")
    return Answers(accepted=answers - figures["refused"], **figures)


def open_loop(target: Target, *, rate: float, connections: int, seconds: float) -> Answers:
    """Orders leave at their time, one every 1/rate seconds, on whichever connection is free.

    The latency of each counts from the time at which it should have left: a contender that stalls can't hide what
    its clients wait for. Raises `LoadFailed`.
    """
    host, port = target.url.split("/")[2].split(":")
    sender = _Sender([socket.create_connection((host, int(port))) for _ in range(connections)])
    latencies = sender.send(_requests(target), rate, seconds)
    if not latencies:
        raise LoadFailed("no order was answered")
    latencies.sort()
    return Answers(
        accepted=len(latencies) - sender.refused,
        refused=sender.refused,
        broken=0,
        seconds=seconds,
        p50_ms=1000 * latencies[len(latencies) // 2],
        p99_ms=1000 * latencies[len(latencies) * 99 // 100],
    )


def _requests(target: Target) -> list[bytes]:
    path = "/" + target.url.split("/", 3)[3]
    headers = "".join(f"{name}: {value}\r\n" for name, value in target.headers.items())
    bodies = [json.dumps({"items": [{"sku": f"SKU-{n}", "quantity": 1}]}).encode() for n in range(target.skus)]
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n{headers}Content-Length: "
    return [head.encode() + str(len(body)).encode() + b"\r\n\r\n" + body for body in bodies]


class _Sender:
    def __init__(self, sockets: list[socket.socket]) -> None:
        self.refused = 0
        self._free = sockets
        self._selector = selectors.DefaultSelector()
        for each in sockets:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(each, selectors.EVENT_READ)
        self._due: dict[socket.socket, float] = {}
        self._partial: dict[socket.socket, bytes] = {}

    def send(self, requests: list[bytes], rate: float, seconds: float) -> list[float]:
        latencies: list[float] = []
        begun, sent, total = time.perf_counter(), 0, int(rate * seconds)
        give_up = begun + seconds + 30
        while len(latencies) < total and time.perf_counter() < give_up:
            while self._free and sent < total and begun + sent / rate <= time.perf_counter():
                connection = self._free.pop()
                self._due[connection] = begun + sent / rate
                connection.sendall(requests[sent % len(requests)])
                sent += 1
            until_next = begun + sent / rate - time.perf_counter() if self._free and sent < total else 0.1
            for key, _ in self._selector.select(max(0.0, until_next)):
                self._take(key.fileobj, latencies)  # type: ignore[arg-type] # sockets are all that is registered
        for connection in [*self._free, *self._due]:
            connection.close()
        return latencies

    def _take(self, connection: socket.socket, latencies: list[float]) -> None:
        answer = self._partial.pop(connection, b"") + connection.recv(65_536)
        head, end, body = answer.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            self._partial[connection] = answer
            return
        latencies.append(time.perf_counter() - self._due.pop(connection))
        self.refused += int(head.split(b" ", 2)[1]) >= 400
        self._free.append(connection)


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
