"""The bulk endpoint: 1,000 orders a request, all of them sent at once, until the last one is decided."""

import time

from bench import prepared, tables
from bench.contenders import this_project
from bench.experiments.run import Run
from bench.load import Answers, LoadFailed, Traffic, open_loop, refuse_errors
from bench.measure import cpu_of, decided, wait_until_decided
from bench.plan import SKUS
from bench.processes import Place, placed

PATH = "/v1/orders/bulk"
SIZE = 1_000

CONNECTIONS = 4
"""Enough to keep two processes busy: one request is read while another is inserted."""

AT_ONCE = 1_000
"""Requests a second: faster than any is answered."""


def measure(run: Run) -> None:
    with placed(this_project("bulk"), run.ground) as place:
        send_bulk(place, skus=SKUS, orders=2 * SIZE)
        wait_until_decided(place.database)
        for _ in run.turns([place]):
            before, begun = decided(place.database), time.monotonic()
            with cpu_of(place) as spent:
                answers = send_bulk(place, skus=SKUS, orders=run.plan.burst)
                wait_until_decided(place.database)
                seconds = time.monotonic() - begun
            orders = decided(place.database) - before
            if orders != run.plan.burst:
                raise LoadFailed(f"{orders} of {run.plan.burst} orders were decided")
            figures = {"accepted_per_second": SIZE * answers.per_second, "decided_per_second": orders / seconds}
            run.results.add(tables.BULK, tables.OURS, figures | spent.us_per_order(orders))


def send_bulk(place: Place, *, skus: int, orders: int) -> Answers:
    """Raises `LoadFailed` unless every request is accepted."""
    [caller] = place.contender.callers(1)
    traffic = Traffic(place.ground.port, [prepared.bulk_orders(PATH, skus=skus, size=SIZE, caller=caller)])
    seconds = orders / SIZE / AT_ONCE
    return refuse_errors(open_loop(traffic, rate=AT_ONCE, connections=CONNECTIONS, seconds=seconds))
