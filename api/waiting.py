"""Requests that wait for an order to be final (`Prefer: wait=N`): who they are, how many there may be, what wakes them.

A request takes a place, then reads the order, then waits, then reads again: a notice that comes between the reading and
the waiting finds the place taken. A wake-up is only a reason to read, so a spurious one, or one that never comes, does
no harm: every request also reads by itself now and then.
"""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from shared.domain.order import Order, Status

READ_GROWTH_MAX = 4
"""Reading by oneself: after the first interval, then twice that, then always four times that."""

HEARING_FACTOR = 8
"""So much longer are these intervals while notices are heard: hundreds who wait are not to be hundreds of reads."""


@dataclass(eq=False, slots=True)
class Place:
    """`taken_at` is on the monotonic clock. `dismissed`: answer at once, whatever is known."""

    order_id: str
    taken_at: float
    dismissed: bool = False
    _woken: threading.Event = field(default_factory=threading.Event)

    def wake(self) -> None:
        self._woken.set()

    def dismiss(self) -> None:
        self.dismissed = True
        self._woken.set()

    def wait(self, seconds: float) -> None:
        self._woken.wait(seconds)
        # Cleared before the reading that follows: a notice that comes during it is not lost.
        self._woken.clear()


class WaitingRoom:
    """One a process."""

    def __init__(self, *, places_max: int, read_seconds: float) -> None:
        self._places_max = places_max
        self._read_seconds = read_seconds
        self._places: defaultdict[str, list[Place]] = defaultdict(list)
        self._taken = 0
        self._closed = False
        self._hearing = False
        self._lock = threading.Lock()

    def wait_until_final(self, order: Order, read: Callable[[], Order], *, seconds: float) -> tuple[Order, bool]:
        """The order as it is when it is final or the time is over, and whether the waiting was done.

        It was not when all places were taken, or when the request was dismissed: then the answer is what is known now.
        Raises what `read` raises.
        """
        deadline = time.monotonic() + seconds
        with self._place(order.order_id) as place:
            if place is None:
                return order, False
            growth = 1
            while (order := read()).status is Status.PENDING and (left := deadline - time.monotonic()) > 0:
                if place.dismissed:
                    return order, False
                place.wait(min(growth * self._interval_seconds(), left))
                growth = min(growth * 2, READ_GROWTH_MAX)
        return order, True

    def hear(self, hearing: bool) -> None:
        """Whether notices are heard from now on. All look once: some may have been missed, or are going to be."""
        news = hearing or self._hearing
        self._hearing = hearing
        if news:
            self.wake_all()

    def wake(self, order_ids: Iterable[str]) -> None:
        with self._lock:
            for order_id in order_ids:
                for place in self._places.get(order_id, ()):
                    place.wake()

    def wake_all(self) -> None:
        for place in self.places():
            place.wake()

    def places(self) -> list[Place]:
        """Those that are taken."""
        with self._lock:
            return [place for places in self._places.values() for place in places]

    def close(self) -> None:
        """All are answered at once, and nobody may wait any more."""
        self._closed = True
        for place in self.places():
            place.dismiss()

    def _interval_seconds(self) -> float:
        """Spread, so that those who began together do not read together."""
        seconds = self._read_seconds * (HEARING_FACTOR if self._hearing else 1)
        return seconds * random.uniform(0.7, 1.3)  # noqa: S311 - no secret

    @contextmanager
    def _place(self, order_id: str) -> Iterator[Place | None]:
        place = Place(order_id, time.monotonic())
        with self._lock:
            free = self._taken < self._places_max and not self._closed
            if free:
                self._taken += 1
                self._places[order_id].append(place)
        try:
            yield place if free else None
        finally:
            if free:
                self._give_back(place)

    def _give_back(self, place: Place) -> None:
        with self._lock:
            self._taken -= 1
            self._places[place.order_id].remove(place)
            if not self._places[place.order_id]:
                del self._places[place.order_id]
