"""At most once in a while: keeps an outage from writing a log line for every request."""

import time
from threading import Lock


class Throttle:
    """Called, from whichever thread, it answers True at most once in `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0
        self._lock = Lock()

    def __call__(self) -> bool:
        with self._lock:
            now = time.monotonic()
            if now < self._next:
                return False
            self._next = now + self._seconds
            return True
