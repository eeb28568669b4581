"""How idle the CPUs of this machine are, as Linux counts it."""

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

TICKS = Path("/proc/stat")

LOOK_SECONDS = 0.2
"""Some twenty ticks of each CPU."""

SPARE = 0.2
"""Of one CPU."""


class SpareCpu:
    def __init__(self) -> None:
        self._at = time.monotonic()
        self._before = cpu_ticks()
        self._is_there = False

    def is_there(self) -> bool:
        """Whether the CPUs together were idle for more than a fifth of one of them lately; True where nobody tells."""
        if time.monotonic() - self._at >= LOOK_SECONDS:
            before, self._before, self._at = self._before, cpu_ticks(), time.monotonic()
            idle = idle_shares(before, self._before)
            self._is_there = not idle or sum(idle.values()) > SPARE
        return self._is_there


def cpu_ticks() -> dict[int, tuple[int, int]]:
    """By CPU: ticks of the clock in which it was idle, and all. https://man7.org/linux/man-pages/man5/proc_stat.5.html"""
    ticks: dict[int, tuple[int, int]] = {}
    with suppress(OSError):
        for line in TICKS.read_text().splitlines():
            name, *numbers = line.split()
            if name.startswith("cpu") and name != "cpu":
                _user, _nice, _system, idle, waiting, *_ = counts = [int(number) for number in numbers]
                ticks[int(name.removeprefix("cpu"))] = (idle + waiting, sum(counts[:8]))
    return ticks


def idle_shares(before: Mapping[int, tuple[int, int]], after: Mapping[int, tuple[int, int]]) -> dict[int, float]:
    """By CPU, between the two."""
    shares: dict[int, float] = {}
    for cpu in before.keys() & after.keys():
        idle, all_ticks = (now - then for now, then in zip(after[cpu], before[cpu], strict=True))
        if all_ticks > 0:
            shares[cpu] = idle / all_ticks
    return shares
