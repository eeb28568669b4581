"""At most once in a while: keeps an outage from writing a log line for every request."""

import time


class Throttle:
    """Called, it answers True at most once in `seconds`; a race between threads may let one more through."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    def __call__(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True
