"""The whole system under test: servers, and programs that are started again as a supervisor would do it."""

import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import psutil
from pymongo.database import Database

from local.servers import Server, running_mongod, running_redis
from shared.store.connection import Document, connect
from shared.store.indexes import ensure_indexes
from tests.stack import Stack, wait_until

RESTART_SECONDS = 1.0

STOP_SECONDS = 15.0

CACHE_TTL_SECONDS = 5

API_PROCESSES = 2


class Program:
    """One program over all its lives, each with a log of its own."""

    def __init__(self, name: str, spawn: Callable[[str], subprocess.Popen[bytes]]) -> None:
        self.name = name
        self.ended_by_itself: Counter[int] = Counter()
        self._spawn = spawn
        self._lives = 0
        self._killed = False
        self._restart_at: float | None = None
        self.start()

    def start(self) -> None:
        self._lives += 1
        self._killed = False
        self._restart_at = None
        self.process = self._spawn(f"{self.name}-life-{self._lives}")

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def children(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children()
        return []

    def kill(self) -> None:
        self._killed = True
        self.process.kill()
        self.process.wait()

    def tend(self) -> None:
        """To be called often. Starts it again, a second after its end."""
        if self.alive:
            return
        now = time.monotonic()
        if self._restart_at is None:
            self._restart_at = now + RESTART_SECONDS
            if not self._killed:
                self.ended_by_itself[self.process.returncode] += 1
        elif now >= self._restart_at:
            self.start()


class Stage:
    """Everything is started by the time it is entered, and stopped at the end, whatever was done to it meanwhile."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.programs: dict[str, Program] = {}
        self.servers: dict[str, Server] = {}
        self.orphans: list[psutil.Process] = []
        self._down: set[str] = set()
        self._exits = ExitStack()

    def __enter__(self) -> "Stage":
        with self._exits:
            enter = self._exits.enter_context
            self.servers["mongod"] = enter(running_mongod(self.directory / "mongod"))
            self.servers["broker"] = enter(running_redis(self.directory / "broker", role="broker"))
            self.servers["cache"] = enter(running_redis(self.directory / "cache", role="cache"))
            self.database = self.connect(timeout_milliseconds=20_000)
            ensure_indexes(self.database)
            self.stack = enter(self._make_stack())
            self._exits.callback(self._end_orphans)
            self._start_programs()
            self._exits = self._exits.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def connect(self, *, timeout_milliseconds: int) -> Database[Document]:
        database = connect(self.servers["mongod"].url, timeout_milliseconds=timeout_milliseconds)
        self._exits.callback(database.client.close)
        return database

    def tend(self) -> None:
        for program in self.programs.values():
            program.tend()

    def ended_by_themselves(self) -> dict[str, Counter[int]]:
        """Exit statuses by program, of ends that no fault of ours was."""
        return {name: program.ended_by_itself for name, program in self.programs.items() if program.ended_by_itself}

    def orphans_left(self) -> list[psutil.Process]:
        """Children of killed parents which go on without them for longer than a stop may take."""
        return psutil.wait_procs(self.orphans, timeout=STOP_SECONDS)[1]

    def wait_until_ready(self) -> None:
        """Programs are started again meanwhile."""

        def ready() -> bool:
            self.tend()
            try:
                return httpx.get(f"{self.stack.url}/readyz", timeout=5).json()["status"] == "ready"
            except (httpx.TransportError, ValueError, KeyError):
                return False

        wait_until(ready, "the system to be ready", limit=60)

    def _make_stack(self) -> Stack:
        servers = self.servers
        stack = Stack(self.directory, self.database, servers["mongod"].url, servers["broker"].url, servers["cache"].url)
        del stack.environment["API_MONGO_TIMEOUT_SECONDS"]
        stack.environment |= {"API_PROCESSES": str(API_PROCESSES), "CACHE_TTL_SECONDS": str(CACHE_TTL_SECONDS)}
        return stack

    def _start_programs(self) -> None:
        spawns = {
            "api": self.stack.spawn_api,
            "worker-1": self.stack.spawn_worker,
            "worker-2": self.stack.spawn_worker,
            "beat": self.stack.start_beat,
        }
        for name, spawn in spawns.items():
            self.programs[name] = Program(name, spawn)
        self.wait_until_ready()

    def _end_orphans(self) -> None:
        for child in self.orphans:
            with suppress(psutil.NoSuchProcess):
                child.kill()
