"""Calls side by side, for work that waits for others."""

import contextvars
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import TypeVar

T = TypeVar("T")


def side_by_side(calls: Sequence[Callable[[], T]]) -> list[T | BaseException]:
    """What each returned or raised, at its place, when all have come to their end.

    One has the caller's own thread. The others have daemons, which keep no process from ending, and the caller's
    context: its trace.
    """
    futures: list[Future[T]] = [Future() for _ in calls]
    own, *others = zip(futures, calls, strict=True)
    for other in others:
        context = contextvars.copy_context()
        try:
            threading.Thread(target=context.run, args=(_run, *other), name="side-by-side", daemon=True).start()
        except RuntimeError:  # no more threads can be had
            _run(*other)
    _run(*own)
    wait(futures)
    return [future.exception() or future.result() for future in futures]


def _run(future: Future[T], call: Callable[[], T]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - it is the outcome
        future.set_exception(error)
