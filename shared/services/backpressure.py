"""Backpressure: while the oldest pending order has waited for too long, no new ones are accepted. Off by default.

A queue that is too long helps nobody: who waits in it learns at once that it is, instead of minutes later.
"""

import threading
import time

import structlog
from pymongo.database import Database

from shared.clock import now
from shared.domain.errors import QueueTooLong
from shared.store.connection import Document
from shared.store.oldest_pending import oldest_pending
from shared.throttle import Throttle

LOOK_EVERY_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Backpressure:
    """One a process. A thread looks at the queue, so that no request waits for the look."""

    def __init__(self, database: Database[Document], *, pending_seconds_max: int) -> None:
        """`pending_seconds_max` of 0 turns it off."""
        self._database = database
        self._pending_seconds_max = pending_seconds_max
        self._pending_seconds = 0.0
        self._log_now = Throttle(seconds=10.0)

    def start(self) -> None:
        if self._pending_seconds_max:
            threading.Thread(target=self._keep_looking, name="backpressure", daemon=True).start()

    def check(self) -> None:
        """Raises `QueueTooLong`."""
        if 0 < self._pending_seconds_max < self._pending_seconds:
            if self._log_now():
                log.warning("queue too long, no new orders", oldest_pending_seconds=round(self._pending_seconds))
            raise QueueTooLong(self._pending_seconds, self._pending_seconds_max)

    def look(self) -> None:
        """Raises whatever the driver raises; nobody is refused then, since nobody can tell."""
        pending_seconds = 0.0
        try:
            oldest = oldest_pending(self._database)
            if oldest:
                pending_seconds = (now() - oldest.since).total_seconds()
        finally:
            # Only now: until the look is over, what was known before it holds.
            self._pending_seconds = pending_seconds

    def _keep_looking(self) -> None:
        while True:
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - whatever it was, the next look may be better
                if self._log_now():
                    log.warning("the queue can't be looked at", error=repr(error))
            time.sleep(LOOK_EVERY_SECONDS)
