"""Worker processes that want the same products take turns, for as long as they do.

Two transactions on one product can't both be committed: one of them was in vain, and is run again. Who has met that
takes its next batches only when it is its turn. A turn is a lock in Redis on which no promise hangs: when it can't be
had, or is over too soon, there are conflicts again, and MongoDB settles them (docs/decisions, 0034).
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from redis import Redis, RedisError

NAME = "turn-to-decide"

BATCHES = 8
"""So many batches take turns after a conflict; then one goes without, and finds out whether there still are any."""

TURN_SECONDS = 2.0
"""Then the others go on, if who has the turn has died or is slow; they wait no longer for it either."""

LOOK_SECONDS = 0.005


class Turns:
    """Those of one worker process, for one thread."""

    def __init__(self, redis: Redis) -> None:
        self._lock = redis.lock(NAME, timeout=TURN_SECONDS, sleep=LOOK_SECONDS, blocking_timeout=TURN_SECONDS)
        self._left = 0

    def met_conflict(self) -> None:
        self._left = BATCHES

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Never raises: who does not get it goes on."""
        if not self._left:
            yield
            return
        taken = self._take()
        try:
            yield
        finally:
            if taken:
                # A turn that was too long is another's by now, or nobody's. Without Redis it is over by itself.
                with suppress(RedisError):
                    self._lock.release()

    def _take(self) -> bool:
        self._left -= 1
        try:
            return bool(self._lock.acquire())
        except RedisError:
            self._left = 0  # no batch after this one waits for a Redis that is away
            return False
