"""Accepting beside the bare floor on the same Granian: without a worker, and while the workers decide.

Without a worker nothing but the API, MongoDB and the broker is at work: that is the price of the way in.
"""

from bench import tables
from bench.contenders import FLOOR, this_project
from bench.experiments.run import Run
from bench.measure import cpu_of, wait_until_decided
from bench.plan import SKUS
from bench.processes import side_by_side


def measure(run: Run) -> None:
    alone = this_project("accepting-alone", parts=["api"])
    rows = [tables.BARE_FLOOR, tables.ALONE, tables.WHILE_DECIDING]
    with side_by_side([FLOOR, alone, this_project("while-deciding")], run.ground) as places:
        run.warm_up(*(place.orders(skus=SKUS) for place in places))
        wait_until_decided(places[-1].database)
        for row, place in run.turns(list(zip(rows, places, strict=True))):
            with cpu_of(place) as spent:
                answers = run.load(place.orders(skus=SKUS))
                if row == tables.WHILE_DECIDING:
                    wait_until_decided(place.database)
            figures = {"accepted_per_second": answers.per_second, "p50_ms": answers.p50_ms, "p99_ms": answers.p99_ms}
            cpu = spent.us_per_order(answers.accepted) if row != tables.BARE_FLOOR else {}
            run.results.add(tables.ACCEPTING, row, figures | cpu)
