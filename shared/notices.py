"""Notices of finished orders on Redis pub/sub, for clients that wait. Only a hint: who misses one reads MongoDB."""

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from redis import Redis, RedisError

from shared.clock import now
from shared.domain.order import accepted_at
from shared.metrics import NOTICES_FAILED
from shared.throttle import Throttle

CHANNEL = "orders.finished"
"""Each message is a JSON object: `order_ids`, and `waited_seconds`, which the orders had waited (the median)."""

SECONDS_MAX = 10_000_000
"""More than a season: no order waited as long."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """`waited_seconds` is None when nobody can tell."""

    order_ids: tuple[str, ...]
    waited_seconds: float | None


class FinishedOrders:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._log_now = Throttle(seconds=1.0)

    def publish(self, order_ids: Sequence[str], *, decided: bool = True) -> None:
        """After the commit. Never raises: the orders are final whether anyone hears of it or not.

        How long orders had waited says nothing of those that were not `decided`, but cancelled.
        """
        if not order_ids:
            return
        waited = waited_seconds(order_ids, at=now()) if decided else None
        message = {"order_ids": list(order_ids), "waited_seconds": waited}
        try:
            self._redis.publish(CHANNEL, json.dumps(message))
        except RedisError as error:
            NOTICES_FAILED.inc()
            if self._log_now():
                log.warning("finished orders not published", error=repr(error))


def waited_seconds(order_ids: Sequence[str], *, at: datetime) -> float | None:
    """The median: one order that an operator brought back after days says nothing of the others.

    The ids, UUIDv7, hold the time of acceptance (RFC 9562, section 5.7), so that nothing is read for it.
    """
    accepted = accepted_moments(order_ids)
    if not accepted:
        return None
    return round(max(0.0, at.timestamp() - statistics.median(accepted)), 3)


def accepted_moments(order_ids: Iterable[str]) -> list[float]:
    """Seconds since 1970, without those that nobody can tell."""
    return [moment for order_id in order_ids if (moment := _accepted_at(order_id)) is not None]


def read_notice(message: object) -> Notice | None:
    """What a message on the channel says; None when it is none of ours: anyone may publish there."""
    try:
        content = json.loads(message) if isinstance(message, bytes | str) else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or not isinstance(content.get("order_ids"), list):
        return None
    order_ids = tuple(order_id for order_id in content["order_ids"] if isinstance(order_id, str))
    return Notice(order_ids, _seconds_in(content.get("waited_seconds")))


def _seconds_in(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < SECONDS_MAX:
        return None
    return float(value)


def _accepted_at(order_id: str) -> float | None:
    """Seconds since 1970."""
    try:
        return accepted_at(order_id).timestamp()
    except (ValueError, OverflowError):
        return None
