"""Calls side by side, for work that waits for others."""

import contextvars
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import TypeVar

T = TypeVar("T")


def side_by_side(calls: Sequence[Callable[[], T]]) -> list[T]:
    """What they return. When some raise, all come to their end, and then the error of the first of those is raised.

    One has the caller's own thread. The others have daemons, which keep no process from ending, and the caller's
    context: its trace.
    """
    futures: list[Future[T]] = [Future() for _ in calls]
    own, *others = zip(futures, calls, strict=True)
    for other in others:
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(_run, *other), name="side-by-side", daemon=True).start()
    _run(*own)
    wait(futures)
    return [future.result() for future in futures]


def _run(future: Future[T], call: Callable[[], T]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
        future.set_exception(error)
