"""At most once in a while."""

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
