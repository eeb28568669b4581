"""What the operating system can do so that no process is left behind: apart, because it is Linux only.

Elsewhere these do nothing, and a part that is killed hard may leave a child of its own behind.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def die_with_parent(signum: signal.Signals = signal.SIGKILL) -> Callable[[], None] | None:
    """A `preexec_fn` which has the kernel send `signum` to the child when this process dies, however it dies.

    None outside the main thread: the kernel takes the end of the thread that forked for the end of
    the parent (prctl(2), PR_SET_PDEATHSIG).
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def ask_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signum))
        if os.getppid() != parent:  # it died between fork and prctl
            os.kill(os.getpid(), signum)

    return ask_kernel


def stop_when_parent_dies(signum: signal.Signals = signal.SIGTERM) -> None:
    """The same, asked by the child for itself."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signum))


def adopt_orphans() -> None:
    """Descendants whose parent dies become children of this process, so that none can slip away."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_orphans(*, except_for: int | None = None, signum: signal.Signals = signal.SIGKILL) -> int:
    """Signals every child but one and buries the dead; how many were still alive."""
    alive = 0
    for child in _children():
        if child != except_for and not _bury(child):
            alive += 1
            with suppress(ProcessLookupError):
                os.kill(child, signum)
    return alive


def end_all_children(grace: float) -> None:
    """SIGTERM, after `grace` seconds SIGKILL, until none is left; grandchildren become children meanwhile."""
    kill_at = time.monotonic() + grace
    while end_orphans(signum=signal.SIGTERM if time.monotonic() < kill_at else signal.SIGKILL):
        time.sleep(0.1)


def _children() -> list[int]:
    # A child belongs to the thread that made it, hence one list a thread.
    lists = Path("/proc/self/task").glob("*/children")
    return [int(pid) for each in lists for pid in each.read_text().split()]


def _bury(child: int) -> bool:
    try:
        return os.waitpid(child, os.WNOHANG)[0] == child
    except ChildProcessError:
        return True
