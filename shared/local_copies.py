"""Copies of cached entries in this process, good for some milliseconds after Redis was last asked what is changing.

The safety argument. A question is dated before it is sent, so Redis answers it later than that, and the answer names
every entry of whose change it was warned before. A writer warns of its change, waits until Redis has confirmed that and
then `WAIT_SECONDS`, and commits only then; meanwhile no lasting copy is made. So a copy that was not named was true at
the time of the question, and no change of it is committed within `GOOD_SECONDS` of that time, however long messages
travel or processes stand still. An answer counts only if nothing else was learned since it was asked for; and what it
names is forgotten before it dates the copies, so that no reader can find an old copy beside a new date.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

GOOD_SECONDS = 0.005

WAIT_SECONDS = 0.006
"""A clock that is being set right may run by up to a tenth too fast or too slow."""

COPIES_MAX = 1_000

CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Goes on while the machine sleeps. Linux's monotonic clock does not; where there is no other, it does."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A finished answer: its entity tag, without quotes, and its body."""

    etag: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Copy:
    """One that is not `lasting`, as its entry is about to change, is for those who had come when it was asked for."""

    entry: Entry
    asked_at: float
    expires_at: float
    lasting: bool = True


@dataclass(frozen=True, slots=True)
class Question:
    """`position`: what the asker knows of, in the log of changes; empty for nothing."""

    position: bytes
    asked_at: float


@dataclass(frozen=True, slots=True)
class News:
    """`changing`: the names of entries; None when it is not known which, and it may be all."""

    position: bytes
    changing: Sequence[str] | None


def seconds_now() -> float:
    return time.clock_gettime(CLOCK)


class LocalCopies:
    def __init__(self) -> None:
        self._copies: dict[str, Copy] = {}
        self._position = b""
        self._asked_at = -1.0
        self._learning = threading.Lock()

    def keeps(self, name: str) -> bool:
        """A copy that may be good, or become so by a question."""
        copy = self._copies.get(name)
        return copy is not None and copy.lasting

    def get(self, name: str, *, since: float) -> Entry | None:
        """The entry as it was at some moment after `since`, when the reader came; None if that is not known.

        The order of these lines matters: a copy that is still there after its date was read was good at that date.
        """
        asked_at, now = self._asked_at, seconds_now()
        if asked_at <= since and now >= asked_at + GOOD_SECONDS:
            return None
        copy = self._copies.get(name)
        if copy is None or now >= copy.expires_at or not (copy.lasting or copy.asked_at > since):
            return None
        return copy.entry

    def question(self) -> Question:
        """To be made before it is sent."""
        return Question(self._position, seconds_now())

    def learn(self, question: Question, news: News, found: tuple[str, Copy] | None = None) -> None:
        """`found` was read in one step with the news, at the same place."""
        with self._learning:
            if question.position != self._position:
                return
            self._forget(news.changing)
            self._position = news.position
            if found:
                self._keep(*found)
            self._asked_at = max(self._asked_at, question.asked_at)

    def _keep(self, name: str, copy: Copy) -> None:
        """In place of the oldest one when there are too many; it is read again when it is asked for."""
        self._copies.pop(name, None)
        self._copies[name] = copy
        if len(self._copies) > COPIES_MAX:
            del self._copies[next(iter(self._copies))]

    def _forget(self, names: Sequence[str] | None) -> None:
        if names is None:
            self._copies.clear()
            return
        for name in names:
            self._copies.pop(name, None)
