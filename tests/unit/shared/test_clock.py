"""The time as MongoDB keeps it."""

from datetime import UTC, datetime, timedelta

from shared.clock import now


def test_now_is_utc_in_whole_milliseconds():
    moments = [now() for _ in range(50)]
    assert all(moment.tzinfo is UTC and moment.microsecond % 1000 == 0 for moment in moments)


def test_now_is_now():
    assert timedelta(0) <= datetime.now(UTC) - now() < timedelta(seconds=1)
