"""Keeps an eye on the parts while the runner waits: which one keeps dying, which one came back, what was orphaned."""

import time
from collections import defaultdict

from local.data_dir import DataDir
from local.errors import PartFailed
from local.processes import end_orphans
from local.supervision import PartState, Supervisor
from local.terminal import Progress, StopRequests, say

_LOOK_EVERY_SECONDS = 0.25
_STARTS_BEFORE_GIVING_UP = 3
_TAIL_LINES = 25


class Watch:
    def __init__(self, supervisor: Supervisor, data_dir: DataDir, stop: StopRequests) -> None:
        self._supervisor = supervisor
        self._data_dir = data_dir
        self._stop = stop
        self._starts: dict[str, set[int]] = defaultdict(set)
        self._next_look = 0.0
        self._progress = Progress()

    def look(self) -> list[str]:
        """The names of parts started again since the last look. Raises `StopAsked` or `PartFailed`."""
        self._stop.check()
        if not self._supervisor.is_alive():
            raise PartFailed("supervisord ended", self._tail("supervisord-output"))
        if time.monotonic() < self._next_look:
            return []
        self._next_look = time.monotonic() + _LOOK_EVERY_SECONDS
        # A part that was killed hard can't stop its own children (Granian's workers, which would go on
        # answering on the same port): they come to us as orphans.
        end_orphans(except_for=self._supervisor.pid)
        return [part.name for part in self._supervisor.states() or [] if self._was_restarted(part)]

    def waiting_for(self, what: str) -> None:
        """A look while the system starts and nothing should die: `PartFailed` for a part that keeps doing so."""
        self.look()
        self._progress.waiting_for(what)
        for name, starts in self._starts.items():
            if len(starts) >= _STARTS_BEFORE_GIVING_UP:
                raise PartFailed(f"{name} keeps dying; the end of its log:", self._tail(name))

    def keep_looking(self) -> None:
        """Until a stop is asked for or supervisord ends: `StopAsked` or `PartFailed`."""
        while True:
            for name in self.look():
                say(f"{name} was started again (its log: {self._data_dir.log_of(name)})")
            time.sleep(0.1)

    def _was_restarted(self, part: PartState) -> bool:
        starts = self._starts[part.name]
        if not part.started_at or part.started_at in starts:
            return False
        starts.add(part.started_at)
        return len(starts) > 1

    def _tail(self, part: str) -> str:
        file = self._data_dir.log_of(part)
        lines = file.read_text(errors="replace").splitlines() if file.exists() else []
        return "\n".join(f"  {line}" for line in lines[-_TAIL_LINES:]) + f"\n(all of it: {file})"
