"""Calls side by side: all come to their end, and each has its outcome."""

import contextvars
import threading

from shared.side_by_side import side_by_side

place = contextvars.ContextVar("place", default="")


def test_all_run_at_the_same_time_and_each_result_has_its_place():
    all_there = threading.Barrier(3)

    def call(n: int) -> int:
        all_there.wait(10)
        return n

    assert side_by_side([lambda n=n: call(n) for n in range(3)]) == [0, 1, 2]


def test_the_callers_context_is_theirs():
    place.set("a trace")
    assert side_by_side([place.get, place.get]) == ["a trace"] * 2


def test_an_error_is_an_outcome_when_all_are_over():
    failed = threading.Event()

    def fail() -> None:
        failed.set()
        raise KeyError("first")

    [error, ended] = side_by_side([fail, lambda: failed.wait(10)])
    assert isinstance(error, KeyError)
    assert ended is True


def test_where_no_thread_can_be_had_they_run_one_after_the_other(monkeypatch):
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert side_by_side([threading.get_ident] * 3) == [threading.get_ident()] * 3


def test_one_alone_needs_no_thread():
    assert side_by_side([threading.get_ident]) == [threading.get_ident()]
