"""Retry-After follows the present time to decision, and grows with the order's age when nothing is decided."""

import pytest

from api.retry_after import Pace, retry_after_seconds


@pytest.mark.parametrize(
    ("age", "estimate", "seconds"),
    [
        (0, 0, 1),
        (0, 0.2, 1),
        (0, 4.2, 5),
        (3, 10, 7),
        (10, 10, 5),
        (12, 10, 6),
        (0, 500, 30),
        (3_600, 0, 30),
        (-5, 0, 1),
    ],
)
def test_it_is_what_is_left_or_half_as_long_again(age, estimate, seconds):
    assert retry_after_seconds(age, estimate) == seconds


def test_while_nothing_is_decided_it_grows_with_the_age():
    waits = [retry_after_seconds(age, 0) for age in (0, 4, 10, 30, 60)]
    assert waits == [1, 2, 5, 15, 30]


def test_nothing_known_is_no_wait():
    assert Pace().estimate_seconds() == 0
    assert Pace().silent_seconds() == float("inf")


def test_the_first_news_is_all_that_is_known():
    pace = Pace()
    pace.observe(8.0, at=100.0)
    assert pace.estimate_seconds(at=100.0) == 8.0


def test_it_follows_a_growing_backlog_and_its_end_within_seconds():
    pace = Pace()
    for second in range(10):
        pace.observe(second, at=100.0 + second)
    assert 7 < pace.estimate_seconds(at=109.0) < 9
    for second in range(5):
        pace.observe(0.1, at=110.0 + second)
    assert pace.estimate_seconds(at=114.0) < 1


def test_many_notices_of_one_moment_outweigh_what_was_before():
    pace = Pace()
    pace.observe(20.0, at=100.0)
    for _ in range(20):
        pace.observe(0.5, at=100.0)
    assert pace.estimate_seconds(at=100.0) < 1


def test_old_news_fade():
    pace = Pace()
    pace.observe(20.0, at=100.0)
    assert pace.estimate_seconds(at=110.0) == 10.0
    assert pace.estimate_seconds(at=200.0) < 0.1
    assert pace.silent_seconds(at=110.0) == 10.0
