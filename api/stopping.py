"""Stopping: being told of SIGTERM while Granian's own handler stops the server, and of the end of Granian's parent."""

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

LOOK_SECONDS = 1.0

STOP_SECONDS = 10.0
"""As long as Granian's parent would wait for it."""


def call_at_stop_signal(callback: Callable[[], None]) -> None:
    """In a thread of its own: whoever waits should be answered by the time the server stops.

    To be called in the main thread, where signals are handled.

    Granian sets its handlers later, and they end in Rust. Whoever handles a signal, Python also writes its number to
    one descriptor: https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd
    """
    numbers, told = socket.socketpair()
    told.setblocking(False)
    signal.set_wakeup_fd(told.detach(), warn_on_full_buffer=False)

    def listen() -> None:
        while number := numbers.recv(1):
            if number[0] in STOP_SIGNALS:
                callback()

    threading.Thread(target=listen, name="stop-signal", daemon=True).start()


def stop_with_parent() -> None:
    """Stops this process, as SIGTERM does, soon after Granian's parent was killed.

    Without its parent it would go on serving, with the old code and the old settings, beside those that a supervisor
    starts anew on the same port; and nobody would know of it.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent_pid = parent.pid

    def look() -> None:
        while os.getppid() == parent_pid:
            time.sleep(LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(STOP_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=look, name="parent-watch", daemon=True).start()
