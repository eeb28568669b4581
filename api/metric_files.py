"""Where the API's processes keep their counts: in files that outlive them, which any of them can add up.

The files are those of prometheus_client's multiprocess mode. There they are named by process id, so that each process
that dies leaves some behind. Here a process takes the first place that nobody holds, and goes on counting in the files
of the one before it: nothing is lost or counted down when a process is killed, and there are never more files than
there were processes at a time. Places are held by locks, and so is the directory; the kernel lets these go when a
process ends, however.
https://prometheus.github.io/client_python/multiprocess/
"""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from itertools import count
from pathlib import Path

from prometheus_client import CollectorRegistry, values
from prometheus_client.multiprocess import MultiProcessCollector

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""The variable of the environment in which prometheus_client looks for it."""

NAME = "order-processor-metrics-"

BYTES = {"counter": 131_072, "histogram": 2_097_152}
"""Of each file, by the type in its name: a route with a method and a status takes 4 KiB of histograms, so there is room
for 500 of these, of which far fewer occur."""

_held: list[int] = []
"""The locks of this process, open for as long as it lives."""


def make_directory() -> str:
    """For an API that is about to start: a new one. Those of APIs that were killed, and could not, are removed."""
    for left in Path(tempfile.gettempdir()).glob(f"{NAME}[0-9]*-*"):
        _remove_if_abandoned(left)
    while True:
        directory = tempfile.mkdtemp(prefix=f"{NAME}{os.getpid()}-")
        # Until it is held, an API that starts at the same moment may take it for abandoned.
        with suppress(FileNotFoundError):
            _hold(directory)
            return directory


def keep_counts_in(directory: str) -> CollectorRegistry:
    """All that this process counts from now on; the sums over all processes. To be called before any metric is made.

    Raises OSError or ValueError when it can't be kept there; then it is in memory.
    """
    values.ValueClass = values.MutexValue
    _hold(directory)
    place = take_place(directory)
    for kind, size in BYTES.items():
        _make_file(Path(directory) / f"{kind}_{place}.db", size)
    registry = registry_of(directory)
    values.ValueClass = values.MultiProcessValue(lambda: place)  # type: ignore[no-untyped-call]
    return registry


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


def _hold(directory: str) -> None:
    """For as long as this process lives, or one that inherits it; what cleans up /tmp may look for such a lock too."""
    file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    os.set_inheritable(file, True)  # over the exec that makes Granian of `python -m api`
    fcntl.flock(file, fcntl.LOCK_SH)
    _held.append(file)
    Path(directory).stat()  # it may have been removed before it was locked


def _remove_if_abandoned(directory: Path) -> None:
    with suppress(OSError):  # another's, or held, or just removed by another API
        file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if os.fstat(file).st_uid == os.getuid():
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(directory, ignore_errors=True)
        finally:
            os.close(file)


def _make_file(file: Path, size: int) -> None:
    """With all its blocks: the kernel ends a process (SIGBUS) that writes to mapped memory for which the disk is full.

    It gets its name when it is whole, for other processes read whatever has one.
    """
    if file.exists():
        return
    new = file.with_suffix(".new")
    try:
        with new.open("wb") as opened:
            os.posix_fallocate(opened.fileno(), 0, size)
        new.rename(file)
    except OSError:
        new.unlink(missing_ok=True)
        raise
