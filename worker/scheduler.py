"""Beat's scheduler: a clock that is set back does not stop periodic work until the old time comes again."""

from datetime import datetime
from typing import Any

from celery.beat import Scheduler


class SteadyScheduler(Scheduler):
    _seen: datetime | None = None

    def tick(self, *args: Any, **kwargs: Any) -> float:
        at = self.app.now()
        if self._seen and at < self._seen:
            for entry in self.schedule.values():
                entry.last_run_at = at
            self._heap = None  # its dates are by the old time: made again from the entries
        self._seen = at
        return super().tick(*args, **kwargs)
