"""What every experiment is given, and how it takes turns."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bench.ground import Ground
from bench.load import Answers, Traffic, closed_loop, refuse_errors
from bench.plan import Plan
from bench.rounds import Results

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Run:
    """`tell` shows a line of what is done now."""

    ground: Ground
    plan: Plan
    results: Results
    tell: Callable[[str], None]

    def turns(self, variants: Sequence[T]) -> Iterator[T]:
        """Each variant once a turn, there and back again, so that a machine that slows down slows all of them."""
        for number in range(self.plan.turns):
            self.tell(f"turn {number + 1} of {self.plan.turns}")
            yield from variants if number % 2 == 0 else reversed(variants)

    def load(self, traffic: Traffic, *, connections: int = 128) -> Answers:
        """For a turn. Raises `LoadFailed` unless all of it is accepted."""
        return refuse_errors(closed_loop(traffic, connections=connections, seconds=self.plan.turn_seconds))

    def warm_up(self, *loads: Traffic) -> None:
        for traffic in loads:
            refuse_errors(closed_loop(traffic, connections=32, seconds=1))
