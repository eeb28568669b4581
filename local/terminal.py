"""What the person at the terminal sees and does: lines of text out, requests to stop in."""

import signal
import sys
import time
from contextlib import suppress


class StopAsked(Exception):
    """Ctrl-C, SIGTERM or a closed terminal."""


class StopRequests:
    """Turns signals into a flag that waiting code looks at: nothing is interrupted in the middle of a step.

    Further signals, while everything is being stopped, change nothing.
    """

    def __init__(self) -> None:
        self.asked = False
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, self._note)

    def check(self) -> None:
        if self.asked:
            raise StopAsked

    def _note(self, _signum: int, _frame: object) -> None:
        self.asked = True


class Progress:
    """Says what is being waited for when that changes, and every 2 s when it does not."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._last_text = ""
        self._last_time = 0.0

    def waiting_for(self, what: str) -> None:
        now = time.monotonic()
        if what != self._last_text or now - self._last_time >= 2:
            say(f"  {now - self._started:4.1f} s  waiting for {what}")
            self._last_text, self._last_time = what, now


def say(text: str = "") -> None:
    # A terminal that was closed must not keep the rest from being stopped.
    with suppress(OSError):
        print(text, flush=True)


def complain(text: str) -> None:
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)
