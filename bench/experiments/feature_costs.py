"""What the rate limit, the token and validation cost: accepting with all of them, and without one at a time.

No worker runs. Every variant gets the same requests, of one customer and of 1,000; who needs no token gets one, too.
"""

import sys

from bench import tables
from bench.contenders import Contender, this_project
from bench.experiments.run import Run
from bench.plan import SKUS
from bench.processes import side_by_side

VARIANTS: dict[str, Contender] = {
    tables.ALL_FEATURES: this_project("all-features", parts=["api"]),
    tables.WITHOUT["the rate limit"]: this_project("without-limit", parts=["api"], RATE_LIMIT_ORDERS="off"),
    tables.WITHOUT["the token"]: this_project(
        "without-token", parts=["api"], api=[sys.executable, "-m", "bench.reduced_process", "without_token"]
    ),
    tables.WITHOUT["validation"]: this_project(
        "without-validation", parts=["api"], api=[sys.executable, "-m", "bench.reduced_process", "without_validation"]
    ),
}


def measure(run: Run) -> None:
    with side_by_side(list(VARIANTS.values()), run.ground) as places:
        loads = {
            tables.with_callers(row, callers): place.orders(skus=SKUS, customers=callers)
            for row, place in zip(VARIANTS, places, strict=True)
            for callers in tables.CALLERS
        }
        run.warm_up(*loads.values())
        for row, load in run.turns(list(loads.items())):
            answers = run.load(load)
            figures = {"accepted_per_second": answers.per_second, "p50_ms": answers.p50_ms, "p99_ms": answers.p99_ms}
            run.results.add(tables.FEATURES, row, figures)
