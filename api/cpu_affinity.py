"""Each API process keeps to one CPU, another than its siblings', and moves when that one is busy and others are idle.

Python runs one thread of a process at a time. Where the kernel spreads the threads over all CPUs, each hand-over of the
interpreter's lock wakes another CPU; on one CPU the threads follow each other for much less (docs/decisions, 0032).
https://man7.org/linux/man-pages/man2/sched_setaffinity.2.html: Linux has it, and elsewhere nothing is done.
"""

import os
import random
import socket
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread

import structlog

from shared.cpu_idle import cpu_ticks, idle_shares

LOOK_EVERY_SECONDS = 2.0
BUSY_BELOW = 0.1
IDLE_ABOVE = 0.5
"""Shares of the time that a CPU was idle. Between them a move would gain little, and the next one might undo it."""

THREADS = Path("/proc/self/task")

log = structlog.get_logger(__name__)


def keep_to_one_cpu(*, port: int) -> None:
    """`port` is what the processes of one API have in common."""
    if sys.platform != "linux":
        return
    allowed = os.sched_getaffinity(0)
    if len(allowed) < 2:
        return
    seat = Seat(allowed, port=port)
    seat.settle()
    Thread(target=seat.keep_looking, name="cpu-affinity", daemon=True).start()


class Seat:
    """The CPU of this process, if it has one: where a sibling sits on each of them, the kernel places its threads.

    Whoever sits on a CPU holds a socket of that name: no two do, and the name is free when the process ends, however
    it ends (https://man7.org/linux/man-pages/man7/unix.7.html, abstract sockets).
    """

    def __init__(self, allowed: Iterable[int], *, port: int) -> None:
        self.cpu: int | None = None
        self._allowed = frozenset(allowed)
        self._port = port
        self._name: socket.socket | None = None

    def settle(self) -> None:
        """Anywhere at first: other APIs on this machine start somewhere else."""
        self._move_to_first_free(random.sample(sorted(self._allowed), len(self._allowed)))

    def keep_looking(self) -> None:
        while True:
            before = cpu_ticks()
            time.sleep(LOOK_EVERY_SECONDS)
            self.look(idle_shares(before, cpu_ticks()))

    def look(self, idle: Mapping[int, float]) -> None:
        better = better_cpus({cpu: share for cpu, share in idle.items() if cpu in self._allowed}, self.cpu)
        # By chance: of several that see the same idle CPU not all are to go there at once.
        if better and random.random() < 0.5:  # noqa: S311 - no secret
            self._move_to_first_free(better)

    def close(self) -> None:
        if self._name:
            self._name.close()
        self.cpu = self._name = None

    def _move_to_first_free(self, cpus: Iterable[int]) -> None:
        for cpu in cpus:
            name = self._taken(cpu)
            if name:
                self.close()
                self.cpu, self._name = cpu, name
                self._bind(cpu)
                return

    def _bind(self, cpu: int) -> None:
        try:
            bind_threads(cpu)
        except OSError as error:  # not allowed here, or the CPU has been taken away
            self.close()
            log.warning("this process can't keep to one CPU", cpu=cpu, error=repr(error))
        else:
            log.info("this process keeps to one CPU", cpu=cpu)

    def _taken(self, cpu: int) -> socket.socket | None:
        name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            name.bind(f"\0order-processor-api-{self._port}-cpu-{cpu}")
        except OSError:
            name.close()
            return None
        return name


def better_cpus(idle: Mapping[int, float], cpu: int | None) -> list[int]:
    """Where to move from a CPU that is busy, the idlest first; `idle` are shares of the time by CPU."""
    if cpu is None or idle.get(cpu, 1.0) >= BUSY_BELOW:
        return []
    return sorted((other for other in idle if idle[other] > IDLE_ABOVE), key=lambda other: -idle[other])


def bind_threads(cpu: int) -> None:
    """All of this process. Those that they begin later inherit it."""
    for _ in range(2):  # again: one may have been begun while the others were bound
        for thread in THREADS.iterdir():
            with suppress(ProcessLookupError):  # it has ended
                os.sched_setaffinity(int(thread.name), {cpu})
