"""Group commit: what threads submit side by side is committed as one batch, by one thread.

While one batch is being written, the next one gathers: load makes batches larger, not queues longer. A single
submission does not wait for company, unless the group rests between commits. The commit function gets a list of items
and returns an outcome for each, at its place; an outcome that is an exception is that item's alone. It must be safe to
repeat, because

- a batch that raises is committed again in halves, until the item at fault stands alone and the others are done;
- `Unavailable` is nobody's fault: raised, it becomes the outcome of the batch and of all that waited behind it, so that
  nobody waits for one timeout after another.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from shared import tracing
from shared.domain.errors import Unavailable

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class Ticket(Generic[Item, Outcome]):
    """What was submitted together. Waiting is for a lock alone: a `Future` costs each request several times as much."""

    __slots__ = ("_answered", "_outcomes", "items", "place")

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.place = tracing.current.place()
        self._outcomes: Sequence[Outcome | Exception] = ()
        self._answered = threading.Lock()
        self._answered.acquire()

    def answer(self, outcomes: Sequence[Outcome | Exception]) -> None:
        self._outcomes = outcomes
        self._answered.release()

    def outcomes(self, timeout_seconds: float = -1) -> Sequence[Outcome | Exception]:
        """One for each item; waits for them, without a timeout for ever. Raises `TimeoutError`."""
        if not self._answered.acquire(timeout=timeout_seconds):
            raise TimeoutError
        self._answered.release()
        return self._outcomes


class GroupCommit(Generic[Item, Outcome]):
    def __init__(
        self,
        name: str,
        commit: Callable[[list[Item]], Sequence[Outcome | Exception]],
        *,
        batch_max: int,
        rest_seconds: float = 0.0,
    ) -> None:
        """`batch_max` bounds the items of one commit; a single submission that is larger is committed whole.

        No commit begins sooner than `rest_seconds` after the one before: under load batches are larger then, and fewer.
        """
        self._name = name
        self._commit = commit
        self._batch_max = batch_max
        self._rest_seconds = rest_seconds
        self._waiting: deque[Ticket[Item, Outcome]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(self, items: Sequence[Item]) -> Ticket[Item, Outcome]:
        """Returns at once. Raises `Unavailable` after `close`."""
        ticket: Ticket[Item, Outcome] = Ticket(items)
        if not items:
            ticket.answer([])
            return ticket
        with self._changed:
            if self._closed:
                raise Unavailable("this process, which is shutting down")
            self._waiting.append(ticket)
            self._changed.notify()
        return ticket

    def close(self, timeout_seconds: float) -> None:
        """Take nothing more in and answer what was taken in."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(timeout_seconds)

    def _work(self) -> None:
        while batch := self._next_batch():
            rested_at = time.monotonic() + self._rest_seconds
            items = [item for ticket in batch for item in ticket.items]
            with tracing.current.batch(self._name, [ticket.place for ticket in batch], size=len(items)):
                outcomes = self._commit_or_split(items)
            _hand_out(batch, outcomes)
            if isinstance(outcomes[-1], Unavailable):
                self._refuse_waiting(outcomes[-1])
            self._rest(until=rested_at)

    def _rest(self, *, until: float) -> None:
        if (left := until - time.monotonic()) > 0:
            with self._changed:
                self._changed.wait_for(lambda: self._closed, left)

    def _next_batch(self) -> list[Ticket[Item, Outcome]]:
        """All that waits, up to the maximum; empty when closed and nothing waits any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            batch: list[Ticket[Item, Outcome]] = []
            size = 0
            while self._waiting and (not batch or size + len(self._waiting[0].items) <= self._batch_max):
                batch.append(self._waiting.popleft())
                size += len(batch[-1].items)
            return batch

    def _commit_or_split(self, items: list[Item]) -> list[Outcome | Exception]:
        try:
            return [outcome for _, outcome in zip(items, self._commit(items), strict=True)]
        except Unavailable as outage:
            return [outage] * len(items)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome of the item at fault
            if len(items) == 1:
                return [error]
            middle = len(items) // 2
            return self._commit_or_split(items[:middle]) + self._commit_or_split(items[middle:])

    def _refuse_waiting(self, outage: Unavailable) -> None:
        with self._changed:
            refused = list(self._waiting)
            self._waiting.clear()
        for ticket in refused:
            ticket.answer([outage] * len(ticket.items))


def _hand_out(batch: Sequence[Ticket[Item, Outcome]], outcomes: Sequence[Outcome | Exception]) -> None:
    start = 0
    for ticket in batch:
        end = start + len(ticket.items)
        ticket.answer(outcomes[start:end])
        start = end
