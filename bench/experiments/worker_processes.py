"""One worker process and two, on one hot SKU, where their transactions collide: under load, and on a backlog.

The backlog gathers while the workers are stopped (SIGSTOP), so that all they have to do afterwards is decide.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from bench import tables
from bench.contenders import this_project
from bench.experiments.bulk import send_bulk
from bench.experiments.run import Run
from bench.load import LoadFailed
from bench.measure import decided, kinds_of, measure, wait_until_decided
from bench.plan import Scenario
from bench.processes import Place, family, side_by_side


def measure_workers(run: Run) -> None:
    scenario = Scenario(tables.WORKERS, skus=1, connections=128, seconds=run.plan.turn_seconds)
    contenders = [this_project("one-worker"), this_project("two-workers", workers=2)]
    rows = [tables.ONE_WORKER, tables.TWO_WORKERS]
    with side_by_side(contenders, run.ground) as places:
        for place in places:
            measure(place, scenario)  # warms up
        for row, place in run.turns(list(zip(rows, places, strict=True))):
            figures, _, _ = measure(place, scenario)
            backlog = measure_backlog(place, run.plan.burst)
            run.results.add(tables.WORKERS, row, figures.columns() | {"backlog_decided_per_second": backlog})


def measure_backlog(place: Place, orders: int) -> float:
    """Orders decided a second. Raises `LoadFailed`."""
    before = decided(place.database)
    with _stopped(family(kinds_of(place.processes)["worker"])):
        send_bulk(place, skus=1, orders=orders)
        waiting = place.database.orders.count_documents({"status": "pending"})
        begun = time.monotonic()
    wait_until_decided(place.database)
    seconds = time.monotonic() - begun
    if decided(place.database) - before < waiting:
        raise LoadFailed("the backlog was not decided in time")
    return waiting / seconds


@contextmanager
def _stopped(processes: list[psutil.Process]) -> Iterator[None]:
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()
