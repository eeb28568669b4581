"""A clock that hardly moves by itself, for tests of what is good for some milliseconds."""

import threading
from collections.abc import Callable

import pytest

TICK_SECONDS = 1e-9
"""With every look, so that what comes later is later."""


class StandingClock:
    """Stands in for the module `time`: sleeping moves the time on and calls `on_sleep`. Servers have their own clocks.

    `asked_by` are the threads that wanted to know the time.
    """

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.sleeps: list[float] = []
        self.on_sleep: Callable[[], object] = lambda: None
        self.asked_by: set[int] = set()

    def monotonic(self) -> float:
        return self.seconds

    def clock_gettime(self, _: int) -> float:
        self.asked_by.add(threading.get_ident())
        self.seconds += TICK_SECONDS
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.sleeps.append(seconds)
        self.on_sleep()


def standing_clock(monkeypatch: pytest.MonkeyPatch) -> StandingClock:
    """For the cache and the copies of it."""
    clock = StandingClock()
    monkeypatch.setattr("shared.cache.time", clock)
    monkeypatch.setattr("shared.local_copies.time", clock)
    return clock
