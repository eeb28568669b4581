"""The processes of one contender: started together, waited for, watched, and stopped together."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from bench.contenders import Contender
from bench.ground import Ground
from local.processes import die_with_parent

PROJECT = Path(__file__).parent.parent
START_SECONDS = 30.0
SETTLE_SECONDS = 2.0
"""After the port answers: workers connect, imports finish."""


class ContenderFailed(Exception):
    """A process of the contender ended, or never answered; with the end of its output."""


@contextmanager
def running(contender: Contender, ground: Ground) -> Iterator[list[psutil.Process]]:
    with tempfile.TemporaryFile() as output:
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
            for command in contender.commands(ground)
        ]
        try:
            _wait_for_port(ground.port, started)
            time.sleep(SETTLE_SECONDS)
            yield [psutil.Process(process.pid) for process in started]
            if any(process.poll() is not None for process in started):
                raise ContenderFailed("a process ended during the run")
        except ContenderFailed as error:
            output.seek(max(0, output.tell() - 2_000))
            raise ContenderFailed(f"{contender.name}: {error}\n{output.read().decode(errors='replace')}") from None
        finally:
            _stop(started)


def family(processes: list[psutil.Process]) -> list[psutil.Process]:
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
