"""One window of a rate limit, as this process knows it: what it may hand out, and what Redis may still have."""

import time
from threading import Lock
from zlib import crc32


class Window:
    """So many permits of one key for so many seconds.

    `held` are leased by this process and not handed out. `left` is the most that Redis can still have, since others
    lease too. `untold` were handed out while Redis was away.
    """

    __slots__ = ("_lock", "counter", "ends", "held", "left", "limit", "untold")

    def __init__(self, counter: str, *, limit: int, ends: float) -> None:
        self.counter = counter
        self.limit = limit
        self.ends = ends
        self.held = 0
        self.left = limit
        self.untold = 0
        self._lock = Lock()

    def most(self) -> int:
        return self.held + self.left

    def hand_out(self, cost: int) -> int:
        """0 when it was done; else how many must be leased first, which may be more than there are."""
        with self._lock:
            if self.held < cost:
                return cost - self.held
            self.held -= cost
            return 0

    def receive(self, granted: int, left: int) -> None:
        """From Redis, whose counter only rises: what says more than an earlier answer is late, or Redis was emptied."""
        with self._lock:
            self.held += granted
            self.left = max(0, min(self.left, left))

    def lend_itself(self, needed: int) -> None:
        """While Redis is away: from what was left when this process last knew."""
        with self._lock:
            if needed <= self.left:
                self.held += needed
                self.left -= needed
                self.untold += needed

    def take_untold(self) -> int:
        """What Redis is about to be told; to be given back when it could not be."""
        with self._lock:
            untold, self.untold = self.untold, 0
            return untold

    def give_back_untold(self, untold: int) -> None:
        with self._lock:
            self.untold += untold

    def is_current(self, now: float, seconds: int) -> bool:
        """Not over, and not made by a clock that has been set back since."""
        return 0 < self.ends - now <= seconds


def window_at(now: float, key: str, *, limit: int, seconds: int) -> Window:
    """The same in every process: windows lie on the clock, shifted by the key so that not all end at once."""
    shift = crc32(key.encode()) % (seconds * 1000) / 1000
    number = int((now + shift) // seconds)
    return Window(f"rate-limit:{key}:{number}", limit=limit, ends=(number + 1) * seconds - shift)


def milliseconds_left(window: Window) -> int:
    return max(0, int((window.ends - time.time()) * 1000))
