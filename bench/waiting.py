"""What clients that wait (`Prefer: wait=30`) cost those who buy: both p99s, from one run in which they take turns.

    .venv/bin/python -m bench.waiting [--clients 500] [--buyers 8] [--rounds 5] [--seconds 6]

Starts servers and an API of its own, and no worker, so that every order stays pending and every client keeps waiting.
"""

import argparse
import json
import selectors
import socket
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from local.servers import running_mongod, running_redis
from shared.startup import allow_many_files
from shared.store.connection import connect
from tests.stack import Stack

PLACES = 256
"""In each of two processes: 500 clients wait indeed."""


class Connection:
    """One client's: it sends a request and takes the time until the answer is whole."""

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request

    def ask(self) -> None:
        self._begun, self._answer = time.perf_counter(), b""
        self.socket.sendall(self._request)

    def take(self) -> tuple[bytes, float] | None:
        """The head of the answer and the seconds that it took, when it is whole."""
        self._answer += self.socket.recv(65_536)
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]):
            return None
        return head.lower(), time.perf_counter() - self._begun


def buy(buyers: list[Connection], waiters: list[Connection], seconds: float) -> list[float]:
    """The latencies of the buyers, each of whom buys again at once, while the others wait, and wait again."""
    selector, latencies = selectors.DefaultSelector(), []
    for connection in (*buyers, *waiters):
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    for connection in buyers:
        connection.ask()
    asking, end = len(buyers), time.perf_counter() + seconds
    while asking:
        for key, _ in selector.select(1):
            answer = key.data.take()
            if answer is None:
                continue
            if key.data in buyers:
                if b" 202 " not in answer[0]:
                    raise SystemExit(f"not accepted: {answer[0]!r}")
                latencies.append(answer[1])
                asking -= 1
            if key.data in buyers and time.perf_counter() < end:
                asking += 1
                key.data.ask()
            elif b"preference-applied" in answer[0]:
                key.data.ask()  # who found no place would come back after Retry-After, longer than a round
    return latencies


def p99(latencies: list[float]) -> float:
    return sorted(latencies)[int(len(latencies) * 0.99)] * 1000


def measure(stack: Stack, arguments: argparse.Namespace) -> None:
    token = f"Host: x\r\nAuthorization: Bearer {stack.token()}\r\n"
    body = json.dumps({"items": [{"sku": "MUG", "quantity": 1}]})
    head = f"POST /v1/orders HTTP/1.1\r\n{token}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    buyers = [Connection(stack.port, (head + body).encode()) for _ in range(arguments.buyers)]
    buy(buyers, [], 3)
    with stack.client() as client:
        address = client.post("/v1/orders", json=json.loads(body)).headers["Location"]
    request = f"GET {address} HTTP/1.1\r\n{token}Prefer: wait=30\r\n\r\n".encode()
    alone: list[float] = []
    beside: list[float] = []
    for number in range(arguments.rounds):
        alone += (first := buy(buyers, [], arguments.seconds))
        waiters = [Connection(stack.port, request) for _ in range(arguments.clients)]
        for waiter in waiters:
            waiter.ask()
        buy(buyers, waiters, 1)
        beside += (second := buy(buyers, waiters, arguments.seconds))
        for waiter in waiters:
            waiter.socket.close()
        buy(buyers, [], 3)  # until the places are free again
        print(f"round {number + 1}: p99 {p99(first):.1f} ms alone, {p99(second):.1f} ms beside")
    for name, found in (("alone", alone), (f"beside {arguments.clients} who wait", beside)):
        rate = len(found) / arguments.rounds / arguments.seconds
        print(f"{name}: p99 {p99(found):.1f} ms, {rate:.0f} orders/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("clients", 500), ("buyers", 8), ("rounds", 5), ("seconds", 6)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    allow_many_files()
    directory = Path(tempfile.mkdtemp())
    with (
        running_mongod(directory / "mongod") as mongod,
        running_redis(directory / "broker", role="broker") as broker,
        running_redis(directory / "cache", role="cache") as cache,
    ):
        url = f"mongodb://127.0.0.1:{mongod.port}/bench?replicaSet=rs0"
        database = connect(url, timeout_milliseconds=20_000)
        with Stack(directory, database, url, broker.url, cache.url) as stack:
            stack.environment |= {"WAITERS_MAX": str(PLACES), "RATE_LIMIT_ORDERS": "off", "RATE_LIMIT_READS": "off"}
            stack.start_api()
            measure(stack, arguments)


main()
