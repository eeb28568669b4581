"""Where the API's processes keep their counts: in files that outlive them, which any of them can add up.

The files are those of prometheus_client's multiprocess mode. There they are named by process id, so that each process
that dies leaves some behind. Here a process takes the first place that nobody holds, and goes on counting in the files
of the one before it: nothing is lost or counted down when a process is killed, and there are never more files than
there were processes at a time. A place is held by a lock, which the kernel lets go when its process ends, however.
https://prometheus.github.io/client_python/multiprocess/
"""

import fcntl
import os
import re
import shutil
import tempfile
from itertools import count
from pathlib import Path

from prometheus_client import CollectorRegistry, values
from prometheus_client.multiprocess import MultiProcessCollector

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""The variable of the environment in which prometheus_client looks for it."""

NAME = "order-processor-metrics-"

_held: list[int] = []
"""The locks of this process, open for as long as it lives."""


def make_directory() -> str:
    """For an API that is about to start: a new one. Those of APIs that were killed, and could not, are removed."""
    for left in Path(tempfile.gettempdir()).glob(f"{NAME}*"):
        if _is_abandoned(left):
            shutil.rmtree(left, ignore_errors=True)
    return tempfile.mkdtemp(prefix=f"{NAME}{os.getpid()}-")


def keep_counts_in(directory: str) -> None:
    """All that this process counts from now on. To be called before any metric is made."""
    place = take_place(directory)
    values.ValueClass = values.MultiProcessValue(lambda: place)  # type: ignore[no-untyped-call]


def take_place(directory: str) -> int:
    for place in count():
        file = os.open(Path(directory) / f"place-{place}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            continue
        _held.append(file)
        return place
    raise AssertionError("unreachable")


def registry_of(directory: str) -> CollectorRegistry:
    """The sums over all processes."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, directory)  # type: ignore[no-untyped-call]
    return registry


def _is_abandoned(directory: Path) -> bool:
    """The id in the name is that of Granian's parent process; when it is ours, it was another's before."""
    named = re.match(rf"{NAME}(\d+)-", directory.name)
    if named is None or directory.is_symlink() or directory.lstat().st_uid != os.getuid():
        return False
    return int(named[1]) == os.getpid() or not Path(f"/proc/{named[1]}").exists()
