"""Invalidations that Redis did not take, kept until it does: what was cached before a change must not come back."""

import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress

from redis import RedisError

EVERY_SECONDS = 0.2
AT_ONCE = 1_000


class OwedInvalidations:
    def __init__(
        self, invalidate: Callable[[Collection[str]], None], *, ttl_seconds: float, settles: bool = True
    ) -> None:
        """`invalidate` raises `RedisError`. After `ttl_seconds` nothing is owed any more: the old entry has expired.

        Unless it `settles` when Redis has taken it, it is owed again and again until then.
        """
        self._settles = settles
        self._invalidate = invalidate
        self._ttl_seconds = ttl_seconds
        self._owed: dict[str, float] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def __bool__(self) -> bool:
        return bool(self._owed)

    def add(self, names: Collection[str]) -> None:
        """To be tried again until they are taken, by a thread that lives as long as something is owed."""
        with self._lock:
            self._owed |= dict.fromkeys(names, time.monotonic() + self._ttl_seconds)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="owed-invalidations", daemon=True)
                self._thread.start()

    def wait_until_settled(self, timeout_seconds: float) -> bool:
        """For a process that is about to end, and the debt with it: whether Redis has taken everything by then."""
        thread = self._thread
        if thread:
            thread.join(timeout_seconds)
        return not self._owed

    def _work(self) -> None:
        while names := self._next():
            with suppress(RedisError):
                self._invalidate(names)
                self._settle(names)
                if self._settles:
                    continue
            time.sleep(EVERY_SECONDS)

    def _next(self) -> dict[str, float]:
        """Some that are still owed; none ends the thread."""
        with self._lock:
            now = time.monotonic()
            self._owed = {name: until for name, until in self._owed.items() if until > now}
            if not self._owed:
                self._thread = None
            return dict(list(self._owed.items())[:AT_ONCE])

    def _settle(self, names: dict[str, float]) -> None:
        """Unless they were added again meanwhile. Those that are owed again stand behind the others."""
        with self._lock:
            for name, until in names.items():
                if self._owed.get(name) == until:
                    del self._owed[name]
                    if not self._settles:
                        self._owed[name] = until
