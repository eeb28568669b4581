"""The parts of the system as processes of a test: API, workers, beat, each with its log in the test's folder."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import jwt
from pymongo.database import Database
from redis import Redis

from local.ports import free_port
from local.processes import die_with_parent
from tests.scrape import Metrics, read_metrics

SECRET = secrets.token_urlsafe(48)
FINAL = ("confirmed", "rejected", "failed", "cancelled")

PATIENT = "4.5"
"""Seconds that the API gives MongoDB: a disk that stalls under all the tests is no outage."""

LOG_LINES = 20

EVERY_SCOPE = "orders:read orders:write products:write stock:write ops"


class Stack:
    def __init__(
        self, directory: Path, database: Database[dict[str, Any]], mongo_url: str, broker_url: str, cache_url: str
    ) -> None:
        self.database = database
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._directory = directory
        self._processes: list[subprocess.Popen[bytes]] = []
        self._metrics_ports: dict[str, int] = {}
        self.environment = {
            "MONGO_URL": mongo_url,
            "REDIS_BROKER_URL": broker_url,
            "REDIS_CACHE_URL": cache_url,
            "JWT_SECRET": SECRET,
            "API_PORT": str(self.port),
            # Impatient, so that what is lost is found while the test waits.
            "ANNOUNCE_AFTER_SECONDS": "1",
            "ANNOUNCE_INTERVAL_MAX_SECONDS": "4",
            "SWEEP_EVERY_SECONDS": "0.5",
            "API_MONGO_TIMEOUT_SECONDS": PATIENT,
        }

    def __enter__(self) -> "Stack":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self._processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start_api(self, name: str = "api", *, port: int | None = None, **environment: str) -> subprocess.Popen[bytes]:
        """Another one beside the first needs a name and a port of its own."""
        port = port or self.port
        process = self.spawn_api(name, port=port, **environment)
        wait_until(lambda: self._answers(f"http://127.0.0.1:{port}/livez"), "the API to answer", process)
        # All of its processes: one that is stopped while it still starts ends only when it is killed, ten seconds on.
        processes = int(self.environment.get("API_PROCESSES", "2"))
        wait_until(lambda: self.log(name).count("Started worker-") >= processes, "all of the API", process)
        return process

    def spawn_api(self, name: str = "api", *, port: int | None = None, **environment: str) -> subprocess.Popen[bytes]:
        """Without waiting until it answers. `name` is that of the log."""
        return self._start(name, [sys.executable, "-m", "api"], API_PORT=str(port or self.port), **environment)

    def start_worker(self, name: str = "worker") -> subprocess.Popen[bytes]:
        process = self.spawn_worker(name)
        self.wait_for_worker(name, process)
        return process

    def spawn_worker(self, name: str, *more: str) -> subprocess.Popen[bytes]:
        """Without waiting until it is ready; `more` are options of `celery worker`."""
        options = ["-n", f"{name}@test", "--without-mingle", "--without-gossip", *more]
        return self._start(name, [sys.executable, "-m", "celery", "-A", "worker", "worker", *options])

    def wait_for_worker(self, name: str, process: subprocess.Popen[bytes]) -> None:
        wait_until(lambda: f"{name}@test ready" in self.log(name), f"{name} to be ready", process)

    def start_beat(self, name: str = "beat") -> subprocess.Popen[bytes]:
        return self._start(name, [sys.executable, "-m", "celery", "-A", "worker", "beat"])

    def spawn_celery(self, name: str, *words: str, **environment: str) -> subprocess.Popen[bytes]:
        """Another command of celery's, without waiting for anything."""
        return self._start(name, [sys.executable, "-m", "celery", "-A", "worker", *words], **environment)

    def log(self, name: str) -> str:
        return (self._directory / f"{name}.log").read_text(errors="replace")

    def log_entries(self, name: str) -> list[dict[str, Any]]:
        """Without the lines that others write, as Granian does."""
        return [json.loads(line) for line in self.log(name).splitlines() if line.startswith("{")]

    def log_ends(self) -> dict[str, str]:
        """Of each part the last lines, by its name."""
        return {name: "\n".join(self.log(name).splitlines()[-LOG_LINES:]) for name in self._metrics_ports}

    def metrics(self, name: str) -> Metrics:
        """What the part of that name says at its /metrics now."""
        return read_metrics(f"http://127.0.0.1:{self._metrics_ports[name]}/metrics")

    def token(self, subject: str = "alice", scope: str = EVERY_SCOPE, *, seconds: int = 3600) -> str:
        claims = {"sub": subject, "scope": scope, "exp": int(time.time()) + seconds}
        return jwt.encode(claims, SECRET, "HS256")

    def client(self, subject: str = "alice") -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.token(subject)}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def wait_until_decided(self, seconds: float = 60) -> None:
        wait_until(lambda: not self.database.orders.count_documents({"status": "pending"}), "all orders", limit=seconds)

    def messages_left(self, queue: str = "orders") -> int:
        """Those in the queue, and those of any queue that a worker has and did not acknowledge yet."""
        with Redis.from_url(self.environment["REDIS_BROKER_URL"]) as broker:
            return int(broker.llen(queue)) + int(broker.hlen("unacked"))

    def _answers(self, url: str) -> bool:
        try:
            return httpx.get(url, timeout=5).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def _start(self, name: str, command: list[str], **environment: str) -> subprocess.Popen[bytes]:
        metrics_port = self._metrics_ports[name] = free_port()
        with (self._directory / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                env=os.environ | self.environment | {"METRICS_PORT": str(metrics_port)} | environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                preexec_fn=die_with_parent(),
            )
        self._processes.append(process)
        return process


def wait_until(
    condition: Callable[[], object],
    what: str,
    process: subprocess.Popen[bytes] | None = None,
    *,
    limit: float = 30,
) -> None:
    """Fails when `limit` seconds pass, or when the process that should make it true has ended."""
    deadline = time.monotonic() + limit
    while not condition():
        assert process is None or process.poll() is None, f"the process ended while the test waited for {what}"
        assert time.monotonic() < deadline, f"waited {limit:g} s for {what}"
        time.sleep(0.02)


def statuses(answers: Iterable[httpx.Response]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for answer in answers:
        counts[answer.status_code] = counts.get(answer.status_code, 0) + 1
    return counts


class KeptWorker:
    """A worker that is started again when it has ended, as supervisor and Docker do; `ends` counts how often it has."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._process = stack.start_worker("worker-0")
        self.ends = 0

    def is_kept(self) -> bool:
        """Always, after this look."""
        if self._process.poll() is not None:
            self.ends += 1
            self._process = self._stack.spawn_worker(f"worker-{self.ends}")
        return True
