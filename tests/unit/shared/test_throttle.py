"""At most once in a while."""

from threading import Thread
from types import SimpleNamespace

from shared.throttle import Throttle


def test_it_says_yes_once_and_then_no_until_the_time_has_passed(monkeypatch):
    seconds = iter([100.0, 100.5, 100.99, 101.0, 101.5])
    monkeypatch.setattr("shared.throttle.time.monotonic", lambda: next(seconds))
    throttle = Throttle(seconds=1.0)
    assert [throttle() for _ in range(5)] == [True, False, False, True, False]


def test_throttles_are_apart():
    first, second = Throttle(seconds=60), Throttle(seconds=60)
    assert first()
    assert second()


def test_of_two_threads_that_ask_at_the_same_moment_one_is_told_yes(monkeypatch):
    answers = []
    throttle = Throttle(seconds=60)
    other = Thread(target=lambda: answers.append(throttle()))

    class Moment(float):
        """Lets the other thread ask between our look at the clock and our note of when the next yes is due."""

        def __add__(self, seconds: float) -> float:
            if not other.ident:
                other.start()
                other.join(0.1)  # it waits for us; without a lock it is answered meanwhile
            return float(self) + seconds

    monkeypatch.setattr("shared.throttle.time", SimpleNamespace(monotonic=lambda: Moment(100)))
    answers.append(throttle())
    other.join(5)
    assert sorted(answers) == [False, True]
