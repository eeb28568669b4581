"""The faults themselves: each is done to a part of the stage, and undone when its time is over."""

import heapq
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import count

from redis import Redis, RedisError

from local.servers import Server
from tests.faults.chaos.schedule import Fault
from tests.faults.chaos.stage import Program, Stage

TICK_SECONDS = 0.02

Action = Callable[[], None]


class Faults:
    """Carries out a schedule. `done` and `missed` (its part was not there just then) count by the name of the kind."""

    def __init__(self, stage: Stage, schedule: Iterable[Fault]) -> None:
        self.done: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self.current = ""
        self._stage = stage
        self._numbers = count()
        self._due: list[tuple[float, int, Action]] = []
        for fault in schedule:
            self._at(fault.at, lambda fault=fault: self._begin(fault))

    def run(self, seconds: float, *, on_tick: Action) -> None:
        """To be called in the main thread, which is the parent of all that is started."""
        started = time.monotonic()
        while (now := time.monotonic() - started) < seconds or self._due:
            while self._due and self._due[0][0] <= now:
                heapq.heappop(self._due)[2]()
            self._stage.tend()
            on_tick()
            time.sleep(TICK_SECONDS)

    def _at(self, seconds: float, action: Action) -> None:
        heapq.heappush(self._due, (seconds, next(self._numbers), action))

    def _begin(self, fault: Fault) -> None:
        part = fault.kind.part
        if part in self._stage.servers:
            happened = self._strike_server(fault, self._stage.servers[part])
        else:
            happened = self._strike_program(fault, self._stage.programs[part])
        (self.done if happened else self.missed)[fault.kind.name] += 1
        self.current = fault.kind.name

    def _strike_server(self, fault: Fault, server: Server) -> bool:
        back_at = fault.at + fault.seconds
        match fault.kind.action:
            case "empty":
                return _emptied(server)
            case "hang":
                server.pause()
                self._at(back_at, server.resume)
            case "kill":
                server.kill()
                self._at(back_at, server.spawn)
            case "kill and lose data":
                server.kill()
                _lose_data(server)
                self._at(back_at, server.spawn)
        return True

    def _strike_program(self, fault: Fault, program: Program) -> bool:
        children = program.children()
        if not program.alive:
            return False
        match fault.kind.action:
            case "hang":
                process = program.process
                process.send_signal(signal.SIGSTOP)
                self._at(fault.at + fault.seconds, lambda: process.send_signal(signal.SIGCONT))
            case "kill":
                self._stage.orphans += children
                program.kill()
            case "kill with children":
                program.kill()
                for child in children:
                    child.kill()
            case "kill a child":
                if not children:
                    return False
                children[fault.choice % len(children)].kill()
        return True


def _emptied(server: Server) -> bool:
    try:
        with Redis.from_url(server.url, socket_timeout=2, socket_connect_timeout=1) as client:
            return bool(client.flushall())
    except RedisError:
        return False


def _lose_data(server: Server) -> None:
    for path in server.data_dir.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path != server.log:
            path.unlink()
