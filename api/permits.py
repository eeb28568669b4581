"""Permits of rate limits, counted in Redis and leased from there in chunks, so that most requests ask nobody.

A limit is so many permits for one key in a window of so many seconds. Redis has a counter of each window: what was
leased of it. A process leases a part of what is left, at least what it needs now, and hands it out. Parts shrink with
what is left, down to single permits: a limit is never exceeded, and what idle processes hold back is small.

Redis away: this process goes on by itself from what it last knew, and what it hands out is told to Redis afterwards.
"""

import time
from collections import OrderedDict
from threading import Lock

from redis import Redis

from api.permit_leases import Leases
from api.permit_window import Window, window_at

WINDOWS_MAX = 50_000
"""Kept in this process. The oldest go first; what was leased for them and not handed out goes with them."""


class Permits:
    def __init__(self, redis: Redis) -> None:
        self._leases = Leases(redis)
        self._windows: OrderedDict[str, Window] = OrderedDict()
        self._lock = Lock()

    def take(self, key: str, *, limit: int, seconds: int, cost: int) -> bool:
        """Whether `cost` permits were handed out: all of them, or none."""
        window = self._window(key, limit, seconds)
        # What can't be had now can't be had in this window any more, so a refusal costs no round trip.
        while window.most() >= cost:
            missing = window.hand_out(cost)
            if not missing:
                return True
            # Another thread may be handed what was leased here: hence the loop.
            self._leases.lease(window, missing)
        return False

    def left(self, key: str, *, limit: int, seconds: int) -> tuple[int, float]:
        """How many permits there are at most, and until when, by `time.time`."""
        window = self._window(key, limit, seconds)
        return window.most(), window.ends

    def close(self, timeout_seconds: float) -> None:
        self._leases.close(timeout_seconds)

    def _window(self, key: str, limit: int, seconds: int) -> Window:
        now = time.time()
        window = self._windows.get(key)
        if window is None or not window.is_current(now, seconds):
            with self._lock:
                window = self._windows.get(key)  # another thread may have made it meanwhile
                if window is None or not window.is_current(now, seconds):
                    window = self._windows[key] = window_at(now, key, limit=limit, seconds=seconds)
                    self._windows.move_to_end(key)
                    self._forget_old(now)
        return window

    def _forget_old(self, now: float) -> None:
        while self._windows:
            oldest = next(iter(self._windows.values()))
            if oldest.ends > now and len(self._windows) <= WINDOWS_MAX:
                return
            self._windows.popitem(last=False)
