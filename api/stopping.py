"""Being told of SIGTERM while Granian's own handler stops the server: by then, whoever waits should be answered."""

import signal
import socket
import threading
from collections.abc import Callable

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def call_at_stop_signal(callback: Callable[[], None]) -> None:
    """In a thread of its own. To be called in the main thread, where signals are handled.

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
