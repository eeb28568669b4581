"""Faults staged inside the processes of a `Stack`: at a named function, before or after it, once.

`tests/faults/staged/inside/sitecustomize.py` makes them happen there.
"""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.stack import Stack, wait_until

INSIDE = Path(__file__).parent / "faults" / "staged" / "inside"
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Fault:
    """`what`: kill the process, fail the call with a ConnectionError, or hold it until `release`."""

    function: str
    when: str
    mark: Path
    what: str = "kill"

    @property
    def happened(self) -> bool:
        return self.mark.exists() and bool(self.mark.read_text())

    @property
    def process_id(self) -> int:
        """Of the process in which it happened."""
        return int(self.mark.read_text())

    def release(self) -> None:
        self.mark.with_suffix(".released").touch()

    def value(self) -> dict[str, str]:
        return {"function": self.function, "when": self.when, "what": self.what, "mark": str(self.mark)}


@contextmanager
def staged(stack: Stack, *faults: Fault, clock: Path | None = None) -> Iterator[None]:
    """The processes that are started in this block have these faults, and clocks that are wrong by what `clock` says.

    The file `clock` holds seconds: positive is ahead. It may be written while the processes run.
    """
    before = dict(stack.environment)
    stack.environment["PYTHONPATH"] = os.pathsep.join([str(INSIDE), str(ROOT)])
    stack.environment["STAGED_FAULTS"] = json.dumps([fault.value() for fault in faults])
    if clock:
        stack.environment["STAGED_CLOCK"] = str(clock)
    try:
        yield
    finally:
        stack.environment.clear()
        stack.environment.update(before)


def wait_until_killed(process: subprocess.Popen[bytes], fault: Fault) -> None:
    """By the fault, by SIGKILL, and by nothing else."""
    wait_until(lambda: process.poll() is not None, "the process to be killed")
    assert process.returncode == -signal.SIGKILL
    assert fault.process_id == process.pid


def wait_until_gone(fault: Fault) -> None:
    """The process in which it happened; it may be a child of the one that the test started."""
    wait_until(lambda: fault.happened and not _runs(fault.process_id), "the process to be gone")


def _runs(process_id: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(process_id, 0)
        return True
    return False
