"""The processes of contenders: those of one are started together, waited for, and stopped together."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from pymongo.database import Database

from bench import prepared
from bench.contenders import Contender
from bench.ground import Ground
from bench.load import Traffic
from bench.plan import SKUS
from local.processes import die_with_parent
from shared.store.connection import Document

PROJECT = Path(__file__).parent.parent
START_SECONDS = 30.0
SETTLE_SECONDS = 2.0
"""After the port answers: workers connect, imports finish."""


class ContenderFailed(Exception):
    """A process of the contender ended, or never answered; with the end of its output."""


@dataclass(frozen=True, slots=True)
class Place:
    """A contender that runs, with its products in its database; `processes` by the names of its parts."""

    contender: Contender
    ground: Ground
    database: Database[Document]
    processes: dict[str, psutil.Process]

    def orders(self, *, skus: int, customers: int = 1) -> Traffic:
        callers = self.contender.callers(customers)
        return Traffic(self.ground.port, prepared.orders(self.contender.path, skus=skus, callers=callers))


@contextmanager
def placed(contender: Contender, ground: Ground) -> Iterator[Place]:
    """On this ground, from an empty database to a dropped one."""
    database = ground.empty(contender.name)
    contender.seed(database, [f"SKU-{number}" for number in range(SKUS)])
    try:
        with running(contender, ground) as processes:
            yield Place(contender, ground, database, processes)
    finally:
        database.client.drop_database(database.name)
        database.client.close()


@contextmanager
def side_by_side(contenders: Sequence[Contender], ground: Ground) -> Iterator[list[Place]]:
    """All at once, so that they can be measured in short turns; one that is not asked costs next to nothing."""
    with ExitStack() as stack:
        grounds = [stack.enter_context(ground.beside()) for _ in contenders]
        yield [stack.enter_context(placed(*pair)) for pair in zip(contenders, grounds, strict=True)]


@contextmanager
def running(contender: Contender, ground: Ground) -> Iterator[dict[str, psutil.Process]]:
    with tempfile.TemporaryFile() as output:
        commands = contender.commands(ground)
        started = [
            subprocess.Popen(
                command,
                env=os.environ | contender.environment(ground),
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=die_with_parent(),
            )
            for command in commands.values()
        ]
        try:
            _wait_for_port(ground.port, started)
            time.sleep(SETTLE_SECONDS)
            yield {name: psutil.Process(process.pid) for name, process in zip(commands, started, strict=True)}
            if any(process.poll() is not None for process in started):
                raise ContenderFailed("a process ended during the run")
        except ContenderFailed as error:
            output.seek(max(0, output.tell() - 2_000))
            raise ContenderFailed(f"{contender.name}: {error}\n{output.read().decode(errors='replace')}") from None
        finally:
            _stop(started)


def family(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """They and all their descendants that live."""
    found: list[psutil.Process] = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            found += [process, *process.children(recursive=True)]
    return found


def _wait_for_port(port: int, started: list["subprocess.Popen[bytes]"]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if any(process.poll() is not None for process in started):
            raise ContenderFailed("a process ended while it started")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise ContenderFailed(f"nothing answers on port {port}")


def _stop(started: list["subprocess.Popen[bytes]"]) -> None:
    members = family([psutil.Process(process.pid) for process in started if process.poll() is None])
    for process in started:
        if process.poll() is None:
            process.terminate()
    _, alive = psutil.wait_procs(members, timeout=10)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    for child in started:
        child.wait()
