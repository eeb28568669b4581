"""The table of targets: what was set out to be reached, as ratios within one run, and what was measured."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from bench import tables
from bench.rounds import Measured, Place, Results

Measure = Callable[[Results], Measured | None]

NOT_TOLD: Literal["not told"] = "not told"

Met = bool | Literal["not told"] | None

Unit = Literal["times", "share", "per second"]
"""Of the number; a share is shown in percent."""


@dataclass(frozen=True, slots=True)
class Target:
    figure: str
    sign: Literal[">=", "<="]
    bound: float
    measure: Measure
    unit: Unit


@dataclass(frozen=True, slots=True)
class Verdict:
    """`measured` and `met` are None for what this run did not measure; when the median may lie on either side of the
    bound, or the rounds are too few to say, they do not tell whether it is met.
    """

    target: Target
    measured: Measured | None

    @property
    def met(self) -> Met:
        if self.measured is None:
            return None
        low, high = self._within(self.measured.low), self._within(self.measured.high)
        return low if self.measured.sure and low == high else NOT_TOLD

    def _within(self, value: float) -> bool:
        bound = self.target.bound
        return value >= bound if self.target.sign == ">=" else value <= bound


def _ratio(table: str, part: str, whole: str, column: str) -> Measure:
    return lambda results: results.ratio(Place(table, part, column), Place(table, whole, column))


def _cost(feature: str, callers: int) -> Measure:
    """The share of what is accepted without the feature that is missing with it."""

    def measure(results: Results) -> Measured | None:
        with_it = Place(tables.FEATURES, tables.with_callers(tables.ALL_FEATURES, callers), "accepted_per_second")
        without = with_it._replace(row=tables.with_callers(tables.WITHOUT[feature], callers))
        kept = results.ratio(with_it, without)
        if kept is None:
            return None
        return Measured(1 - kept.value, 1 - kept.high, 1 - kept.low, sure=kept.sure)

    return measure


def _value(table: str, row: str, column: str) -> Measure:
    return lambda results: results.measured(Place(table, row, column))


def _hot_against_many(results: Results) -> Measured | None:
    column = "decided_per_second"
    return results.ratio(Place(tables.HOT, tables.OURS, column), Place(tables.AT_128, tables.OURS, column))


def at_least(bound: float, figure: str, measure: Measure, unit: Unit = "times") -> Target:
    return Target(figure, ">=", bound, measure, unit)


def at_most(bound: float, figure: str, measure: Measure, unit: Unit = "times") -> Target:
    return Target(figure, "<=", bound, measure, unit)


def _costs_of_features() -> Iterator[Target]:
    for feature in tables.WITHOUT:
        for callers, name in tables.CALLERS.items():
            yield at_most(0.15, f"cost of {feature}, of accepted/s, {name}", _cost(feature, callers), "share")


def _against(peer: str, column: str) -> Measure:
    return _ratio(tables.AT_128, tables.OURS, peer, column)


def _against_the_floor(table: str, row: str, column: str) -> Measure:
    return _ratio(table, row, tables.BARE_FLOOR, column)


def _second_worker(column: str) -> Measure:
    return _ratio(tables.WORKERS, tables.TWO_WORKERS, tables.ONE_WORKER, column)


_ACCEPTED, _ANSWERED, _DECIDED = "accepted_per_second", "answered_per_second", "decided_per_second"

TARGETS: list[Target] = [
    at_least(15, "decided/s against the tutorial", _against("tutorial", _DECIDED)),
    at_least(5, "decided/s against Express and Mongoose", _against("express", _DECIDED)),
    at_most(0.25, "accept p99 at 128 connections against the tutorial", _against("tutorial", "p99_ms")),
    *(
        at_least(
            0.35,
            f"accepted/s against the bare floor, {row}",
            _against_the_floor(tables.ACCEPTING, row, _ACCEPTED),
        )
        for row in (tables.ALONE, tables.WHILE_DECIDING)
    ),
    at_least(0.9, "one hot SKU against 1,000 SKUs, decided/s", _hot_against_many),
    *_costs_of_features(),
    at_least(10_000, "bulk endpoint, orders decided/s", _value(tables.BULK, tables.OURS, _DECIDED), "per second"),
    *(
        at_least(0.6, f"cached read against the bare floor, {row}", _against_the_floor(tables.CACHED, row, _ANSWERED))
        for row in (tables.ONE_PRODUCT, tables.MANY_PRODUCTS)
    ),
    *(
        at_most(1.1, f"cost with many orders stored against few: {act}", _value(tables.STORED, act, "ratio"))
        for act in tables.ACTS
    ),
    # Never slower; what is within 5 % of equal is not told from it by a few turns.
    at_least(0.95, "worker processes 1 to 2 on one hot SKU, decided/s under load", _second_worker(_DECIDED)),
    at_least(
        0.95, "worker processes 1 to 2 on one hot SKU, decided/s of a backlog", _second_worker(f"backlog_{_DECIDED}")
    ),
]


def verdicts(results: Results) -> list[Verdict]:
    return [Verdict(target, target.measure(results)) for target in TARGETS]


def as_json(found: Iterable[Verdict]) -> list[dict[str, Any]]:
    return [
        {
            "figure": verdict.target.figure,
            "target": f"{verdict.target.sign} {verdict.target.bound:g}",
            "measured": verdict.measured and verdict.measured.value,
            "low": verdict.measured and verdict.measured.low,
            "high": verdict.measured and verdict.measured.high,
            "met": verdict.met,
        }
        for verdict in found
    ]
