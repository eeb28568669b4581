"""The thread that looks at the connections of an API process once a second and acts on what it sees."""

import threading
import time

import structlog

from api.connections import SlowBodies, can_look, cut, look, without_client
from api.waiting import WaitingRoom
from shared.throttle import Throttle

LOOK_SECONDS = 1.0
LOOK_AGAIN_SECONDS = 0.2
"""After some connections were ended: more may have to be."""

log = structlog.get_logger(__name__)


class ConnectionWatch:
    def __init__(self, *, port: int, body_seconds_max: float, waiting_room: WaitingRoom) -> None:
        self._port = port
        self._waiting_room = waiting_room
        self._slow_bodies = SlowBodies(body_seconds_max)
        self._stopped = threading.Event()
        self._log_now = Throttle(seconds=1.0)
        self._thread = threading.Thread(target=self._run, name="connection-watch", daemon=True)

    def start(self) -> None:
        if can_look():
            self._thread.start()
        else:
            log.warning("connections can't be watched here: slow bodies and clients that hang up keep their threads")

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        pause = LOOK_SECONDS
        while not self._stopped.wait(pause):
            pause = LOOK_SECONDS
            try:
                if self._look():
                    pause = LOOK_AGAIN_SECONDS
            except Exception as error:
                if self._log_now():
                    log.exception("connections not watched", error=repr(error))

    def _look(self) -> bool:
        """Whether connections were ended."""
        # Those who wait first: whoever comes after it is not missed among the connections.
        places = sorted(self._waiting_room.places(), key=lambda place: place.taken_at)
        waiting_since = [place.taken_at for place in places]
        now = time.monotonic()
        connections = list(look(self._port, now))
        for index in without_client(waiting_since, connections):
            places[index].dismiss()
        overdue = self._slow_bodies.overdue(connections, waiting_since, now)
        for connection in overdue:
            cut(connection)
        if overdue and self._log_now():
            log.warning("connections ended: their requests did not come", connections=len(overdue))
        return bool(overdue)
