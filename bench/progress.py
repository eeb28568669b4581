"""What is done now, and about how long the rest will take."""

import time
from collections.abc import Callable

from rich.console import Console


class Progress:
    """Steps were estimated beforehand, in seconds; how wrong that was until now corrects what is left."""

    def __init__(self, console: Console, total: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._begun = clock()
        self._left = total
        self._done = 0.0
        self._current = 0.0

    def step(self, title: str, seconds: float) -> None:
        """The next one begins, so the one before is done."""
        self._done += self._current
        self._left -= self._current
        self._current = seconds
        self._console.print(f"{self._times()}  {title}", highlight=False, markup=False)

    def tell(self, detail: str) -> None:
        """Within the step."""
        self._console.print(f"{'':>20}  {detail}", highlight=False, markup=False)

    def seconds_left(self) -> float:
        elapsed = self._clock() - self._begun
        return max(0.0, self._left * (elapsed / self._done if self._done else 1.0))

    def _times(self) -> str:
        elapsed = self._clock() - self._begun
        return f"{clock_face(elapsed)}, {clock_face(self.seconds_left())} left"


def clock_face(seconds: float) -> str:
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"
