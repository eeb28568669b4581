"""The time, as MongoDB keeps it: UTC in whole milliseconds, so that what is answered equals what is stored."""

from datetime import UTC, datetime


def now() -> datetime:
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
