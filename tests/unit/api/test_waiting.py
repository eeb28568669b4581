"""The waiting room: places, wake-ups, and a notice that comes at the worst moment."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.waiting import WaitingRoom
from shared.domain.order import Status
from tests.builders import an_order

ORDER = an_order(order_id="1")
DECIDED = an_order(order_id="1", status=Status.CONFIRMED)


@pytest.fixture
def room() -> WaitingRoom:
    """In which nobody looks by himself while a test runs."""
    return WaitingRoom(places_max=2, read_seconds=60)


def until_taken(room: WaitingRoom, places: int) -> None:
    deadline = time.monotonic() + 5
    while len(room.places()) < places:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_notice_that_comes_just_after_the_order_was_read_is_not_lost(room):
    """Of all moments between the reading and the waiting: the place was taken before."""
    answers = iter([ORDER, DECIDED])

    def read():
        order = next(answers)
        room.wake(["1"])
        return order

    started = time.monotonic()
    assert room.wait_until_final(ORDER, read, seconds=5) == (DECIDED, True)
    assert time.monotonic() - started < 4


def test_an_order_that_was_decided_before_the_place_was_taken_is_answered_at_once(room):
    assert room.wait_until_final(ORDER, lambda: DECIDED, seconds=60) == (DECIDED, True)


def test_a_notice_wakes_all_who_wait_for_its_orders_and_nobody_else(room):
    reads = []
    with ThreadPoolExecutor(2) as pool:
        decided = threading.Event()

        def read():
            reads.append("1")
            return DECIDED if decided.is_set() else ORDER

        others = pool.submit(room.wait_until_final, ORDER, read, seconds=30)
        until_taken(room, 1)
        room.wake(["2", "3"])
        time.sleep(0.05)
        assert reads == ["1"]
        decided.set()
        room.wake(["3", "1"])
        assert others.result(5) == (DECIDED, True)


def test_a_spurious_wake_up_is_only_a_reason_to_read(room):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(room.wait_until_final, ORDER, lambda: ORDER, seconds=0.3)
        until_taken(room, 1)
        for _ in range(3):
            room.wake_all()
        started = time.monotonic()
        assert waiting.result(5) == (ORDER, True)
        assert time.monotonic() - started > 0.1


@pytest.mark.parametrize(("hearing", "intervals"), [(False, [1, 2, 4, 4, 4]), (True, [8, 16, 32, 32, 32])])
def test_the_order_is_read_now_and_then_ever_more_rarely(monkeypatch, hearing, intervals):
    waits = []
    monkeypatch.setattr("api.waiting.random.uniform", lambda *_: 1)
    monkeypatch.setattr("api.waiting.Place.wait", lambda _, seconds: waits.append(seconds))
    answers = iter([ORDER] * 5 + [DECIDED])
    room = WaitingRoom(places_max=1, read_seconds=1)
    room.hear(hearing)
    assert room.wait_until_final(ORDER, lambda: next(answers), seconds=1000) == (DECIDED, True)
    assert waits == intervals


def test_when_all_places_are_taken_the_answer_comes_at_once_and_nothing_is_read(room):
    with ThreadPoolExecutor(2) as pool:
        held = [pool.submit(room.wait_until_final, ORDER, lambda: ORDER, seconds=30) for _ in range(2)]
        until_taken(room, 2)
        assert room.wait_until_final(ORDER, pytest.fail, seconds=30) == (ORDER, False)
        room.close()
        assert [future.result(5) for future in held] == [(ORDER, False)] * 2


def test_places_are_given_back_also_after_an_error(room):
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            room.wait_until_final(ORDER, lambda: 1 / 0, seconds=1)
    assert room.places() == []
    assert room.wait_until_final(ORDER, lambda: DECIDED, seconds=1) == (DECIDED, True)


def test_a_dismissed_request_answers_what_is_known_and_the_others_wait_on(room):
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(room.wait_until_final, ORDER, lambda: ORDER, seconds=30)
        until_taken(room, 1)
        [place] = room.places()
        second = pool.submit(room.wait_until_final, ORDER, lambda: ORDER, seconds=30)
        until_taken(room, 2)
        place.dismiss()
        assert first.result(5) == (ORDER, False)
        assert not second.done()
        room.close()


def test_after_the_end_nobody_waits(room):
    room.close()
    assert room.wait_until_final(ORDER, pytest.fail, seconds=30) == (ORDER, False)


def test_who_waits_looks_when_notices_stop_but_not_at_every_attempt_to_hear_them_again(room, monkeypatch):
    woken = []
    monkeypatch.setattr(room, "wake_all", lambda: woken.append(True))
    for hearing in (True, False, False, False, True):
        room.hear(hearing)
    assert len(woken) == 3
