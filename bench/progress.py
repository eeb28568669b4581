"""The steps of a run, one after another: what is done now, about how long the rest will take, and what went wrong."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console

from bench.load import LoadFailed
from bench.processes import ContenderFailed


@dataclass(frozen=True, slots=True)
class Step:
    """`seconds`: about how long it takes."""

    title: str
    seconds: float
    take: Callable[[], None]


class Progress:
    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock

    def take(self, steps: Sequence[Step]) -> list[str]:
        """What went wrong, a line each: a step that fails costs its own figures, and not those of all others."""
        begun, done, failures = self._clock(), 0.0, []
        total = sum(step.seconds for step in steps)
        for step in steps:
            elapsed = self._clock() - begun
            left = seconds_left(total - done, done=done, elapsed=elapsed)
            self._print(f"{clock_face(elapsed)}, {clock_face(left)} left  {step.title}")
            try:
                step.take()
            except (LoadFailed, ContenderFailed) as error:
                failures.append(f"{step.title}: {error}")
                self.tell(f"failed: {error}")
            done += step.seconds
        return failures

    def tell(self, detail: str) -> None:
        """Within the step."""
        self._print(f"{'':>18}  {detail}")

    def _print(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False)


def seconds_left(estimated: float, *, done: float, elapsed: float) -> float:
    """As estimated, corrected by how wrong the estimates were for what is done."""
    return estimated * (elapsed / done if done else 1.0)


def clock_face(seconds: float) -> str:
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"
