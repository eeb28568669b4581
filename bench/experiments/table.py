"""The table of the experiments: under which name each is asked for, and about how long it takes."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.experiments import (
    accepting,
    bulk,
    cached_reads,
    feature_costs,
    second_floor,
    stored_orders,
    worker_processes,
)
from bench.experiments.run import Run
from bench.plan import Plan


@dataclass(frozen=True, slots=True)
class Experiment:
    """`seconds`: about how long it takes."""

    name: str
    title: str
    measure: Callable[[Run], None]
    seconds: Callable[[Plan], float]


EXPERIMENTS = [
    Experiment(
        "second-floor",
        "the second floor: inserting and deciding in one process",
        second_floor.measure,
        lambda plan: plan.turns * 2 * (plan.turn_seconds + 0.5),
    ),
    Experiment(
        "accepting",
        "accepting alone and while deciding",
        accepting.measure,
        lambda plan: 20 + plan.turns * 5 * plan.turn_seconds,
    ),
    Experiment(
        "features",
        "what the rate limit, the token and validation cost",
        feature_costs.measure,
        lambda plan: 25 + plan.turns * 8 * (plan.turn_seconds + 0.5),
    ),
    Experiment("bulk", "bulk orders", bulk.measure, lambda plan: 10 + plan.turns * 3 * plan.turn_seconds),
    Experiment(
        "cached-reads",
        "a product from the cache",
        cached_reads.measure,
        lambda plan: 10 + plan.turns * 3 * (plan.turn_seconds + 0.5),
    ),
    Experiment(
        "stored-orders",
        "few orders stored, and many",
        stored_orders.measure,
        lambda plan: sum(plan.stored) / 15_000 + plan.turns * 12,
    ),
    Experiment(
        "worker-processes",
        "one worker process, and two",
        worker_processes.measure_workers,
        lambda plan: 25 + plan.turns * 2 * (2 * plan.turn_seconds + 4),
    ),
]
