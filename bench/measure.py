"""One measurement: a load on one contender, until the last of its orders is decided."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil
from pymongo import DESCENDING
from pymongo.database import Database

from bench.contenders import Contender
from bench.ground import Ground
from bench.load import Answers, Target, closed_loop, open_loop
from bench.processes import family
from shared.store.connection import Document

DECIDE_SECONDS_MAX = 60.0
"""Then what is decided counts for the time that it took."""

SAMPLE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Scenario:
    """`rate`: orders a second in an open loop; None for a closed one."""

    name: str
    skus: int
    connections: int
    seconds: float
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """`undecided`: orders that were still pending when the patience was over."""

    accepted_per_second: float
    p50_ms: float
    p99_ms: float
    decided_per_second: float
    cpu_ms_per_order: float
    memory_mb: float
    refused: int
    broken: int
    undecided: int


def measure(
    contender: Contender,
    ground: Ground,
    database: Database[Document],
    processes: list[psutil.Process],
    scenario: Scenario,
) -> Figures:
    """The processes are running and the products are there. Raises `LoadFailed`."""
    target = Target(f"http://127.0.0.1:{ground.port}{contender.path}", contender.headers(), scenario.skus)
    everyone = [*processes, *ground.servers()]
    decided_before, cpu_before, begun = _decided(database), _cpu_seconds(everyone), time.monotonic()
    with _memory_of(processes) as peak:
        answers = _load(target, scenario)
        _wait_until_decided(database)
    seconds = time.monotonic() - begun
    cpu_seconds = _cpu_seconds(everyone) - cpu_before
    decided = _decided(database) - decided_before
    return Figures(
        accepted_per_second=answers.accepted / answers.seconds,
        p50_ms=answers.p50_ms,
        p99_ms=answers.p99_ms,
        decided_per_second=decided / seconds,
        cpu_ms_per_order=1000 * cpu_seconds / max(1, decided if contender.decides else answers.accepted),
        memory_mb=peak[0] / 2**20,
        refused=answers.refused,
        broken=answers.broken,
        undecided=database.orders.count_documents({"status": "pending"}),
    )


def _load(target: Target, scenario: Scenario) -> Answers:
    if scenario.rate is None:
        return closed_loop(target, connections=scenario.connections, seconds=scenario.seconds)
    return open_loop(target, rate=scenario.rate, connections=scenario.connections, seconds=scenario.seconds)


def _wait_until_decided(database: Database[Document]) -> None:
    """The newest first: while many are pending the question costs next to nothing."""
    deadline = time.monotonic() + DECIDE_SECONDS_MAX
    while time.monotonic() < deadline:
        if database.orders.find_one({"status": "pending"}, {"_id": 1}, sort=[("_id", DESCENDING)]) is None:
            return
        time.sleep(0.05)


def _decided(database: Database[Document]) -> int:
    return database.orders.count_documents({"status": {"$in": ["confirmed", "rejected"]}})


def _cpu_seconds(processes: list[psutil.Process]) -> float:
    total = 0.0
    for process in family(processes):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


@contextmanager
def _memory_of(processes: list[psutil.Process]) -> Iterator[list[int]]:
    """The largest sum of the resident memory that was seen, in bytes."""
    peak, over = [0], threading.Event()

    def sample() -> None:
        while not over.wait(SAMPLE_SECONDS):
            total = 0
            for process in family(processes):
                with suppress(psutil.NoSuchProcess):
                    total += process.memory_info().rss
            peak[0] = max(peak[0], total)

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield peak
    finally:
        over.set()
        sampler.join()
