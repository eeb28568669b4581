"""The time as MongoDB keeps it."""

from datetime import UTC, datetime, timedelta

from shared.clock import now


def test_now_is_utc_in_whole_milliseconds():
    moments = [now() for _ in range(50)]
    assert all(moment.tzinfo is UTC and moment.microsecond % 1000 == 0 for moment in moments)


def test_now_is_now():
    before = datetime.now(UTC)
    assert before - timedelta(milliseconds=1) < now() <= datetime.now(UTC)
