"""One measurement: a load on one contender, until the last of its orders is decided."""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field

import psutil
from pymongo import DESCENDING
from pymongo.database import Database

from bench.load import Answers, Traffic, closed_loop, open_loop
from bench.plan import Scenario
from bench.processes import Place, family
from shared.store.connection import Document

DECIDE_SECONDS_MAX = 60.0
"""Then what is decided counts for the time that it took."""

SAMPLE_SECONDS = 0.5

SETTLED_SECONDS = 0.3
"""In which a server that still decides stores something."""


@dataclass(frozen=True, slots=True)
class Figures:
    """`undecided`: orders that were still pending when the patience was over; the floor decides none."""

    accepted_per_second: float
    p50_ms: float
    p99_ms: float
    decided_per_second: float | None
    cpu_ms_per_order: float
    memory_mb: float
    refused: int
    broken: int
    undecided: int

    def columns(self) -> dict[str, float]:
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(slots=True)
class Spent:
    """CPU seconds by kind of process: the contender's parts and the servers."""

    seconds: dict[str, float] = field(default_factory=dict)

    def us_per_order(self, orders: int) -> dict[str, float]:
        return {f"cpu_us_{kind}": 1e6 * seconds / max(1, orders) for kind, seconds in self.seconds.items()}


def measure(place: Place, scenario: Scenario) -> tuple[Figures, Spent, int]:
    """The figures, what was spent, and on how many orders. Raises `LoadFailed`."""
    database, traffic = place.database, place.orders(skus=scenario.skus)
    _settle(database)
    decided_before, begun = decided(database), time.monotonic()
    with _memory_of(place.processes.values()) as peak, cpu_of(place) as spent:
        answers = _load(traffic, scenario)
        wait_until_decided(database)
        seconds = time.monotonic() - begun
    orders = decided(database) - decided_before if place.contender.decides else answers.accepted
    figures = Figures(
        accepted_per_second=answers.per_second,
        p50_ms=answers.p50_ms,
        p99_ms=answers.p99_ms,
        decided_per_second=orders / seconds if place.contender.decides else None,
        cpu_ms_per_order=1000 * sum(spent.seconds.values()) / max(1, orders),
        memory_mb=peak[0] / 2**20,
        refused=answers.refused,
        broken=answers.broken,
        undecided=database.orders.count_documents({"status": "pending"}),
    )
    return figures, spent, orders


def _settle(database: Database[Document]) -> None:
    """What the load before left behind in a server, requests whose client has gone, is nobody's figure."""
    before = -1
    while (orders := database.orders.estimated_document_count()) != before:
        before = orders
        time.sleep(SETTLED_SECONDS)


def wait_until_decided(database: Database[Document]) -> None:
    """The newest first: while many are pending the question costs next to nothing."""
    deadline = time.monotonic() + DECIDE_SECONDS_MAX
    while time.monotonic() < deadline:
        if database.orders.find_one({"status": "pending"}, {"_id": 1}, sort=[("_id", DESCENDING)]) is None:
            return
        time.sleep(0.02)


def decided(database: Database[Document]) -> int:
    return database.orders.count_documents({"status": {"$in": ["confirmed", "rejected"]}})


@contextmanager
def cpu_of(place: Place) -> Iterator[Spent]:
    """What is spent within the block, known at its end."""
    kinds = kinds_of(place.processes) | place.ground.servers()
    before, spent = _cpu_seconds(kinds), Spent()
    yield spent
    spent.seconds = {kind: seconds - before[kind] for kind, seconds in _cpu_seconds(kinds).items()}


def kinds_of(processes: Mapping[str, psutil.Process]) -> dict[str, list[psutil.Process]]:
    """`worker-2` is another `worker`."""
    kinds: dict[str, list[psutil.Process]] = {}
    for name, process in processes.items():
        kinds.setdefault(name.partition("-")[0], []).append(process)
    return kinds


def _load(traffic: Traffic, scenario: Scenario) -> Answers:
    if scenario.rate is None:
        return closed_loop(traffic, connections=scenario.connections, seconds=scenario.seconds)
    return open_loop(traffic, rate=scenario.rate, connections=scenario.connections, seconds=scenario.seconds)


def _cpu_seconds(kinds: Mapping[str, list[psutil.Process]]) -> dict[str, float]:
    return {kind: sum(map(cpu_seconds, family(processes))) for kind, processes in kinds.items()}


def cpu_seconds(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


@contextmanager
def _memory_of(processes: Iterable[psutil.Process]) -> Iterator[list[int]]:
    """The largest sum of the resident memory that was seen, in bytes; what processes share counts for each."""
    peak, over, processes = [0], threading.Event(), list(processes)

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
